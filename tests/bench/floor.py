"""The floor of the lists: a bare ASGI callable, the driver, the same SQL, msgspec. No framework, no claims, no tenant."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.activity.feed import queries as feed
from services.projects.projects import queries as projects
from shared.actor import Actor

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LIMIT = 20
SORT = "name"
SUPER = os.environ.get("FLOOR_DATABASE_URL", "")
SCHEMA = os.environ.get("FLOOR_SCHEMA", "")
encode = msgspec.json.Encoder().encode


class Floor:
    """`GET /feed?<client id>` and `GET /projects?<client id>`."""

    def __init__(self) -> None:
        self.pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        client = UUID(scope["query_string"].decode())
        async with self.pool.acquire() as connection:
            body = await (self.feed if scope["path"] == "/feed" else self.projects)(connection, client)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def live(self, receive: Any, send: Send) -> None:
        await receive()
        self.pool = await asyncpg.create_pool(
            SUPER, min_size=2, max_size=6, reset=_nothing, server_settings={"search_path": SCHEMA}
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.pool.terminate()
        await send({"type": "lifespan.shutdown.complete"})

    async def feed(self, connection: asyncpg.Connection, client: UUID) -> bytes:
        actor = Actor(kind="client", client_id=client, is_primary_contact=True)
        return encode(await feed.list_page(connection, actor, client, LIMIT))

    async def projects(self, connection: asyncpg.Connection, client: UUID) -> bytes:
        actor = Actor(kind="client", client_id=client, is_primary_contact=True)
        return encode(
            await projects.list_projects(
                connection, actor, client_id=None, status=None, q=None, ids=None, sort=SORT, cursor=None, limit=LIMIT
            )
        )


async def _nothing(_connection: Any) -> None:
    return


app = Floor()
