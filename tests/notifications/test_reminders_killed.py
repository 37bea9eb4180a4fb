"""Everybody is reminded once by three processes, two of which are killed while they do it."""

import asyncio
from datetime import timedelta
from pathlib import Path

from ops.keys import new_secrets_key
from ops.stack.backing import Backing
from shared.clock import today, uuid7
from shared.contracts.reminders import MilestoneOverdue
from shared.testing.claims import Signer
from tests.activity.build import milestone_created
from tests.activity.process import Service
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster, ServiceApi
from tests.notifications.process import serve_notifications
from tests.notifications.rig import Rig, introduce, known_project, staff

MILESTONES = 60
DEATHS = (5, 25)
"""After so many reminders one of the processes is killed."""


async def test_each_reminder_is_published_once_and_told_once(
    servers: Backing, cluster: Cluster, signer: Signer, tmp_path: Path
) -> None:
    await empty_streams(servers)
    url, client, project = await cluster.create("notifications"), uuid7(), uuid7()
    managers = [staff("manageProjects") for _ in range(2)]
    told = {
        "env": "embedded",
        "clock_offset": "+7d",
        "database_url": url,
        "nats_url": servers.addresses.nats_url,
        "jwks": str(signer.jwks),
        "secrets_key": new_secrets_key(),
    }
    environ = {f"PORTAL_{name.upper()}": value for name, value in told.items()}
    replicas = [Service(environ, tmp_path / f"{number}.log", serve_notifications) for number in range(3)]
    async with publisher(servers, cluster) as source:
        rig = Rig(ServiceApi("notifications", None, signer, url), source, cluster.admin_of(url))  # type: ignore[arg-type]
        try:
            await asyncio.gather(*(each.begin() for each in replicas))
            await introduce(rig, managers)
            await rig.publish(known_project(), project, client_id=client)
            due = today() + timedelta(days=5)
            planned = [(milestone_created(project, target_on=due), uuid7()) for _ in range(MILESTONES)]
            await source.publish_all(planned, client_id=client)
            async with asyncio.timeout(120):
                for replica, count in zip(replicas, DEATHS, strict=False):
                    while len(await reminded(rig)) < count:
                        await asyncio.sleep(0.01)
                    replica.kill()
                while len(await bell(rig)) < MILESTONES * len(managers):
                    await asyncio.sleep(0.05)
            await rig.settle()
        finally:
            for replica in replicas:
                replica.kill()
        assert sorted(await reminded(rig)) == sorted(str(about) for _, about in planned)
        assert sorted(await bell(rig)) == sorted((about, each.id) for _, about in planned for each in managers)
        assert await rig.sql("select from due_moments where due_at < now() + interval '7 days'") == []
        assert await rig.sql("select from dead_letters") == []


async def reminded(rig: Rig) -> list[str]:
    """The thing of each reminder that is published, or will be."""
    statement = "select event ->> 'subject' as about from outbox where event ->> 'type' = $1"
    return [row["about"] for row in await rig.sql(statement, MilestoneOverdue.type)]


async def bell(rig: Rig) -> list[tuple[object, object]]:
    """Of which things who is told, once for each row."""
    rows = await rig.sql("select t.target_id, b.person_id from bell b join told t on t.position = b.position")
    return [tuple(row) for row in rows]
