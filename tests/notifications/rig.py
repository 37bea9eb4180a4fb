"""The service, somebody who publishes what it listens to, and a client with people in every role."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.notifications.consumers import consumer
from services.notifications.webhooks.consumer import consumer as webhooks_consumer
from shared.actor import Actor
from shared.broker import STREAM
from shared.clock import uuid7
from shared.contracts.contacts import PortalAccessGranted, PortalAccessRevoked
from shared.contracts.identity import AssignmentsChanged, PersonCreated, ProjectRolesChanged, Standing
from shared.contracts.projects import ProjectRestated
from shared.events import EventData
from tests.activity.build import contact
from tests.activity.rig import Publisher
from tests.conftest import ServiceApi

CLARA = Actor(id=uuid7(), name="Clara Hoffmann", kind="staff")
"""Does what others are told of."""


def staff(*policies: str, projects: dict[UUID, UUID] | None = None) -> Actor:
    """Somebody of the company; with `projects` (and their clients) limited to these."""
    return Actor(
        id=uuid7(),
        name="Jonas Weber",
        kind="staff",
        session_id=uuid7(),
        policies=frozenset(policies),
        assignments=projects,
    )


class Rig:
    """The service, its database as an administrator sees it, and a publisher."""

    def __init__(self, api: ServiceApi, source: Publisher, admin_url: str) -> None:
        self.api = api
        self.source = source
        self.admin_url = admin_url

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run a statement as an administrator."""
        connection = await asyncpg.connect(self.admin_url, server_settings={"search_path": "notifications"})
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    async def publish(
        self, data: EventData, about: UUID, *, client_id: UUID | None = None, actor: Actor = CLARA
    ) -> UUID:
        """Commit one event; its id."""
        return await self.source.publish(data, about, client_id=client_id, actor=actor)

    async def settle(self) -> None:
        """Wait until everything committed is published, and everything published is folded."""
        async with asyncio.timeout(60):
            while await self.source.published() < 0 or not await self._folded():
                await asyncio.sleep(0.02)

    async def _folded(self) -> bool:
        client = self.source.client
        last = (await client.jetstream().stream_info(STREAM)).state.last_seq
        return all([await each.folded(client, last) >= last for each in (consumer(), webhooks_consumer())])

    async def told(self, event: UUID) -> set[UUID]:
        """Who has a row for this event."""
        rows = await self.sql(
            "select b.person_id from bell b join told t on t.position = b.position where t.id = $1", event
        )
        assert len(rows) == len({row[0] for row in rows})
        return {row[0] for row in rows}

    async def get(self, actor: Actor, path: str = "", **params: Any) -> Any:
        """What a GET answers."""
        answer = await self.api(actor, "GET", f"notifications{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, actor: Actor) -> list[str]:
        """The ids of what somebody is shown, newest first."""
        return [each["id"] for each in (await self.get(actor, limit=100))["items"]]

    async def unread(self, actor: Actor) -> int:
        """What the badge says."""
        return (await self.get(actor, "/unread"))["count"]


async def introduce(rig: Rig, people: Iterable[Actor]) -> None:
    """Have identity tell of these people what decides what they may read."""
    for actor in people:
        assert actor.id
        kind = "staff" if actor.is_staff else "client"
        standing = Standing(
            kind=kind,
            may_enter=True,
            is_primary_contact=actor.is_primary_contact,
            policies=sorted(actor.policies),
        )
        told: list[EventData] = [PersonCreated(kind=kind, standing=standing)]
        if actor.project_roles:
            told.append(ProjectRolesChanged(roles=actor.project_roles))
        if actor.assignments is not None:
            told.append(AssignmentsChanged(limited=True, project_ids=sorted(actor.assignments)))
        for data in told:
            await rig.publish(data, actor.id, client_id=actor.client_id)


def known_project() -> ProjectRestated:
    """A shared project that was there before: nobody is told of it."""
    return ProjectRestated(name="Website relaunch", status="on_track", version=1)


class Cast:
    """A client with a shared project, and somebody for each thing that can be true of a reader."""

    def __init__(self) -> None:
        self.client, self.project, self.other_project = uuid7(), uuid7(), uuid7()
        self.approver = contact(self.client, project_roles={self.project: "approver"})
        self.viewer = contact(self.client, project_roles={self.project: "viewer"})
        self.primary = contact(self.client, primary=True)
        self.feedback = contact(self.client, project_roles={self.project: "feedback_only"})
        self.elsewhere = contact(self.client, project_roles={self.other_project: "approver"})
        self.stranger = contact(uuid7(), primary=True, project_roles={self.project: "approver"})
        self.locked_out = contact(self.client, project_roles={self.project: "approver"})
        self.let_in_again = contact(self.client, project_roles={self.project: "approver"})
        self.manager = staff("manageProjects", "managePortalAccess", "manageApiClients")
        self.colleague = staff("viewAudit")
        self.assigned = staff("manageProjects", "manageApiClients", projects={self.project: self.client})
        self.unassigned = staff("manageProjects", projects={})

    @property
    def people(self) -> dict[str, Actor]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Actor)}

    def names(self, ids: Iterable[UUID]) -> set[str]:
        """Who these are."""
        known = {actor.id: name for name, actor in self.people.items()}
        return {known[each] for each in ids if each in known}

    async def enter(self, rig: Rig) -> None:
        """Everybody is known, and the project is there."""
        await introduce(rig, self.people.values())
        out = Standing(kind="client", may_enter=False)
        for person in (self.locked_out, self.let_in_again):
            assert person.id
            await rig.publish(PortalAccessRevoked(standing=out), person.id, client_id=self.client)
        again = msgspec.structs.replace(out, may_enter=True)
        assert self.let_in_again.id
        await rig.publish(PortalAccessGranted(standing=again), self.let_in_again.id, client_id=self.client)
        await rig.publish(known_project(), self.project, client_id=self.client)
        await rig.settle()
