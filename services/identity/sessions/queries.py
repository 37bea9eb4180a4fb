"""Reading sessions, and who may have one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, func, or_, select

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.devices import device_of
from services.identity.sessions.models import GRACE, Session
from services.identity.sessions.rules import Method, refusal
from shared.actor import Actor, Reader
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound

# Several may have the address; of them one is an account.
_ACCOUNT = """
    select id as person_id, client_id, password_hash, email, trim(first_name || ' ' || last_name) as name
    from people where lower(email) = lower($1)
    order by account_id is null and (portal_access or is_shared) desc, id limit 1
"""
_RECORD = """
    select s.id as session_id, p.id as person_id, trim(p.first_name || ' ' || p.last_name) as name, p.kind, p.client_id,
           p.language,
           p.version + coalesce(w.version, 0) as version, p.policies, p.is_primary_contact, s.expires_at, s.proven_at,
           s.rotate_due as rotate,
           case when s.hash <> $1 then s.rotated_at + $2::interval end as usable_until,
           coalesce(c.allowed_networks, '{}') as networks, v.id as viewing, w.id as seen_id,
           trim(w.first_name || ' ' || w.last_name) as seen_name, w.is_primary_contact as seen_primary,
           coalesce(v.closed_modules || v.closed_actions, c.closed_modules || c.closed_actions, '{}') as closed,
           coalesce(v.session_recording, c.session_recording, false) as recorded,
           s.last_seen_at < $3::timestamptz - interval '1 minute' as unseen,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     where (r.client_id, r.person_id) = (p.client_id, p.id)
                        or (r.client_id, r.person_id) = (v.id, w.id)), '{}')::text as project_roles,
           case when p.limited then coalesce((select json_object_agg(a.project_id, a.client_id) from assignments a
                                              where a.person_id = p.id), '{}') end::text as assignments
    from sessions s join people p on p.id = s.person_id left join clients c on c.id = p.client_id
    left join people w on w.id = s.viewing_person_id and w.client_id = s.viewing_client_id and w.active
                      and w.portal_access
    left join clients v on v.id = s.viewing_client_id and v.active and v.portal_enabled
                       and 'viewAsClient' = any(p.policies) and not p.limited
                       and (s.viewing_person_id is null or w.id is not null)
    where (s.hash = $1 or (s.previous_hash = $1 and s.rotated_at > $3 - $2::interval))
      and s.revoked_at is null and s.expires_at > $3 and s.last_seen_at > $3 - s.idle
      and p.active and (p.kind = 'staff' or (p.portal_access and c.active and c.portal_enabled))
"""
# A sign-in at a membership by its client's own provider is no authentication elsewhere: the account sees that session,
# and that session sees only itself.
_LIVE = """
    with mine as (select coalesce((select account_id from sessions where id = $2), $1) as id)
    select s.id, s.created_at, s.last_seen_at, least(s.expires_at, s.last_seen_at + s.idle) as ends_at, s.method, s.ip,
           s.user_agent
    from sessions s, mine
    where (s.account_id = mine.id
           or s.person_id in (select id from people p where p.account_id = mine.id and p.joined_at is not null))
      and revoked_at is null and expires_at > $3::timestamptz and last_seen_at > $3 - idle
    order by last_seen_at desc, id desc limit 100
"""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FRESH: dict[str, Any] = {"execution_options": {"populate_existing": True}}
"""What is locked is read as it is now, also where this transaction had read it before."""
Visitor = tuple[Person, Client | None]
"""Somebody of a client, who may be at its door; of the staff where there is none."""
_roles = msgspec.json.Decoder(dict[UUID, str])
_assignments = msgspec.json.Decoder(dict[UUID, UUID])
_VIEWING: dict[str, object] = {"kind": "client", "policies": [], "is_primary_contact": True, "read_only": True}
"""What differs while a member of staff looks at the portal as a client does."""


class Account(msgspec.Struct, frozen=True):
    """Whom an address or a link stands for; all None where it stands for nobody. A password is proven by
    `password_hash`, which belonged to `email` when it was looked up.
    """

    person_id: UUID | None = None
    client_id: UUID | None = None
    password_hash: str | None = None
    email: str | None = None
    name: str = ""


class SessionRecord(msgspec.Struct, frozen=True):
    """What the gateway knows of a session, and keeps in Redis.

    `networks`: from where it may be used, empty for everywhere. `rotate`: the next page brings a new id. `closed`: the
    modules and actions its client's people do not have. `usable_until` is set for an id that has been replaced.
    `recorded`: each request is written down before it is served. `seen_as` is whom of the client's people staff see the
    portal as: roles, and whether they are a primary contact, are then theirs; `language` stays that of who looks.
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
    seen_as: Reader | None = None
    assignments: dict[UUID, UUID] | None = None
    networks: list[str] = []
    recorded: bool = False
    rotate: bool = False
    closed: list[str] = []
    language: str = ""
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
    row = await connection.fetchrow(_RECORD, session_hash, GRACE, now())
    if row is None:
        raise NotFound
    known = {**row, "project_roles": _roles.decode(row["project_roles"])}
    if row["assignments"]:
        known["assignments"] = _assignments.decode(row["assignments"])
    if row["viewing"]:
        known |= _VIEWING | {"client_id": row["viewing"]}
    if row["viewing"] and row["seen_id"]:
        seen_as = Reader(row["seen_id"], row["seen_name"])
        known |= {"seen_as": seen_as, "is_primary_contact": row["seen_primary"]}
    return msgspec.convert(known, SessionRecord), row["unseen"]


async def list_sessions(connection: asyncpg.Connection, actor: Actor) -> SessionList:
    """The live sessions of the actor's account, at whichever client, last used first; `connection` sees all of them."""
    rows = await connection.fetch(_LIVE, actor.id, actor.session_id, now())
    return SessionList(
        [
            SessionView(**row, **device_of(row["user_agent"])._asdict(), current=row["id"] == actor.session_id)
            for row in rows
        ]
    )


async def live_hashes(db: Db, person_id: UUID) -> list[str]:
    """The hashes of the sessions that may still be in use and are a person's, or look through their eyes."""
    theirs = or_(Session.person_id == person_id, Session.viewing_person_id == person_id)
    live = select(Session.hash, Session.previous_hash).where(
        theirs, Session.revoked_at.is_(None), Session.expires_at > now()
    )
    return [each for row in await db.execute(live) for each in row if each]


async def account_of(db: Db, actor: Actor) -> UUID | None:
    """Who proved themselves in the actor's session."""
    return await db.scalar(select(Session.account_id).where(Session.id == actor.session_id)) or actor.id


def of_account(account_id: UUID | None) -> ColumnElement[bool]:
    """The sessions of a human, at whichever client they are."""
    joined = select(Person.id).where(Person.account_id == account_id, Person.joined_at.is_not(None))
    return or_(Session.account_id == account_id, Session.person_id.in_(joined))


async def list_origins(db: Db, account_id: UUID) -> list[tuple[str, str]]:
    """Address and browser of every session of an account that is remembered."""
    known = select(Session.ip, Session.user_agent).where(Session.account_id == account_id).distinct()
    return [(row.ip, row.user_agent) for row in await db.execute(known)]


async def lock_visitor(db: Db, person_id: UUID) -> Visitor | None:
    """A person and their client, locked: neither can change or lose access until this transaction ends.

    The client is locked before the person, here as everywhere else: two orders would be a deadlock.
    """
    its_client = select(Person.client_id).where(Person.id == person_id).scalar_subquery()
    client = await db.scalar(select(Client).where(Client.id == its_client).with_for_update(read=True), **_FRESH)
    person = await db.scalar(select(Person).where(Person.id == person_id).with_for_update(key_share=True), **_FRESH)
    return (person, client) if person else None


async def lock_entitled(db: Db, person_id: UUID, method: Method) -> Person | None:
    """The account, if it may sign in by this method, at whichever of its clients; as `lock_visitor`."""
    doors = await lock_doors(db, person_id)
    may = any(refusal(*door, method, None) is None for door in doors)
    return next(person for person, _ in doors if person.id == person_id) if may else None


async def lock_namesakes(db: Db, email: str) -> list[Visitor]:
    """All of one address and their clients, as `lock_visitor`: an account and its memberships are among them."""
    theirs = func.lower(Person.email) == func.lower(email)
    its_clients = Client.id.in_(select(Person.client_id).where(theirs))
    clients = await db.scalars(
        select(Client).where(its_clients).order_by(Client.id).with_for_update(read=True), **_FRESH
    )
    by_id = {client.id: client for client in clients}
    people = select(Person).where(theirs).order_by(Person.id).with_for_update(key_share=True)
    found = (await db.scalars(people, **_FRESH)).all()
    return [(person, by_id.get(person.client_id) if person.client_id else None) for person in found]


async def lock_doors(db: Db, account_id: UUID) -> list[Visitor]:
    """The organisations an account can sign in to, last used first; none for a row that is no account.

    As `lock_visitor`.
    """
    email = await db.scalar(select(Person.email).where(Person.id == account_id))
    return doors_of(account_id, await lock_namesakes(db, email)) if email else []


async def find_doors(db: Db, account_id: UUID) -> list[Visitor]:
    """The same doors as they are now, locked by nobody."""
    theirs = or_(Person.id == account_id, Person.account_id == account_id)
    found = select(Person, Client).join(Client, Client.id == Person.client_id, isouter=True).where(theirs)
    return doors_of(account_id, [(person, client) for person, client in await db.execute(found)])


def doors_of(account_id: UUID, namesakes: Sequence[Visitor]) -> list[Visitor]:
    """The account and who joined it, the one used last first; none where it is itself a membership."""
    doors = [each for each in namesakes if account_id == (each[0].account_id if each[0].joined_at else each[0].id)]
    if not any(person.id == account_id and person.account_id is None for person, _ in doors):
        return []
    return sorted(
        doors, key=lambda door: (door[0].last_sign_in_at or _LONG_AGO, door[0].id == account_id), reverse=True
    )
