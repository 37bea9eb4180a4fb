"""Reading clients."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.identity.clients.models import Client
from shared.actor import Actor
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Page, decode_cursor, encode_cursor

_SELECT = """
    select c.id, c.name, c.active, c.portal_enabled, c.variant, c.created_at,
           (select count(*) from people p where p.client_id = c.id) as people_count
    from clients c
"""
_ONE = f"{_SELECT} where c.id = $1"
_LIST = f"""{_SELECT}
    where position(lower($1) in lower(c.name)) > 0 and ($4::uuid[] is null or c.id = any($4))
      and ($2::uuid is null or (lower(c.name), c.id) > (select lower(name), id from clients where id = $2))
    order by lower(c.name), c.id limit $3
"""  # noqa: S608  (constants)


class ClientView(msgspec.Struct, frozen=True):
    """A client as staff and its own people see it. `people_count` counts everybody, active or not."""

    id: UUID
    name: str
    active: bool
    portal_enabled: bool
    variant: str
    people_count: int
    created_at: datetime


async def get_client(connection: asyncpg.Connection, client_id: UUID) -> ClientView:
    """One client. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, client_id)
    if row is None:
        raise NotFound
    return ClientView(**row)


async def list_clients(
    connection: asyncpg.Connection, actor: Actor, q: str, limit: int, cursor: str | None
) -> Page[ClientView]:
    """Clients whose name contains `q`, by name; for a subcontractor those of its projects."""
    reach = None if actor.assignments is None else list(set(actor.assignments.values()))
    after = decode_cursor(cursor, UUID) if cursor else None
    rows = await connection.fetch(_LIST, q, after, limit + 1, reach)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([ClientView(**row) for row in rows[:limit]], more)


async def load_client(db: Db, client_id: UUID) -> Client:
    """The client, locked for a change. Raises `NotFound`."""
    client = await db.scalar(select(Client).where(Client.id == client_id).with_for_update())
    if client is None:
        raise NotFound
    return client
