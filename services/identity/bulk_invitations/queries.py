"""Who can be invited, and how far an invitation of many has come."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import exists, select, text

from services.identity.bulk_invitations.models import BulkInvitation, BulkInvitationItem, Status
from services.identity.invitations.models import GIVEN_UP
from services.identity.invitations.queries import state_at
from services.identity.people.queries import HAS_ACCOUNT
from services.identity.project_roles.models import ProjectAhead
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Orders, Page

_CONTACTS = f"""
    from people p join clients c on c.id = p.client_id left join ({state_at("$2")}) i on i.person_id = p.id
    where p.kind = 'client' and ($1::uuid is null or p.client_id = $1)
"""
_INVITED = f"""
    ({HAS_ACCOUNT} or coalesce(i.status, 'none') in ('waiting', 'sent', 'accepted'))
"""
_ELIGIBLE = f"""
    (p.active and p.email is not null and c.active and c.portal_enabled and not {_INVITED}
     and coalesce(i.failure, '') <> '{GIVEN_UP}' and not exists
     (select from people o where lower(o.email) = lower(p.email) and o.portal_access and o.kind = 'staff'))
"""
_COUNTS = f"""
    select count(*) filter (where {_ELIGIBLE}) as eligible, count(*) filter (where {_INVITED}) as already_invited,
           count(*) as total,
           (select id from bulk_invitations where done_at is null and client_id is not distinct from $1) as running
    {_CONTACTS}
"""  # noqa: S608  (constants)
PICK = f"""
    insert into bulk_invitation_items (bulk_invitation_id, person_id, client_id, status, updated_at)
    select $3, p.id, p.client_id, 'waiting', $2 {_CONTACTS} and {_ELIGIBLE}
"""
COUNT_ITEMS = """
    select count(*) as total, count(*) filter (where status = 'sent') as sent,
           count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'skipped') as skipped,
           count(*) filter (where status = 'waiting') as waiting
    from bulk_invitation_items where bulk_invitation_id = $1
"""
_ONE = """
    select b.id, b.client_id, c.name as client_name, b.created_at, b.done_at is not null as done
    from bulk_invitations b left join clients c on c.id = b.client_id where b.id = $1
"""
_FAILURES = """
    select i.person_id, p.client_id, trim(p.first_name || ' ' || p.last_name) as name, i.status, i.reason
    from bulk_invitation_items i join people p on p.id = i.person_id
    where i.bulk_invitation_id = $1 and i.status in ('failed', 'skipped')
    order by i.status, p.sort_key, p.id limit 200
"""
# Why somebody is left out, the first that is true; who has none of it is invited.
_LEFT_OUT = f"""
    case when {_ELIGIBLE} then ''
         when not c.active then 'client_inactive' when not c.portal_enabled then 'portal_closed'
         when not p.active then 'inactive' when p.email is null then 'no_address'
         when coalesce(i.status, 'none') in ('waiting', 'sent') then 'invited'
         when {_INVITED} then 'has_account' when i.failure = '{GIVEN_UP}' then 'given_up' else 'staff_address' end
"""
# What somebody is already in which project, or is to become.
_ROLES = """
    coalesce((select json_agg(json_build_object('name', k.name, 'role', r.role) order by folded(k.name), k.id)
              from (select project_id, role from project_roles where client_id = p.client_id and person_id = p.id
                    union all
                    select project_id, role from offered_roles where client_id = p.client_id and person_id = p.id) r
              join known_projects k on k.id = r.project_id), '[]')::text
"""
_RECIPIENTS = f"""
    (select p.id, p.sort_key, p.id as person_id, p.client_id, c.name as client_name,
           trim(p.first_name || ' ' || p.last_name) as name, p.email, {_LEFT_OUT} as reason, {_ROLES} as projects
    {_CONTACTS} and {_ELIGIBLE} = $3) listed
"""
_OUTCOMES = """
    (select p.id, p.sort_key, i.person_id, p.client_id, trim(p.first_name || ' ' || p.last_name) as name, p.email,
           i.status, i.reason
    from bulk_invitation_items i join people p on p.id = i.person_id
    where i.bulk_invitation_id = $1) listed
"""
_ORDERS = Orders("name", name="sort_key")
_projects = msgspec.json.Decoder(list[ProjectAhead])

_HELD = text(f"select i.status from ({state_at(':now')}) i where i.person_id = :person")  # noqa: S608  (a constant)


class Preview(msgspec.Struct, frozen=True):
    """`eligible` could be invited now; `already_invited` hold an invitation or an account; `total` are all contacts.
    `running` is an invitation of the same contacts that has not come to its end.
    """

    eligible: int
    already_invited: int
    total: int
    running: UUID | None


LeftOut = Literal[
    "",
    "client_inactive",
    "portal_closed",
    "inactive",
    "no_address",
    "invited",
    "has_account",
    "given_up",
    "staff_address",
]


class Recipient(msgspec.Struct, frozen=True):
    """Somebody who would be invited now, or for which `reason` they are left out; `projects` are those they have a role
    in, or are to have one.
    """

    person_id: UUID
    client_id: UUID
    client_name: str
    name: str
    email: str | None
    reason: LeftOut
    projects: list[ProjectAhead] = []


class Outcome(msgspec.Struct, frozen=True):
    """Somebody who was picked, and what became of their invitation. `reason` is as in `Failure`."""

    person_id: UUID
    client_id: UUID
    name: str
    email: str | None
    status: Status
    reason: str


class Failure(msgspec.Struct, frozen=True):
    """Somebody who got no invitation, and why: `failed` may be tried again, `skipped` had become pointless."""

    person_id: UUID
    client_id: UUID
    name: str
    status: str
    reason: str


class Progress(msgspec.Struct, frozen=True):
    """How far it is. `failures` are the first 200."""

    id: UUID
    client_id: UUID | None
    client_name: str | None
    created_at: datetime
    total: int
    sent: int
    failed: int
    skipped: int
    waiting: int
    done: bool
    failures: list[Failure]


async def preview(connection: asyncpg.Connection, client_id: UUID | None) -> Preview:
    """What would happen, among the contacts of one client or of all. Raises `NotFound`."""
    if client_id and not await connection.fetchval("select 1 from clients where id = $1", client_id):
        raise NotFound
    row = await connection.fetchrow(_COUNTS, client_id, now())
    return msgspec.convert(dict(row or {}), Preview)


async def list_recipients(
    connection: asyncpg.Connection, client_id: UUID | None, *, invited: bool, limit: int, cursor: str | None
) -> Page[Recipient]:
    """Which contacts of one client, or of all, would be invited or left out, by name. Raises `NotFound`."""
    if client_id and not await connection.fetchval("select 1 from clients where id = $1", client_id):
        raise NotFound
    order = _ORDERS.order("name", cursor)
    statement = order.rows(_RECIPIENTS, "true", first=5) + " limit $4"
    rows = await connection.fetch(statement, client_id, now(), invited, limit + 1, *(order.place or ()))
    told = [{**row, "projects": _projects.decode(row["projects"])} for row in rows[:limit]]
    return order.page(rows, limit, [msgspec.convert(each, Recipient) for each in told])


async def list_outcomes(
    connection: asyncpg.Connection, bulk_id: UUID, *, limit: int, cursor: str | None
) -> Page[Outcome]:
    """Everybody who was picked, by name. Raises `NotFound`."""
    if not await connection.fetchval("select 1 from bulk_invitations where id = $1", bulk_id):
        raise NotFound
    order = _ORDERS.order("name", cursor)
    statement = order.rows(_OUTCOMES, "true", first=3) + " limit $2"
    rows = await connection.fetch(statement, bulk_id, limit + 1, *(order.place or ()))
    return order.page(rows, limit, [msgspec.convert(dict(row), Outcome) for row in rows[:limit]])


async def get_progress(connection: asyncpg.Connection, bulk_id: UUID) -> Progress:
    """How far one has come. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, bulk_id)
    counts = await connection.fetchrow(COUNT_ITEMS, bulk_id)
    if row is None or counts is None:
        raise NotFound
    failures = [Failure(**each) for each in await connection.fetch(_FAILURES, bulk_id)]
    return Progress(**row, **counts, failures=failures)


async def find_running(db: Db, client_id: UUID | None) -> UUID | None:
    """The one that has not come to its end, for the same contacts."""
    same = (BulkInvitation.client_id.is_not_distinct_from(client_id), BulkInvitation.done_at.is_(None))
    return await db.scalar(select(BulkInvitation.id).where(*same))


async def is_anything_running(db: Db) -> bool:
    """Whether there is anything to do."""
    return await db.scalar(select(BulkInvitation.id).where(BulkInvitation.done_at.is_(None)).limit(1)) is not None


async def holds_invitation(db: Db, person_id: UUID) -> bool:
    """Whether somebody has an invitation they can use, or is about to get one."""
    held = await db.scalar(_HELD, {"person": person_id, "now": now()})
    return held in ("waiting", "sent", "accepted")


async def lock_next(db: Db) -> BulkInvitationItem | None:
    """Somebody who has no mail yet, locked; whom another process has in hand is passed over.

    Who was tried in vain comes after those who were not.
    """
    due = (BulkInvitationItem.status == "waiting", BulkInvitationItem.mail_id.is_(None))
    next_one = (
        select(BulkInvitationItem).where(*due).order_by(BulkInvitationItem.updated_at, BulkInvitationItem.person_id)
    )
    return await db.scalar(next_one.limit(1).with_for_update(skip_locked=True))


async def lock_finished(db: Db) -> BulkInvitation | None:
    """One in which nobody waits any more, and of which nobody was told yet."""
    waiting = exists().where(
        BulkInvitationItem.bulk_invitation_id == BulkInvitation.id, BulkInvitationItem.status == "waiting"
    )
    finished = select(BulkInvitation).where(BulkInvitation.done_at.is_(None), ~waiting)
    return await db.scalar(finished.limit(1).with_for_update(skip_locked=True))
