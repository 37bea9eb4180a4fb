"""Reading api clients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.identity.api_clients.models import ApiClient, ApiClientSecret
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Page, decode_cursor, encode_cursor

_SELECT = """
    select a.id, a.name, a.client_id, c.name as client_name, a.scopes, a.auth_method, a.jwks::text as jwks,
           a.created_at, trim(p.first_name || ' ' || p.last_name) as created_by, a.last_used_at, a.revoked_at,
           (select max(s.expires_at) from api_client_secrets s
            where s.api_client_id = a.id and s.expires_at > $1 and a.revoked_at is null) as old_secret_until
    from api_clients a left join clients c on c.id = a.client_id left join people p on p.id = a.created_by
"""
_ONE = f"{_SELECT} where a.id = $2"
_LIST = f"""{_SELECT}
    where ($2::uuid is null or a.client_id = $2) and ($3::uuid is null or a.id < $3)
    order by a.id desc limit $4
"""
# Bound to a client, it counts while the company works for that client.
_LIVE = """
    select a.name from api_clients a left join clients c on c.id = a.client_id
    where a.id = $1 and a.version = $2 and a.revoked_at is null and (a.client_id is null or c.active)
"""


class ApiClientView(msgspec.Struct, frozen=True, kw_only=True):
    """An api client as staff see it. `old_secret_until`: until when a secret counts that was rotated away."""

    id: UUID
    name: str
    client_id: UUID | None
    client_name: str | None
    scopes: list[str]
    auth_method: str
    jwks: dict[str, Any] | None
    created_at: datetime
    created_by: str | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    old_secret_until: datetime | None


async def get_api_client(connection: asyncpg.Connection, api_client_id: UUID) -> ApiClientView:
    """One api client. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, now(), api_client_id)
    if row is None:
        raise NotFound
    return _view(row)


async def list_api_clients(
    connection: asyncpg.Connection, client_id: UUID | None, limit: int, cursor: str | None
) -> Page[ApiClientView]:
    """Those bound to one client, or all; newest first, revoked ones among them."""
    before = decode_cursor(cursor, UUID) if cursor else None
    rows = await connection.fetch(_LIST, now(), client_id, before, limit + 1)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([_view(row) for row in rows[:limit]], more)


async def find_live(connection: asyncpg.Connection, api_client_id: UUID, version: int) -> str | None:
    """The name of an api client whose tokens of this version count; None for every other."""
    return await connection.fetchval(_LIVE, api_client_id, version)


async def load_api_client(db: Db, api_client_id: UUID) -> ApiClient:
    """The api client, locked for a change. Raises `NotFound`."""
    found = await db.scalar(select(ApiClient).where(ApiClient.id == api_client_id).with_for_update())
    if found is None:
        raise NotFound
    return found


async def load_secrets(db: Db, api_client_id: UUID) -> Sequence[ApiClientSecret]:
    """All its secrets, also those that count no more."""
    found = await db.scalars(select(ApiClientSecret).where(ApiClientSecret.api_client_id == api_client_id))
    return found.all()


def _view(row: asyncpg.Record) -> ApiClientView:
    return msgspec.convert({**row, "jwks": row["jwks"] and msgspec.json.decode(row["jwks"])}, ApiClientView)
