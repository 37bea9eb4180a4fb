"""One row each and none for who may not read, however often the service dies while it tells them."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from ops.keys import new_secrets_key
from ops.stack.backing import Backing
from shared.actor import Actor
from shared.clock import uuid7
from shared.testing.claims import Signer
from tests.activity.build import contact, milestone_completed
from tests.activity.process import Service
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster, ServiceApi
from tests.notifications.process import serve_notifications
from tests.notifications.rig import Rig, introduce, known_project

EVENTS, PEOPLE, KILLS = 120, 12, 2
AT_ONCE = 30


def audience(client: UUID, projects: Sequence[UUID], count: int) -> list[Actor]:
    """People with every kind of right in these projects, and some with none."""
    roles = ("approver", "viewer", "feedback_only", None)
    return [
        contact(
            client,
            primary=number % 10 == 9,
            project_roles={
                project: role
                for index, project in enumerate(projects)
                if (role := roles[(number + index) % len(roles)])
            },
        )
        for number in range(count)
    ]


def recipients(people: Sequence[Actor], project: UUID) -> set[UUID]:
    """Who reads what this project holds."""
    return {each.id for each in people if each.id and each.role_in(project) in ("approver", "viewer")}


async def test_everybody_is_told_once_however_often_the_service_is_killed(
    servers: Backing, cluster: Cluster, signer: Signer, tmp_path: Path
) -> None:
    await empty_streams(servers)
    rng, client, projects = random.Random(4), uuid7(), [uuid7() for _ in range(4)]
    people = audience(client, projects, PEOPLE)
    url = await cluster.create("notifications")
    told = {
        "env": "embedded",
        "database_url": url,
        "nats_url": servers.addresses.nats_url,
        "jwks": str(signer.jwks),
        "secrets_key": new_secrets_key(),
    }
    environ = {f"PORTAL_{name.upper()}": value for name, value in told.items()}
    service = Service(environ, tmp_path / "notifications.log", serve_notifications)
    async with publisher(servers, cluster) as source:
        rig = Rig(ServiceApi("notifications", None, signer, url), source, cluster.admin_of(url))  # type: ignore[arg-type]
        await service.begin()
        try:
            await introduce(rig, people)
            for project in projects:
                await rig.publish(known_project(), project, client_id=client)
            expected: dict[UUID, set[UUID]] = {}
            deaths = sorted(rng.sample(range(1, EVENTS // AT_ONCE), KILLS))
            for portion in range(EVENTS // AT_ONCE):
                chosen = [rng.choice(projects) for _ in range(AT_ONCE)]
                facts = [(milestone_completed(project), uuid7()) for project in chosen]
                ids = await source.publish_all(facts, client_id=client)
                expected |= {event: recipients(people, project) for event, project in zip(ids, chosen, strict=True)}
                if portion in deaths:
                    await asyncio.sleep(rng.random() * 0.1)
                    service.kill()
                    await service.begin()
            await rig.settle()
        finally:
            service.kill()
        rows = await rig.sql("select t.id, b.person_id from bell b join told t on t.position = b.position")
        letters = await rig.sql("select reason from dead_letters")
    assert [row["reason"] for row in letters] == []
    assert len(rows) == sum(map(len, expected.values()))
    assert {(row["id"], row["person_id"]) for row in rows} == {
        (event, person) for event, whom in expected.items() for person in whom
    }
