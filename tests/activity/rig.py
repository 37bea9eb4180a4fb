"""Activity with somebody to tell it something: a database with an outbox, its relay, and the service itself."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from litestar.datastructures import State
from nats.aio.client import Client
from sqlalchemy.engine import make_url

from ops.stack.backing import Backing
from services.activity.settings import ActivitySettings
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.background import Background
from shared.broker import STREAM, connect, ensure_stream
from shared.clock import uuid7
from shared.database import Database
from shared.events import EventData
from shared.relay import Relay
from shared.server import BoundedHttp
from tests.activity.build import ACME, CLARA, with_summary
from tests.conftest import Cluster, ServiceApi
from tests.looks import Looks

Fact = tuple[EventData, UUID]
"""Something to publish, and the id of what it happened to."""


async def empty_streams(servers: Backing) -> None:
    """The stream there, and nothing in it from an earlier test."""
    client = await connect(servers.addresses.nats_url, "tests")
    jetstream = client.jetstream()
    await ensure_stream(jetstream, 1)
    await jetstream.purge_stream(STREAM)
    await client.close()


class Publisher:
    """Any service that tells events, of all clients: committed to its outbox, taken to the broker by its relay."""

    def __init__(self, database: Database, client: Client) -> None:
        self.database = database
        self.client = client
        self.relay = Relay("source", database, client)
        self.looks = Looks(database.dsn, role=database.relay_role)

    async def publish(
        self, data: EventData, about: UUID | None = None, *, client_id: UUID | None = ACME, actor: Actor = CLARA
    ) -> UUID:
        """Commit one event, with a summary where it can have one; its id."""
        [published] = await self.publish_all([(data, about or uuid7())], client_id=client_id, actor=actor)
        return published

    async def publish_all(
        self, facts: Sequence[Fact], *, client_id: UUID | None = ACME, actor: Actor = CLARA
    ) -> list[UUID]:
        """Commit several at once, in order; their ids."""
        async with self.database.uow(SYSTEM) as db:
            return [
                await outbox.append(db, actor, with_summary(data, about), client_id=client_id, aggregate_id=about)
                for data, about in facts
            ]

    async def published(self) -> int:
        """How many committed events the broker has acknowledged, if it is all of them; else -1."""
        statement = "select case when count(*) = count(published_at) then count(*) else -1 end from outbox"
        return (await self.looks.fetch(statement))[0][0]


@asynccontextmanager
async def publisher(servers: Backing, cluster: Cluster, *, relays: int = 1) -> AsyncGenerator[Publisher]:
    """A publisher on a database of its own, with `relays` of them running."""
    database = Database(await cluster.create_bare("source"))
    await database.start()
    client = await connect(servers.addresses.nats_url, "source")
    source = Publisher(database, client)
    kept = Background()
    try:
        async with AsyncExitStack() as stack:
            for number in range(relays):
                await stack.enter_async_context(kept.keep(f"relay {number}", Relay("source", database, client).run))
            yield source
    finally:
        await source.looks.close()
        await client.close()
        await database.stop()


class Rig:
    """The service, its database as an administrator sees it, and a publisher."""

    def __init__(self, api: ServiceApi, source: Publisher, admin_url: str) -> None:
        self.api = api
        self.source = source
        self.publish = source.publish
        self.publish_all = source.publish_all
        self.admin_url = admin_url
        self.looks = Looks(admin_url, search_path="activity")
        source_database = make_url(source.database.dsn).database
        self.source_admin_url = make_url(admin_url).set(database=source_database).render_as_string(hide_password=False)

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run a statement as an administrator."""
        return await self.looks.fetch(statement, *values)

    async def settle(self) -> None:
        """Wait until everything committed is published, and everything published is folded and seen by the hub."""
        async with asyncio.timeout(30):
            while await self.source.published() < 0 or not await self._folded():
                await asyncio.sleep(0.02)
            heads = await self.sql("select coalesce(max(position), 0) from feed")
            while self.api.app.state.hub.head < heads[0][0]:
                await asyncio.sleep(0.01)

    async def _folded(self) -> bool:
        last = (await self.source.client.jetstream().stream_info(STREAM)).state.last_seq
        rows = await self.sql("select position - ahead from inbox_positions")
        return bool(rows) and rows[0][0] >= last

    async def ids(self) -> list[UUID]:
        """The feed's event ids in order."""
        return [row[0] for row in await self.sql("select id from feed order by position")]


class Limits:
    """Other settings of the running service, until they are put back."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._before: ActivitySettings = state.settings

    def __call__(self, **limits: float) -> None:
        self._state.settings = msgspec.structs.replace(self._before, **limits)

    def restore(self) -> None:
        self._state.settings = self._before


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[str]:
    """The application behind a real server on a free port, in this loop; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, http=BoundedHttp, proxy_headers=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        app.state.hub.drain()
        server.should_exit = True
        await task
