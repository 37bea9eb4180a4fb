"""Policies over HTTP: listing them, and granting them to staff."""

from uuid import UUID

import msgspec
from litestar import Response, Router, get, patch, put
from msgspec.structs import replace

from services.identity.people.queries import PersonView, get_person
from services.identity.policies import commands
from services.identity.policies.commands import PatchPolicies, PutPolicies
from services.identity.policies.models import GROUPS, POLICIES, Group, PolicyInfo
from services.identity.sessions.cache import SessionCache
from shared.actor import Actor
from shared.claims import require_policy, require_staff
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch
from shared.language import gettext as _
from shared.language import headers


class Policies(msgspec.Struct, frozen=True):
    """What staff may be allowed, and the groups it is usually given in."""

    groups: tuple[Group, ...]
    policies: tuple[PolicyInfo, ...]


@get("/policies", guards=[require_staff])
async def list_policies() -> Response[Policies]:
    """List all policies and groups, described for those who grant them."""
    groups = tuple(replace(each, name=_(each.name)) for each in GROUPS)
    policies = tuple(replace(each, name=_(each.name), description=_(each.description)) for each in POLICIES)
    return Response(Policies(groups, policies), headers=headers())


@put("/people/{person_id:uuid}/policies", guards=[require_policy("managePeople")])
async def set_policies(
    *,
    person_id: UUID,
    data: PutPolicies,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Replace the policies of a member of staff. Takes effect in their sessions within a second."""
    async with uow(actor) as db:
        changed = await commands.set_policies(db, actor, person_id, data.wanted(), if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await get_person(connection, actor, person_id)


@patch("/people/{person_id:uuid}/policies", guards=[require_policy("managePeople")])
async def change_policies(
    *,
    person_id: UUID,
    data: PatchPolicies,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Grant and revoke some policies. With `If-Match`, only at that `version` of the person (412 otherwise)."""
    async with uow(actor) as db:
        changed = await commands.change_policies(db, actor, person_id, data, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await get_person(connection, actor, person_id)


router = Router(API, route_handlers=[list_policies, set_policies, change_policies], tags=["people"])
