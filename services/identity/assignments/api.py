"""What a subcontractor may work on, over HTTP."""

from uuid import UUID

from litestar import Router, patch, put

from services.identity.assignments import commands
from services.identity.assignments.commands import PatchAssignments, PutAssignments
from services.identity.people.queries import PersonView, get_person
from services.identity.sessions.cache import SessionCache
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch


@put("/people/{person_id:uuid}/assignments", guards=[require_policy("managePeople")])
async def set_assignments(
    *,
    person_id: UUID,
    data: PutAssignments,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Limit a member of staff to named projects, or remove the limit.

    Takes effect in their sessions within a second.
    """
    async with uow(actor) as db:
        changed = await commands.set_assignments(db, actor, person_id, data, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await get_person(connection, actor, person_id)


@patch("/people/{person_id:uuid}/assignments", guards=[require_policy("managePeople")])
async def change_assignments(
    *,
    person_id: UUID,
    data: PatchAssignments,
    if_match: IfMatch,
    actor: Actor,
    uow: UnitOfWork,
    read: ReadOnly,
    session_cache: SessionCache,
) -> PersonView:
    """Add and remove projects. With `If-Match`, only at that `version` of the person (412 otherwise)."""
    async with uow(actor) as db:
        changed = await commands.change_assignments(db, actor, person_id, data, if_match)
    await session_cache.tell(changed=changed)
    async with read(actor) as connection:
        return await get_person(connection, actor, person_id)


router = Router(API, route_handlers=[set_assignments, change_assignments], tags=["people"])
