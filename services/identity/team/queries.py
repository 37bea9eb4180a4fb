"""Reading a client's team."""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import func, select, text

from services.identity.clients.models import Client
from services.identity.invitations.models import InvitationState, Status
from services.identity.invitations.queries import states_of
from services.identity.people.models import Person
from services.identity.people.queries import HAS_ACCOUNT, LAST_SIGN_IN
from services.identity.team.models import TeamClosed, TooManyInvitations
from shared.actor import Actor
from shared.clock import now
from shared.contracts.accounts import InvitationFailed
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Orders

_NEVER = "case when {none} = '' then ' ' else '~' end"
_SELECT = f"""
    select p.id, p.email, p.first_name, p.last_name,
           trim(p.first_name || ' ' || p.last_name) as name, p.title, p.active,
           p.portal_access, p.is_primary_contact, p.last_sign_in_at, {HAS_ACCOUNT} as has_account, p.version,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     join known_projects k on k.client_id = r.client_id and k.id = r.project_id and not k.private
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as project_roles,
           coalesce((select json_object_agg(r.project_id, r.role) from offered_roles r
                     join known_projects k on k.client_id = r.client_id and k.id = r.project_id and not k.private
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as offered_roles
    from people p
"""  # noqa: S608  (constants)
_FOUND = " and p.found_by like all ((select wanted($4))::text[])"
# Who is no longer active is at the end of every order, after who never signed in.
ORDERS = Orders(
    "name",
    name="case when active then sort_key else {none} end",
    last_sign_in_at=f"case when active then {LAST_SIGN_IN.replace('{none}', _NEVER)} else {{none}} end",
)
_OPEN = "select team_invites from clients where id = $1"
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('identity:outside-invitations/' || :client, 0))")
# What the client's own people had mailed; to an address of the client's own domains anybody there could have it mailed.
_INVITED_OUTSIDE = text("""
    with own as (select allowed_domains as domains from clients where id = :client)
    select created_at from mails, own
    where client_id = :client and kind = 'invitation' and facts -> 'by' ->> 'kind' = 'client'
        and created_at > :since
        and split_part(address, '@', 2) <> all (domains) and split_part(:email, '@', 2) <> all (domains)
    order by created_at desc offset :limit - 1 limit 1
""")
_roles = msgspec.json.Decoder(dict[UUID, str])


class MemberView(msgspec.Struct, frozen=True):
    """One of a client's people as its primary contact sees them. `portal_access`: they have it, or were invited.
    `offered_roles` are those they get when they sign in.
    """

    id: UUID
    email: str | None
    first_name: str
    last_name: str
    name: str
    title: str
    active: bool
    portal_access: bool
    is_primary_contact: bool
    project_roles: dict[UUID, str]
    offered_roles: dict[UUID, str]
    last_sign_in_at: datetime | None
    has_account: bool
    version: int
    invitation: Status = "none"


class Team(msgspec.Struct, frozen=True):
    """A page of a client's people; `open` is whether their primary contact may change anything."""

    items: list[MemberView]
    open: bool
    next_cursor: str | None = None


async def list_team(
    connection: asyncpg.Connection,
    actor: Actor,
    person_id: UUID | None = None,
    q: str = "",
    *,
    sort: str = "name",
    limit: int = 1,
    cursor: str | None = None,
) -> Team:
    """The team of the actor's client, or the one of it who is asked for."""
    order = ORDERS.order(sort, cursor)
    asked: list[object] = [actor.client_id, limit + 1, person_id, *([q] if q else [])]
    which = f"p.client_id = $1 and ($3::uuid is null or p.id = $3){_FOUND if q else ''}"
    page = order.rows("people p", which, first=len(asked) + 1)
    listed = _SELECT.replace("people p", f"({page} limit $2) p", 1).replace("p.id", "p.sort_value, p.id", 1)
    rows = await connection.fetch(listed + order.by, *asked, *(order.place or ()))
    states = await states_of(connection, [row["id"] for row in rows])
    found = order.page(rows, limit, [_view(row, _told(states.get(row["id"]))) for row in rows[:limit]])
    return Team(found.items, bool(await connection.fetchval(_OPEN, actor.client_id)), found.next_cursor)


async def get_member(connection: asyncpg.Connection, actor: Actor, person_id: UUID) -> MemberView:
    """One of the team. Raises `NotFound`."""
    found = await list_team(connection, actor, person_id)
    if not found.items:
        raise NotFound
    return found.items[0]


def _view(row: asyncpg.Record, invitation: Status) -> MemberView:
    # What an address is elsewhere decides whether an invitation gives access: not for a client to find out.
    access = row["portal_access"] or invitation != "none"
    roles = {kind: _roles.decode(row[kind]) for kind in ("project_roles", "offered_roles")}
    told = {**row, "portal_access": access, **roles, "invitation": invitation}
    return msgspec.convert(told, MemberView)


def _told(state: InvitationState | None) -> Status:
    """The state of an invitation. Only staff learn that somebody may not sign in, perhaps because the address is used
    elsewhere, or that its owner gave it up: here it reads as an invitation under way, which expires when it would.
    """
    if state is None:
        return "none"
    if state.failure not in InvitationFailed.FOR_STAFF:
        return state.status
    return "expired" if state.expires_at and state.expires_at <= now() else "sent"


async def require_open(db: Db, actor: Actor) -> None:
    """Raises `TeamClosed` if the company manages this client's team itself."""
    if not await db.scalar(select(Client.team_invites).where(Client.id == actor.client_id)):
        raise TeamClosed


async def load_member(db: Db, actor: Actor, person_id: UUID) -> Person:
    """One of the actor's own colleagues, locked for a change. Raises `NotFound`."""
    own = (Person.id == person_id, Person.client_id == actor.client_id)
    person = await db.scalar(select(Person).where(*own).with_for_update())
    if person is None:
        raise NotFound
    return person


async def require_room(db: Db, actor: Actor, email: str, limit: int) -> None:
    """Of all who invite for this client at once each is counted, in every process. Raises `TooManyInvitations`."""
    await db.execute(_ONE_AT_A_TIME, {"client": str(actor.client_id)})
    since = now() - timedelta(days=1)
    asked = {"client": actor.client_id, "email": email, "limit": limit, "since": since}
    first = await db.scalar(_INVITED_OUTSIDE, asked)
    if first is not None:
        raise TooManyInvitations(limit, max(1, ceil((first - since).total_seconds())))


async def is_known(db: Db, actor: Actor, email: str) -> bool:
    """Whether the client has somebody with this address already."""
    found = select(Person.id).where(Person.client_id == actor.client_id, func.lower(Person.email) == func.lower(email))
    return await db.scalar(found.limit(1)) is not None
