"""Reading clients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import or_, select, text
from sqlalchemy.orm import aliased

from services.identity.clients.models import Client
from services.identity.sessions.models import Session
from services.identity.single_sign_on.models import IdentityProvider
from shared.actor import Actor
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Orders, Page

_SELECT = """
    select c.id, {value}c.name, c.active, c.portal_enabled, c.variant, c.created_at,
           c.sign_in_methods, c.second_factor,
           c.team_invites, c.language, c.session_recording, c.recorded_since, c.portal_user_id, c.allowed_networks,
           c.allowed_domains, c.closed_modules, c.closed_actions, c.settings::text,
           {people} as people_count
    from {clients} c
"""
_ONE = f"{_SELECT} where c.id = $1".format(
    people="(select count(*) from people p where p.client_id = c.id)", clients="clients", value=""
)
# First the rows of the page, then the people of all of these at once: counted client by client, a large one would have
# the planner read the whole table for each of the others too.
_PAGE = """
    with page as materialized ({rows} limit $6), counted as materialized (
        select client_id, count(*) as people from people where client_id = any(array(select id from page)) group by 1
    )
"""
_COUNTED = "coalesce((select n.people from counted n where n.client_id = c.id), 0)"
_LIST = _PAGE + _SELECT.format(people=_COUNTED, clients="page", value="c.sort_value, ")
_LISTED = """
    c.found_by like all ((select wanted($1))::text[])
    and ($2::boolean is null or c.active = $2) and ($3::boolean is null or c.portal_enabled = $3)
    and ($4::text is null or c.variant = $4) and ($5::uuid[] is null or c.id = any($5))
"""
ORDERS = Orders(
    "name",
    name="sort_key",
    active="active::text",
    portal_enabled="portal_enabled::text",
    created_at="to_char(created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')",
)
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('identity:allowed-domains', 0))")
_FOR_STAFF = (
    "recorded_since",
    "portal_user_id",
    "allowed_networks",
    "allowed_domains",
    "closed_modules",
    "closed_actions",
    "settings",
)
_settings = msgspec.json.Decoder(dict[str, Any])


class ClientView(msgspec.Struct, frozen=True):
    """A client as staff and its own people see it; what only staff need is missing for everybody else.

    `people_count` counts everybody, active or not.
    """

    id: UUID
    name: str
    active: bool
    portal_enabled: bool
    variant: str
    people_count: int
    created_at: datetime
    sign_in_methods: list[str]
    second_factor: str
    team_invites: bool
    language: str
    session_recording: bool
    recorded_since: datetime | UnsetType | None = UNSET
    portal_user_id: UUID | UnsetType | None = UNSET
    allowed_networks: list[str] | UnsetType = UNSET
    allowed_domains: list[str] | UnsetType = UNSET
    closed_modules: list[str] | UnsetType = UNSET
    closed_actions: list[str] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class ClientFilter(msgspec.Struct, frozen=True):
    """What a list of clients is narrowed to; None leaves it open. `portal`: whether its switch is on."""

    name: str = ""
    active: bool | None = None
    portal: bool | None = None
    variant: str | None = None


async def get_client(connection: asyncpg.Connection, actor: Actor, client_id: UUID) -> ClientView:
    """One client. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, client_id)
    if row is None or not actor.sees(client_id):
        raise NotFound
    return _view(row, actor)


async def list_clients(
    connection: asyncpg.Connection, actor: Actor, wanted: ClientFilter, *, sort: str, limit: int, cursor: str | None
) -> Page[ClientView]:
    """Clients; for a subcontractor those of its projects."""
    order = ORDERS.order(sort, cursor)
    filters = (wanted.name, wanted.active, wanted.portal, wanted.variant, _reach(actor), limit + 1)
    statement = _LIST.format(rows=order.rows("clients c", _LISTED, first=7)) + order.by
    rows = await connection.fetch(statement, *filters, *(order.place or ()))
    return order.page(rows, limit, [_view(row, actor) for row in rows[:limit]])


def _reach(actor: Actor) -> list[UUID] | None:
    """The clients the actor is bound to; None for who is bound to none."""
    if actor.assignments is not None:
        return list(set(actor.assignments.values()))
    return None if actor.sees_all_clients or actor.client_id is None else [actor.client_id]


def _view(row: asyncpg.Record, actor: Actor) -> ClientView:
    known = {**row, "settings": _settings.decode(row["settings"])}
    if not actor.sees_all_clients or actor.assignments is not None:
        known = {name: value for name, value in known.items() if name not in _FOR_STAFF}
    return msgspec.convert(known, ClientView)


async def lock_client(db: Db, actor: Actor, client_id: UUID) -> Client:
    """The client, locked for a change by who may see it. Raises `NotFound`."""
    if not actor.sees(client_id):
        raise NotFound
    return await load_client(db, client_id)


async def load_client(db: Db, client_id: UUID) -> Client:
    """The client, locked for a change. Raises `NotFound`."""
    client = await db.scalar(select(Client).where(Client.id == client_id).with_for_update())
    if client is None:
        raise NotFound
    return client


async def hashes_of(db: Db, client_id: UUID) -> list[str]:
    """The hashes of all sessions that may still be in use: its people's, and those of staff who view as this client."""
    its = or_(Session.client_id == client_id, Session.viewing_client_id == client_id)
    live = (its, Session.revoked_at.is_(None), Session.expires_at > now())
    return [
        each
        for row in await db.execute(select(Session.hash, Session.previous_hash).where(*live))
        for each in row
        if each
    ]


async def has_namesake(db: Db, client: Client) -> bool:
    """Whether another client has the same name as this one by now, however it is written (decision 0107)."""
    own = aliased(Client)
    its_key = select(own.sort_key).where(own.id == client.id).scalar_subquery()
    same = (Client.id != client.id, Client.sort_key == its_key)
    return await db.scalar(select(Client.id).where(*same).limit(1)) is not None


async def has_identity_provider(db: Db, client_id: UUID) -> bool:
    """Whether its people could sign in at their own organisation."""
    return (
        await db.scalar(select(IdentityProvider.client_id).where(IdentityProvider.client_id == client_id)) is not None
    )


async def is_domain_taken(db: Db, client_id: UUID, domains: Sequence[str]) -> bool:
    """Whether one of these lets people register with another client. A lock allows one check at a time, so that
    two requests cannot both get False.
    """
    await db.execute(_ONE_AT_A_TIME)
    taken = (Client.id != client_id, Client.allowed_domains.overlap(domains))
    return await db.scalar(select(Client.id).where(*taken).limit(1)) is not None
