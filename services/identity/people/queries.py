"""Reading people."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import func, or_, select

from services.identity.invitations.models import InvitationState
from services.identity.invitations.queries import states_of
from services.identity.people.models import Person, PersonKind
from shared.actor import Actor
from shared.database import Db
from shared.errors import Invalid, NotFound
from shared.language import gettext as _
from shared.pagination import Orders, Page

LAST_SIGN_IN = "coalesce(to_char(last_sign_in_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US'), {none})"
"""The key of a list of people by when they last signed in."""
HAS_ACCOUNT = """
    case when p.account_id is null then p.owned_since is not null or p.password_hash is not null
         else p.joined_at is not null end
"""
"""`Person.has_account`, asked of the rows `p` of a statement."""
_SELECT = f"""
    select p.id, p.kind, p.client_id, c.name as client_name,
           p.email, p.first_name, p.last_name, p.phone, p.title,
           p.language, p.active, p.portal_access, p.is_primary_contact, p.policies, p.limited, p.created_at, p.version,
           coalesce(c.closed_modules || c.closed_actions, '{{}}') as closed,
           p.last_sign_in_at, p.email_verified_at is not null as email_verified,
           {HAS_ACCOUNT} as has_account,
           coalesce(c.session_recording, false) as session_recording,
           exists (select from authenticators a where a.person_id = p.id and a.confirmed_at is not null) as two_factor,
           array(select a.project_id from assignments a where a.person_id = p.id order by 1) as assigned_projects,
           coalesce((select json_object_agg(r.project_id, r.role) from project_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as project_roles,
           coalesce((select json_object_agg(r.project_id, r.role) from offered_roles r
                     where r.client_id = p.client_id and r.person_id = p.id), '{{}}')::text as offered_roles,
           array(select r.project_id from project_roles r join known_projects k on k.id = r.project_id
                 where r.client_id = p.client_id and r.person_id = p.id and not k.private) as shared_projects
    from people p left join clients c on c.id = p.client_id
"""  # noqa: S608  (constants)
_ONE = f"{_SELECT} where p.id = $1"
# Who signs in with a password, at whichever of their clients, can be given a link to a new one: `lock_entitled` asks it
# of locked rows. $2 is whose people: null for everybody's. Whoever asks is always among them ($3).
_ENTITLED = """
    p.account_id is null and exists (
        select from people d left join clients at on at.id = d.client_id
        where (d.id = p.id or (d.account_id = p.id and d.joined_at is not null)) and d.active and d.portal_access
          and (d.kind = 'staff' or (at.active and at.portal_enabled and 'password' = any(at.sign_in_methods)))
    ) as reset_link_possible
"""
_NARROWED = " and ($2::uuid[] is null or p.client_id = any($2) or p.id = $3)"
_ONE_OF = _ONE.replace("from people p", f", {_ENTITLED} from people p", 1) + _NARROWED
# First the rows of the page, then what belongs to each. Without a search there is no condition for one: the planner
# would expect few rows of it, and sort them instead of reading the index in its order.
_LISTED = """
    ($1::uuid[] is null or p.client_id = any($1) or p.id = $2) and (p.active or $3)
    and ($4::text is null or p.kind = $4)
"""
_FOUND = " and p.found_by like all ((select wanted(${n}))::text[])"
_PRIMARY = " and p.is_primary_contact"
_ACCESS = " and p.active and p.portal_access"
# The roles that somebody of its client has, or gets when they accept their invitation.
_SEES = f"""
    {_ACCESS} and p.client_id = (select k.client_id from known_projects k where k.id = $%(project)d)
    and $%(sees)d = (p.is_primary_contact or exists (
        select from project_roles r where r.client_id = p.client_id and r.person_id = p.id
            and r.project_id = $%(project)d and r.role <> 'feedback_only'
    ) or exists (
        select from offered_roles r where r.client_id = p.client_id and r.person_id = p.id
            and r.project_id = $%(project)d and r.role <> 'feedback_only'
    ))
"""  # noqa: S608  (constants)
ORDERS = Orders(
    "name",
    name="sort_key",
    client_name="coalesce((select c.sort_key from clients c where c.id = p.client_id), {none})",
    active="active::text",
    last_sign_in_at=LAST_SIGN_IN,
    created_at="''",  # ids are in the order in which people are added
)
_ACCOUNT_ELSEWHERE = """
    select id from people
    where lower(email) = lower($1) and account_id is null and (portal_access or is_shared) and kind = 'client'
"""
_VIEWED = """
    select name as viewing_as, session_recording, closed_modules || closed_actions as closed from clients where id = $1
"""
_FOR_COLLEAGUES = ("id", "email", "first_name", "last_name", "name", "is_primary_contact")
_roles = msgspec.json.Decoder(dict[UUID, str])


class SortNotShown(Invalid):
    """What somebody is not shown of others, the order of a list would tell."""

    code = "sort.not_shown"

    def __init__(self) -> None:
        super().__init__(_("You can sort people by their name only."), field="sort")


class FilterNotShown(Invalid):
    """Nor what somebody is not shown of others by asking for those of whom it is true."""

    code = "filter.not_shown"

    def __init__(self) -> None:
        super().__init__(_("Only staff can ask who sees a project, or who of all people has access."), field="sees")


class Me(msgspec.Struct, frozen=True):
    """The person who is signed in (`auth/me`); `closed` are the modules and actions they do not have,
    `session_recording` whether what they open is recorded.
    """

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
    two_factor: bool
    phone: str
    title: str
    language: str
    limited: bool
    email_verified: bool
    closed: list[str]
    session_recording: bool = False
    viewing_as: str | None = None


class PersonView(msgspec.Struct, frozen=True):
    """A person as others see them; `version` is what `If-Match` names. What a colleague at the client, or a
    subcontractor, has no need to know is there for staff only. `offered_roles` are those they get when they sign in;
    `has_account`: they have been in the portal, or could with a password.
    """

    id: UUID
    email: str | None
    first_name: str
    last_name: str
    name: str
    is_primary_contact: bool
    kind: str | UnsetType = UNSET
    client_id: UUID | UnsetType | None = UNSET
    client_name: str | UnsetType | None = UNSET
    phone: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    portal_access: bool | UnsetType = UNSET
    policies: list[str] | UnsetType = UNSET
    limited: bool | UnsetType = UNSET
    assigned_projects: list[UUID] | UnsetType = UNSET
    project_roles: dict[UUID, str] | UnsetType = UNSET
    offered_roles: dict[UUID, str] | UnsetType = UNSET
    two_factor: bool | UnsetType = UNSET
    reset_link_possible: bool | UnsetType = UNSET
    last_sign_in_at: datetime | UnsetType | None = UNSET
    has_account: bool | UnsetType = UNSET
    invitation: InvitationState | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


async def get_me(
    connection: asyncpg.Connection, person_id: UUID, viewing: UUID | None = None, seen_as: UUID | None = None
) -> Me:
    """The signed-in person, or `seen_as` whom they see the portal, fresh from the table, with the eyes of the client
    `viewing`. Raises `NotFound`.
    """
    row = await connection.fetchrow(_ONE, seen_as or person_id)
    if row is None:
        raise NotFound
    seen = await connection.fetchrow(_VIEWED, viewing) if viewing else None
    me = _named(row)
    # Their own roles too name no project that is private: for a client it does not exist (decision 0049).
    roles = {project: role for project, role in me["project_roles"].items() if project in row["shared_projects"]}
    return msgspec.convert({**me, "project_roles": roles, **(seen or {})}, Me)


class PeopleFilter(msgspec.Struct, frozen=True):
    """Which people to list: of one client, of one kind, with this in their name or address, those active only; primary
    contacts; those with access to the portal; those with access, of its client, who `see` the project, or who do not,
    as far as it depends on them. A role that waits for them to accept their invitation counts.
    """

    client_id: UUID | None = None
    kind: PersonKind | None = None
    q: str = ""
    active: bool = False
    primary: bool = False
    access: bool = False
    project_id: UUID | None = None
    sees: bool = True


async def get_person(connection: asyncpg.Connection, actor: Actor, person_id: UUID) -> PersonView:
    """One person; not for staff only of a client whose people the actor sees. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE_OF, person_id, reach(actor, None), actor.id)
    if row is None or not (row["active"] or _sees_all_of(actor)):
        raise NotFound
    return (await _views(connection, [row], actor))[0]


async def list_people(
    connection: asyncpg.Connection, actor: Actor, wanted: PeopleFilter, *, sort: str, limit: int, cursor: str | None
) -> Page[PersonView]:
    """People of one client or of all; only staff see those who are no longer active. Raises `SortNotShown` and
    `FilterNotShown`.
    """
    if sort.removeprefix("-") != "name" and not _sees_all_of(actor):
        raise SortNotShown
    if (wanted.project_id or (wanted.access and not wanted.primary)) and not _sees_all_of(actor):
        raise FilterNotShown
    order = ORDERS.order(sort, cursor)
    of = reach(actor, wanted.client_id)
    myself = actor.id if wanted.client_id is None else None
    gone_too = _sees_all_of(actor) and not wanted.active
    narrowed: list[object] = [of, myself, gone_too, wanted.kind, limit + 1]
    which = _LISTED
    if wanted.q:
        narrowed.append(wanted.q)
        which += _FOUND.format(n=len(narrowed))
    if wanted.primary:
        which += _PRIMARY
    if wanted.access:
        which += _ACCESS
    if wanted.project_id:
        narrowed += [wanted.project_id, wanted.sees]
        which += _SEES % {"project": len(narrowed) - 1, "sees": len(narrowed)}
    page = order.rows("people p", which, first=len(narrowed) + 1)
    statement = (
        _SELECT.replace("people p", f"({page} limit $5) p", 1).replace("p.id", "p.sort_value, p.id", 1) + order.by
    )
    rows = await connection.fetch(statement, *narrowed, *(order.place or ()))
    return order.page(rows, limit, await _views(connection, rows[:limit], actor))


def reach(actor: Actor, client_id: UUID | None) -> list[UUID] | None:
    """The clients whose people are meant; None is everybody."""
    if client_id is not None:
        return [client_id]
    if actor.assignments is not None:
        return list(set(actor.assignments.values()))
    if actor.sees_all_clients:
        return None
    return [actor.client_id] if actor.client_id else []


def _sees_all_of(actor: Actor) -> bool:
    """Staff, but no subcontractor: to them people are what they are to their colleagues."""
    return actor.is_staff and actor.assignments is None


async def _views(connection: asyncpg.Connection, rows: list[asyncpg.Record], actor: Actor) -> list[PersonView]:
    invited = await states_of(connection, [row["id"] for row in rows]) if _sees_all_of(actor) else {}
    return [_view(row, actor, invited.get(row["id"], InvitationState())) for row in rows]


def _view(row: asyncpg.Record, actor: Actor, invitation: InvitationState) -> PersonView:
    known = {**_named(row), "invitation": invitation}
    told = known if _sees_all_of(actor) else {field: known[field] for field in _FOR_COLLEAGUES}
    return msgspec.convert(told, PersonView)


def _named(row: asyncpg.Record) -> dict[str, Any]:
    name = f"{row['first_name']} {row['last_name']}".strip()
    roles = {kind: _roles.decode(row[kind]) for kind in ("project_roles", "offered_roles")}
    return {**row, "name": name, **roles}


async def load_person(db: Db, person_id: UUID) -> Person:
    """The person, locked for a change. Raises `NotFound`."""
    person = await db.scalar(select(Person).where(Person.id == person_id).with_for_update())
    if person is None:
        raise NotFound
    return person


async def find_by_email(db: Db, email: str) -> Person | None:
    """The account that signs in with this address."""
    theirs = (func.lower(Person.email) == func.lower(email), Person.account_id.is_(None))
    return await db.scalar(select(Person).where(*theirs, or_(Person.portal_access, Person.is_shared)))


async def account_elsewhere(connection: asyncpg.Connection, email: str) -> UUID | None:
    """The account of a client's person that signs in with this address, whichever client that is."""
    return await connection.fetchval(_ACCOUNT_ELSEWHERE, email)
