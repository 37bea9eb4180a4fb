"""Policies over HTTP: which there are, and who has them."""

from uuid import UUID

import msgspec
from litestar import Router, get, put

from services.identity.people.queries import PersonView, get_person
from services.identity.policies import commands
from services.identity.policies.commands import PutPolicies
from services.identity.policies.models import GROUPS, POLICIES, Group, PolicyInfo
from services.identity.sessions.cache import SessionCache
from shared.actor import Actor
from shared.claims import require_policy, require_staff
from shared.database import ReadOnly, UnitOfWork
from shared.http import API


class Policies(msgspec.Struct, frozen=True):
    """What staff may be allowed, and the groups it is usually given in."""

    groups: tuple[Group, ...]
    policies: tuple[PolicyInfo, ...]


@get("/policies", guards=[require_staff])
async def list_policies() -> Policies:
    """All policies in the words of those who grant them."""
    return Policies(GROUPS, POLICIES)


@put("/people/{person_id:uuid}/policies", guards=[require_policy("managePeople")])
async def set_policies(
    *, person_id: UUID, data: PutPolicies, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> PersonView:
    """Replace what a member of staff may do. Holds for sessions they already have within a second."""
    async with uow(actor) as db:
        changed = await commands.set_policies(db, actor, person_id, data.wanted())
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await get_person(connection, actor, person_id)


router = Router(API, route_handlers=[list_policies, set_policies], tags=["people"])
