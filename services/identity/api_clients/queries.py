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
from shared.pagination import Orders, Page

_SELECT = """
    select a.id, a.name, a.client_id, c.name as client_name, a.scopes, a.auth_method, a.jwks::text as jwks,
           a.created_at, trim(p.first_name || ' ' || p.last_name) as created_by, a.last_used_at, a.revoked_at,
           (select max(s.expires_at) from api_client_secrets s
            where s.api_client_id = a.id and s.expires_at > $1 and a.revoked_at is null) as old_secret_until
    from api_clients a left join clients c on c.id = a.client_id left join people p on p.id = a.created_by
"""
_ONE = f"{_SELECT} where a.id = $2"
_LISTED = "$2::uuid is null or a.client_id = $2"
ORDERS = Orders(
    "-created_at",
    created_at="''",  # ids are in the order in which they are added
    name="folded(a.name)",
    client_name="coalesce((select c.sort_key from clients c where c.id = a.client_id), {none})",
    last_used_at="coalesce(to_char(a.last_used_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US'), {none})",
)
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
    connection: asyncpg.Connection, client_id: UUID | None, *, sort: str, limit: int, cursor: str | None
) -> Page[ApiClientView]:
    """Those bound to one client, or all, revoked ones among them."""
    order = ORDERS.order(sort, cursor)
    page = order.rows("api_clients a", f"({_LISTED})", first=4)
    listed = _SELECT.replace("api_clients a", f"({page} limit $3) a", 1).replace("a.id", "a.sort_value, a.id", 1)
    rows = await connection.fetch(listed + order.by, now(), client_id, limit + 1, *(order.place or ()))
    return order.page(rows, limit, [_view(row) for row in rows[:limit]])


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
