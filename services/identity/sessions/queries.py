"""Reading sessions, and who may have one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import func, select

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.devices import device_of
from services.identity.sessions.models import GRACE, Session
from services.identity.sessions.rules import Method, refusal
from shared.actor import Actor
from shared.database import Db
from shared.errors import NotFound

# Several may have the address; of them one may sign in.
_ACCOUNT = """
    select id as person_id, client_id, password_hash from people where lower(email) = lower($1)
    order by portal_access desc, id limit 1
"""
_RECORD = """
    select s.id as session_id, p.id as person_id, p.first_name || ' ' || p.last_name as name, p.kind, p.client_id,
           p.version, p.policies, p.is_primary_contact, s.expires_at, s.proven_at, s.rotate_due as rotate,
           case when s.hash <> $1 then s.rotated_at + $2::interval end as usable_until,
           coalesce(c.allowed_networks, '{}') as networks, v.id as viewing,
           s.last_seen_at < now() - interval '1 minute' as unseen,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{}')::text as project_roles,
           case when p.limited then coalesce((select json_object_agg(a.project_id, a.client_id) from assignments a
                                              where a.person_id = p.id), '{}') end::text as assignments
    from sessions s join people p on p.id = s.person_id left join clients c on c.id = p.client_id
    left join clients v on v.id = s.viewing_client_id and v.active and v.portal_enabled
                       and 'viewAsClient' = any(p.policies) and not p.limited
    where (s.hash = $1 or (s.previous_hash = $1 and s.rotated_at > now() - $2::interval))
      and s.revoked_at is null and s.expires_at > now() and s.last_seen_at > now() - s.idle
      and p.active and (p.kind = 'staff' or (p.portal_access and c.active and c.portal_enabled))
"""
_LIVE = """
    select id, created_at, last_seen_at, least(expires_at, last_seen_at + idle) as ends_at, method, ip, user_agent
    from sessions
    where person_id = $1 and client_id is not distinct from $2
      and revoked_at is null and expires_at > now() and last_seen_at > now() - idle
    order by last_seen_at desc, id desc limit 100
"""
_FRESH: dict[str, Any] = {"execution_options": {"populate_existing": True}}
"""What is locked is read as it is now, also where this transaction had read it before."""
_roles = msgspec.json.Decoder(dict[UUID, str])
_assignments = msgspec.json.Decoder(dict[UUID, UUID])
_VIEWING: dict[str, object] = {
    "kind": "client",
    "policies": [],
    "project_roles": {},
    "is_primary_contact": True,
    "read_only": True,
}
"""What differs while a member of staff looks at the portal as a client does."""


class Account(msgspec.Struct, frozen=True):
    """Whom an address or a link stands for; all None where it stands for nobody."""

    person_id: UUID | None = None
    client_id: UUID | None = None
    password_hash: str | None = None


class SessionRecord(msgspec.Struct, frozen=True):
    """What the gateway knows of a session, and keeps in Redis.

    `networks`: from where it may be used, empty for everywhere. `rotate`: the next page brings a new id. `usable_until`
    is set for an id that has been replaced.
    """

    session_id: UUID
    person_id: UUID
    name: str
    kind: str
    client_id: UUID | None
    version: int
    policies: list[str]
    project_roles: dict[UUID, str]
    is_primary_contact: bool
    expires_at: datetime
    proven_at: datetime
    read_only: bool = False
    assignments: dict[UUID, UUID] | None = None
    networks: list[str] = []
    rotate: bool = False
    usable_until: datetime | None = None


class SessionView(msgspec.Struct, frozen=True):
    """One's own session. `device` is desktop, mobile or tablet; `ends_at` is when it ends unless it is used."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    method: str
    ip: str
    user_agent: str
    device: str
    browser: str
    platform: str
    current: bool


class SessionList(msgspec.Struct, frozen=True):
    items: list[SessionView]


async def find_account(connection: asyncpg.Connection, email: str) -> Account:
    """Whom an address belongs to. One look-up, whoever it is."""
    row = await connection.fetchrow(_ACCOUNT, email)
    return Account(**row) if row else Account()


async def get_record(connection: asyncpg.Connection, session_hash: str) -> tuple[SessionRecord, bool]:
    """A session that counts, and whether it is more than a minute since it was seen.

    Raises `NotFound` for every other: unknown, ended, idle, its person inactive, their client's portal closed.
    """
    row = await connection.fetchrow(_RECORD, session_hash, GRACE)
    if row is None:
        raise NotFound
    known = {**row, "project_roles": _roles.decode(row["project_roles"])}
    if row["assignments"]:
        known["assignments"] = _assignments.decode(row["assignments"])
    if row["viewing"]:
        known |= _VIEWING | {"client_id": row["viewing"]}
    return msgspec.convert(known, SessionRecord), row["unseen"]


async def list_sessions(connection: asyncpg.Connection, actor: Actor) -> SessionList:
    """The actor's own live sessions, last used first."""
    rows = await connection.fetch(_LIVE, actor.id, actor.client_id)
    return SessionList(
        [
            SessionView(**row, **device_of(row["user_agent"])._asdict(), current=row["id"] == actor.session_id)
            for row in rows
        ]
    )


async def live_hashes(db: Db, person_id: UUID) -> list[str]:
    """The hashes of a person's sessions that may still be in use."""
    live = select(Session.hash, Session.previous_hash).where(
        Session.person_id == person_id, Session.revoked_at.is_(None), Session.expires_at > func.now()
    )
    return [each for row in await db.execute(live) for each in row if each]


async def list_origins(db: Db, person_id: UUID) -> list[tuple[str, str]]:
    """Address and browser of every session of a person that is remembered."""
    known = select(Session.ip, Session.user_agent).where(Session.person_id == person_id).distinct()
    return [(row.ip, row.user_agent) for row in await db.execute(known)]


async def lock_visitor(db: Db, person_id: UUID) -> tuple[Person, Client | None] | None:
    """A person and their client, who cannot be shut out or changed until this transaction ends.

    The client is locked before the person, here as everywhere else: two orders would be a deadlock.
    """
    its_client = select(Person.client_id).where(Person.id == person_id).scalar_subquery()
    client = await db.scalar(select(Client).where(Client.id == its_client).with_for_update(read=True), **_FRESH)
    person = await db.scalar(select(Person).where(Person.id == person_id).with_for_update(key_share=True), **_FRESH)
    return (person, client) if person else None


async def lock_entitled(db: Db, person_id: UUID, method: Method) -> Person | None:
    """The person, if they may sign in by this method; as `lock_visitor`."""
    visitor = await lock_visitor(db, person_id)
    return visitor[0] if visitor and refusal(*visitor, method, None) is None else None
