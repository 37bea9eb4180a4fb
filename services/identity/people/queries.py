"""Reading people."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import func, select

from services.identity.people.models import KnownProject, Person, ProjectRole
from shared.actor import Actor
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Page, decode_cursor, encode_cursor

_SELECT = """
    select p.id, p.kind, p.client_id, c.name as client_name, p.email, p.first_name, p.last_name, p.active,
           p.is_primary_contact, p.policies, p.created_at,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{}')::text as project_roles
    from people p left join clients c on c.id = p.client_id
"""
_ONE = f"{_SELECT} where p.id = $1"
_ONE_OF = f"{_ONE} and ($2 or p.client_id = $3)"
_LIST = f"""{_SELECT}
    where ($1 or p.client_id = $2) and (p.active or $3)
      and ($4::uuid is null or (lower(p.last_name), lower(p.first_name), p.id)
           > (select lower(last_name), lower(first_name), id from people where id = $4))
    order by lower(p.last_name), lower(p.first_name), p.id limit $5
"""  # noqa: S608  (constants)
_FOR_COLLEAGUES = ("id", "email", "first_name", "last_name", "name", "is_primary_contact")
_roles = msgspec.json.Decoder(dict[UUID, str])


class Me(msgspec.Struct, frozen=True):
    """The person who is signed in (seed 003: `auth/me`)."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    name: str
    kind: str
    client_id: UUID | None
    client_name: str | None
    policies: list[str]
    project_roles: dict[UUID, str]
    is_primary_contact: bool
    two_factor: bool = False


class PersonView(msgspec.Struct, frozen=True):
    """A person as others see them. What a colleague at the client has no need to know is there for staff only."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    name: str
    is_primary_contact: bool
    kind: str | UnsetType = UNSET
    client_id: UUID | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    policies: list[str] | UnsetType = UNSET
    project_roles: dict[UUID, str] | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET


async def get_me(connection: asyncpg.Connection, person_id: UUID) -> Me:
    """The signed-in person, fresh from the table. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, person_id)
    if row is None:
        raise NotFound
    return msgspec.convert(_named(row), Me)


async def get_person(connection: asyncpg.Connection, actor: Actor, person_id: UUID) -> PersonView:
    """One person; for a client's person only of its own client. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE_OF, person_id, actor.is_staff, actor.client_id)
    if row is None or not (row["active"] or actor.is_staff):
        raise NotFound
    return _view(row, actor)


async def list_people(
    connection: asyncpg.Connection, actor: Actor, client_id: UUID | None, limit: int, cursor: str | None
) -> Page[PersonView]:
    """People by name, of one client or of all; only staff see those who are no longer active."""
    after = decode_cursor(cursor, UUID) if cursor else None
    everybody = actor.is_staff and client_id is None
    of = client_id if actor.is_staff else actor.client_id
    rows = await connection.fetch(_LIST, everybody, of, actor.is_staff, after, limit + 1)
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([_view(row, actor) for row in rows[:limit]], more)


def _view(row: asyncpg.Record, actor: Actor) -> PersonView:
    known = _named(row)
    return msgspec.convert(known if actor.is_staff else {field: known[field] for field in _FOR_COLLEAGUES}, PersonView)


def _named(row: asyncpg.Record) -> dict[str, object]:
    name = f"{row['first_name']} {row['last_name']}"
    return {**row, "name": name, "project_roles": _roles.decode(row["project_roles"])}


async def load_person(db: Db, person_id: UUID) -> Person:
    """The person, locked for a change. Raises `NotFound`."""
    person = await db.scalar(select(Person).where(Person.id == person_id).with_for_update())
    if person is None:
        raise NotFound
    return person


async def load_roles(db: Db, person: Person) -> dict[UUID, str]:
    """What the person is in which project."""
    rows = await db.execute(
        select(ProjectRole.project_id, ProjectRole.role).where(
            ProjectRole.client_id == person.client_id, ProjectRole.person_id == person.id
        )
    )
    return {row.project_id: row.role for row in rows}


async def count_known_projects(db: Db, client_id: UUID | None, project_ids: set[UUID]) -> int:
    """How many of these are projects of this client, as far as has been heard."""
    found = select(func.count()).where(KnownProject.client_id == client_id, KnownProject.id.in_(project_ids))
    return await db.scalar(found) or 0


async def count_admins(db: Db) -> int:
    """Active staff who can grant rights to others."""
    admins = select(func.count()).where(
        Person.kind == "staff", Person.active, Person.policies.contains(["managePeople"])
    )
    return await db.scalar(admins) or 0
