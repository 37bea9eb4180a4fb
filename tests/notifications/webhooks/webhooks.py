"""Notifications with webhooks: staff who manage them, and what becomes of deliveries."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import msgspec

from shared.actor import Actor
from shared.clock import now, uuid7
from shared.contracts.identity import ClientCreated
from shared.events import EventData, RawEvent
from tests.activity.build import ACME, BIRCH, CLARA, project_created
from tests.activity.rig import Publisher
from tests.conftest import ServiceApi
from tests.looks import Looks
from tests.notifications.rig import Rig
from tests.notifications.webhooks.receiver import Receiver


def manager(**changes: Any) -> Actor:
    """Staff who manage partner systems and have just proven who they are."""
    clara = Actor(
        id=uuid7(),
        name="Clara Hoffmann",
        kind="staff",
        session_id=uuid7(),
        policies=frozenset({"manageApiClients", "viewAudit"}),
        proven_at=now(),
    )
    return msgspec.structs.replace(clara, **changes)


class Webhooks(Rig):
    """Every webhook of a test tells a path of its own."""

    def __init__(self, api: ServiceApi, source: Publisher, admin_url: str, receiver: Receiver) -> None:
        super().__init__(api, source, admin_url)
        self.looks = Looks(admin_url, search_path="notifications")
        self.receiver = receiver

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run a statement as an administrator."""
        return await self.looks.fetch(statement, *values)

    async def publish(
        self, data: EventData, about: UUID | None = None, *, client_id: UUID | None = ACME, actor: Actor = CLARA
    ) -> UUID:
        """Commit one event; its id."""
        return await self.source.publish(data, about, client_id=client_id, actor=actor)

    async def create(self, path: str, **more: Any) -> dict[str, Any]:
        """A webhook that tells this path of the receiver; the answer, its secret included."""
        body = {"name": "ERP", "url": f"{self.receiver.url}{path}", "client_id": None} | more
        answer = await self.ask("POST", "webhooks", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def ask(self, method: str, path: str, *, actor: Actor | None = None, **request: Any) -> httpx2.Response:
        return await self.api(actor or manager(), method, path, **request)

    async def know_clients(self) -> None:
        """Acme and Birch are there."""
        for client_id, name in ((ACME, "Acme GmbH"), (BIRCH, "Birch AG")):
            await self.publish(ClientCreated(name=name), client_id, client_id=client_id)
        await self.settle()

    async def happens(self, *, client_id: UUID = ACME, name: str = "Website relaunch") -> str:
        """Something that the feed tells; the event's id."""
        return str(await self.publish(project_created(name), client_id=client_id))

    async def deliveries(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        return (await self.ask("GET", f"webhooks/{webhook['id']}/deliveries", params={"limit": 100})).json()["items"]

    async def until(self, webhook: dict[str, Any], **expected: Any) -> dict[str, Any]:
        """The newest delivery, once it is as expected."""
        async with asyncio.timeout(30):
            while True:
                found = await self.deliveries(webhook)
                if found and all(found[0][name] == value for name, value in expected.items()):
                    return found[0]
                await asyncio.sleep(0.02)

    async def shown(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return (await self.ask("GET", f"webhooks/{webhook['id']}")).json()

    async def time_passes(self, webhook: dict[str, Any]) -> None:
        """What waits for its next attempt is due now."""
        await self.sql(
            "update webhook_deliveries set due_at = now() where due_at is not null and webhook_id = $1",
            UUID(webhook["id"]),
        )

    async def events(self, webhook: dict[str, Any]) -> list[RawEvent]:
        """What was published about it."""
        return [event for event in await self.api.published() if str(event.subject) == webhook["id"]]

    async def until_published(self) -> None:
        """The broker has everything that the service itself said."""
        async with asyncio.timeout(30):
            while (await self.sql("select count(*) from outbox where published_at is null"))[0][0]:
                await asyncio.sleep(0.02)
