"""A client's team over HTTP, for its primary contact."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get, patch, post, put
from litestar.handlers.base import BaseRouteHandler
from litestar.params import Parameter

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.people.commands import PatchProjectRoles
from services.identity.people.queries import account_elsewhere
from services.identity.project_roles.models import Roles
from services.identity.sessions.cache import SessionCache
from services.identity.settings import IdentitySettings
from services.identity.team import commands, queries
from services.identity.team.commands import InviteMember
from services.identity.team.models import NotPrimaryContact
from services.identity.team.queries import MemberView, Team
from shared.actor import SYSTEM, Actor
from shared.claims import Connection
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch
from shared.pagination import Cursor, Limit
from shared.texts import TEXT

One = Annotated[UUID | None, Parameter(query="id", default=None, description="One of them alone.")]
Search = Annotated[str, Parameter(query="q", max_length=100, pattern=TEXT, default="")]
Sort = Annotated[str, queries.ORDERS.parameter]


class PutRoles(msgspec.Struct, forbid_unknown_fields=True):
    roles: Roles


async def require_primary_contact(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of the team: only a client's primary contacts pass."""
    actor: Actor = connection.scope["auth"]
    if actor.kind != "client" or not actor.is_primary_contact:
        raise NotPrimaryContact


@get("/")
async def get_team(
    *,
    actor: Actor,
    read: ReadOnly,
    one: One,
    search: Search,
    sort: Sort,
    limit: Limit,
    cursor: Cursor,
) -> Team:
    """List the people of one's own client by name, those who are no longer active at the end; with `q` who has it in
    their name or address.
    """
    async with read(actor) as connection:
        return await queries.list_team(connection, actor, one, search.strip(), sort=sort, limit=limit, cursor=cursor)


@post("/")
async def invite_member(
    data: InviteMember, actor: Actor, uow: UnitOfWork, read: ReadOnly, settings: IdentitySettings
) -> MemberView:
    """Invite a colleague, with roles that are not above one's own."""
    async with read(SYSTEM) as connection:  # past the tenant, for the one id that nobody gets to see
        account_id = await account_elsewhere(connection, data.email)
    async with uow(actor) as db:
        a_day = settings.outside_invitations_per_day
        person = await commands.invite_member(db, actor, data, account_id, outside_a_day=a_day)
    async with read(actor) as connection:
        return await queries.get_member(connection, actor, person.id)


@put("/{person_id:uuid}/project-roles")
async def set_member_roles(
    *,
    person_id: UUID,
    data: PutRoles,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> MemberView:
    """Replace a colleague's project roles. Takes effect in their sessions within a second."""
    async with uow(actor) as db:
        changed = await commands.set_roles(db, actor, person_id, data.roles, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await queries.get_member(connection, actor, person_id)


@patch("/{person_id:uuid}/project-roles")
async def change_member_roles(
    *,
    person_id: UUID,
    data: PatchProjectRoles,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> MemberView:
    """Change some of a colleague's project roles. With `If-Match`, only at that version of theirs (else 412)."""
    async with uow(actor) as db:
        changed = await commands.change_roles(db, actor, person_id, data.roles, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await queries.get_member(connection, actor, person_id)


@post("/{person_id:uuid}/deactivate", status_code=200)
async def deactivate_member(
    *, person_id: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> MemberView:
    """Deactivate a colleague within a second. Only staff can activate them again."""
    async with uow(SYSTEM) as db:  # what they sign in with may be kept at another client
        ended = await commands.deactivate(db, actor, person_id)
    await session_cache.tell(ended=ended)
    async with read(actor) as connection:
        return await queries.get_member(connection, actor, person_id)


router = Router(
    f"{API}/team",
    route_handlers=[get_team, invite_member, set_member_roles, change_member_roles, deactivate_member],
    guards=[require_primary_contact],
    opt={NEEDS_NO_PROOF: "A client manages its own team, within the permissions of its primary contact."},
    tags=["team"],
)
