"""A link that names another organisation of its reader than the one they are in: whose page it is, before the page."""

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Template

from services.portal.page import Page
from services.portal.paths import local_path, organisation_in
from services.portal.services import Services
from shared.actor import Actor
from shared.claims import Connection


class PageElsewhere(Exception):
    """The page is of another organisation of its reader; `answer` says so, and leads there."""

    def __init__(self, answer: Template) -> None:
        super().__init__("a page of another organisation")
        self.answer = answer


async def lead_elsewhere(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of every page: who is in one of their organisations and opens a link of another is asked to switch.
    Nothing of the other one is asked for before. One that is not their own changes nothing: the page is answered as
    without it.

    Raises `PageElsewhere`, and 503 where it is not known which organisations are theirs.
    """
    actor: Actor = connection.scope["auth"]
    query = connection.scope["query_string"].decode("latin-1")
    named = organisation_in(f"?{query}") if actor.kind == "client" and not actor.read_only else None
    if not isinstance(connection, Request) or connection.method != "GET" or named in (None, actor.client_id):
        return
    state = connection.app.state
    page = Page(connection, actor, Services(state.http, state.upstreams, connection))
    if page.is_fragment:
        return
    own = await page.load_organisations(deadline=None)
    if not own:
        raise HTTPException(status_code=503)
    here = next((each.name for each in own if each.current), "")
    there = next((each for each in own if each.client_id == named and not each.current), None)
    if there:
        target = local_path(f"{page.path}?{query}")
        shown = await page.show("organisations/elsewhere.html", there=there, here=here, target=target)
        raise PageElsewhere(shown)
