"""Staff look at the portal as a client does: asked for once, a banner on every page meanwhile, and back again."""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Client, Me
from services.portal.clients import ServiceProblem
from services.portal.forms import Typed
from services.portal.ids import read_id
from services.portal.page import Page
from services.portal.questions import Question, ask
from shared.claims import require_policy
from shared.errors import NotFound

view_as_client = require_policy("viewAsClient")


@get("/view-as", guards=[view_as_client])
async def ask_to_view(page: Page, client_id: UUID) -> Template:
    """What it means, before it begins."""
    client = await page.services.identity.get(f"clients/{client_id}", Client)
    question = Question(
        title=f"View the portal as {client.name}?",
        text="You see what its primary contact sees. Until you leave, nothing can be changed, "
        "and the audit log says that you looked.",
        action="/view-as",
        fields={"client_id": str(client.id)},
        yes="View as client",
        back=f"/clients/{client.id}",
    )
    return await ask(page, question, section="clients")


@post("/view-as", guards=[view_as_client])
async def view(page: Page, data: Typed) -> Redirect:
    """Begin, on the client's dashboard."""
    client_id = read_id(data.get("client_id"))
    if client_id is None:
        raise NotFound
    started = await page.services.identity.send("POST", "auth/view-as", Me, body={"client_id": str(client_id)})
    answer = page.go("/")
    answer.cookies.extend(started.cookies)
    return answer


@post("/view-as/end", opt={"while_viewing": True})
async def leave(page: Page) -> Redirect:
    """Be staff again, where it began. Who has left already, in another tab, is shown the way."""
    try:
        ended = await page.services.identity.send("POST", "auth/view-as/end", Me)
    except ServiceProblem as problem:
        if problem.status != 409:
            raise
        return page.go("/")
    answer = page.go(f"/clients/{page.actor.client_id}", "You left the client's view", tone="info")
    answer.cookies.extend(ended.cookies)
    return answer


router = Router(path="/", route_handlers=[ask_to_view, view, leave])
