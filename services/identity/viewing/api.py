"""View as client over HTTP."""

from uuid import UUID

import msgspec
from litestar import Response, Router, post

from services.identity.fresh_proof import NEEDS_NO_PROOF
from services.identity.people.queries import Me
from services.identity.sessions.entry import Door
from services.identity.viewing import commands
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import UnitOfWork
from shared.http import API

LOOKS = {NEEDS_NO_PROOF: "It shows what staff may read anyway, and changes nothing."}


class ViewAs(msgspec.Struct, forbid_unknown_fields=True):
    """Without `person_id`, what the client's primary contact sees."""

    client_id: UUID
    person_id: UUID | None = None


@post("/auth/view-as", status_code=200, guards=[require_policy("viewAsClient")], opt=LOOKS)
async def view_as(data: ViewAs, actor: Actor, uow: UnitOfWork, door: Door) -> Response[Me]:
    """See what one of the client's people sees, or its primary contact. Until it ends, every change is refused, and the
    audit log says so.
    """
    async with uow(actor) as db:
        entry = await commands.view_as(db, actor, data.client_id, data.person_id)
    return await door.renew(entry, viewing=data.client_id, seen_as=data.person_id)


@post("/auth/view-as/end", status_code=200, opt={"while_viewing": True, NEEDS_NO_PROOF: "Anybody may leave."})
async def end_viewing(actor: Actor, uow: UnitOfWork, door: Door) -> Response[Me]:
    """End viewing, and return to the staff session."""
    async with uow(actor.themselves) as db:
        entry = await commands.leave(db, actor)
    return await door.renew(entry)


router = Router(API, route_handlers=[view_as, end_viewing], tags=["sessions"])
