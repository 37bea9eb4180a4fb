"""Reading contacts."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, or_, select

from services.identity.clients.models import Client
from services.identity.invitations.models import InvitationState
from services.identity.invitations.queries import states_of
from services.identity.people.models import Person
from services.identity.people.queries import HAS_ACCOUNT, LAST_SIGN_IN
from shared.actor import Actor
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Orders, Page

_SELECT = f"""
    select p.id, p.client_id, p.first_name, p.last_name,
           trim(p.first_name || ' ' || p.last_name) as name, p.email, p.phone,
           p.title, p.language, p.active, p.is_primary_contact, p.portal_access, p.last_sign_in_at,
           {HAS_ACCOUNT} as has_account,
           exists (select from authenticators a where a.person_id = p.id and a.confirmed_at is not null) as two_factor,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as project_roles,
           coalesce((select json_object_agg(r.project_id, r.role) from offered_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as offered_roles
    from people p
"""  # noqa: S608  (constants)
_ONE = f"{_SELECT} where p.id = $1 and p.kind = 'client'"
# As for all people: no condition where nothing is looked for, so that the index is read in its order.
_LISTED = "p.client_id = $1 and (not $2 or p.active and p.email is not null)"
_FOUND = " and p.found_by like all ((select wanted($4))::text[])"
_ALL = f"{_SELECT} where p.client_id = $1 order by p.sort_key, p.id"
ORDERS = Orders("name", name="sort_key", portal_access="portal_access::text", last_sign_in_at=LAST_SIGN_IN)
NEVER = InvitationState()
_roles = msgspec.json.Decoder(dict[UUID, str])


class ContactView(msgspec.Struct, frozen=True):
    """A contact as staff see them. `has_account`: they have been in the portal, or could with a password.
    `project_roles` are what they are in which project, `offered_roles` what they become beside that when they sign in.
    """

    id: UUID
    client_id: UUID
    first_name: str
    last_name: str
    name: str
    email: str | None
    phone: str
    title: str
    language: str
    active: bool
    is_primary_contact: bool
    portal_access: bool
    last_sign_in_at: datetime | None
    has_account: bool
    two_factor: bool
    invitation: InvitationState
    project_roles: dict[UUID, str]
    offered_roles: dict[UUID, str]


async def get_contact(connection: asyncpg.Connection, actor: Actor, contact_id: UUID) -> ContactView:
    """One contact. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, contact_id)
    if row is None or not may_read(actor, row["client_id"]):
        raise NotFound
    return (await _views(connection, [row]))[0]


class ContactFilter(msgspec.Struct, frozen=True):
    """Which contacts to list: with this in their name or address; only who is active and has an address."""

    q: str = ""
    reachable: bool = False


async def list_contacts(
    connection: asyncpg.Connection,
    actor: Actor,
    client_id: UUID,
    wanted: ContactFilter,
    *,
    sort: str,
    limit: int,
    cursor: str | None,
) -> Page[ContactView]:
    """A client's contacts. Raises `NotFound`."""
    await _require_client(connection, actor, client_id)
    order = ORDERS.order(sort, cursor)
    narrowed = (client_id, wanted.reachable, limit + 1, *([wanted.q] if wanted.q else []))
    page = order.rows("people p", _LISTED + (_FOUND if wanted.q else ""), first=len(narrowed) + 1)
    statement = (
        _SELECT.replace("people p", f"({page} limit $3) p", 1).replace("p.id", "p.sort_value, p.id", 1) + order.by
    )
    rows = await connection.fetch(statement, *narrowed, *(order.place or ()))
    return order.page(rows, limit, await _views(connection, rows[:limit]))


async def all_contacts(connection: asyncpg.Connection, actor: Actor, client_id: UUID) -> list[ContactView]:
    """All of a client's contacts, by name. Raises `NotFound`."""
    await _require_client(connection, actor, client_id)
    return await _views(connection, await connection.fetch(_ALL, client_id))


async def _require_client(connection: asyncpg.Connection, actor: Actor, client_id: UUID) -> None:
    known = may_read(actor, client_id) and await connection.fetchval("select 1 from clients where id = $1", client_id)
    if not known:
        raise NotFound


async def _views(connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> list[ContactView]:
    invited = await states_of(connection, [row["id"] for row in rows])
    return [
        msgspec.convert(
            {
                **row,
                "invitation": invited.get(row["id"], NEVER),
                **{kind: _roles.decode(row[kind]) for kind in ("project_roles", "offered_roles")},
            },
            ContactView,
        )
        for row in rows
    ]


def may_read(actor: Actor, client_id: UUID | None) -> bool:
    """Contacts are the books of the company: a subcontractor sees the people they work with, not these."""
    return client_id is not None and actor.sees(client_id) and actor.assignments is None


async def lock_contact(db: Db, actor: Actor, contact_id: UUID, *others: UUID) -> tuple[Person, dict[UUID, Client]]:
    """A contact, locked for a change, and by id their client and the `others`, none of which can be changed meanwhile.

    Clients are locked before people and in one order, here as everywhere else: two orders would be a deadlock. Raises
    `NotFound`.
    """
    own = select(Person.client_id).where(Person.id == contact_id).scalar_subquery()
    clients = await lock_clients(db, or_(Client.id == own, Client.id.in_(others)))
    person = await db.scalar(select(Person).where(Person.id == contact_id).with_for_update())
    if person is None or person.client_id not in clients or not may_read(actor, person.client_id):
        raise NotFound
    return person, clients


async def lock_clients(db: Db, which: ColumnElement[bool]) -> dict[UUID, Client]:
    """Clients by id, none of which can be changed meanwhile."""
    found = select(Client).where(which).order_by(Client.id).with_for_update(read=True)
    return {client.id: client for client in await db.scalars(found)}
