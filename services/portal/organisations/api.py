"""Who works with several clients goes from one to the other; identity says whether they may."""

from uuid import UUID

from litestar import Router, get, post
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area
from services.portal.forms import Typed
from services.portal.ids import read_id
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.services import ServiceProblem
from shared.actor import Actor
from shared.claims import Connection
from shared.errors import Forbidden, NotFound
from shared.language import gettext as _
from shared.texts import isolated


async def require_own(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A client's person, for themselves."""
    actor: Actor = connection.scope["auth"]
    if actor.kind != "client" or actor.read_only:
        raise Forbidden(_("Organisations are for the people of clients."))


@get("/organisations")
async def overview(page: Page, refused: UUID | None = None, added: UUID | None = None) -> Template:
    """All of them; `refused` is the one that could not be opened, with the reason, and `added` the one that they just
    joined, with the way there.
    """
    known = {each.client_id: each for each in await page.load_organisations()}
    here = next((each.name for each in known.values() if each.current), "")
    new = known.get(added) if added else None
    asked = known.get(refused) if refused else None
    return await page.show("organisations/page.html", refused=asked, added=new, here=here)


@post("/organisations/switch")
async def switch(page: Page, data: Typed) -> Redirect:
    """Switch to another organisation, with a new cookie, and go on to `next` or to its dashboard. If that is refused,
    show why on this page.
    """
    client_id, target = read_id(data.get("client_id")), local_path(data.get("next"))
    if client_id is None:
        raise NotFound
    try:
        there = await page.services.identity.send(
            "POST", "auth/switch-organisation", Me, body={"client_id": str(client_id)}
        )
    except ServiceProblem as problem:
        if problem.code == "organisation.here_already":
            return page.go(target)
        if not problem.code.startswith("organisation."):
            raise
        return page.go(f"/organisations?refused={client_id}")
    name = isolated(there.body.client_name or "")
    answer = page.go(target, _("You are in {name} now", name=name) if name else _("You are in your organisation now"))
    answer.cookies.extend(there.cookies)
    return answer


router = Router(path="/", route_handlers=[overview, switch], guards=[require_own])
area = Area(pages=[router], chapters=("organisations",))
