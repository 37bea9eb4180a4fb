"""Staff look at the portal as a client does: they choose as whom, a banner stands on every page, and back again."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Client, Me
from services.portal.area import Area
from services.portal.forms import Typed
from services.portal.ids import read_id
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.people.answers import Person
from services.portal.people.views import ROLES
from services.portal.services import ServiceProblem
from shared.claims import require_policy
from shared.errors import NotFound
from shared.language import gettext as _
from shared.pagination import Page as Listing

Short = Annotated[str, Parameter(max_length=400)]
NextPath = Annotated[str, Parameter(query="next")]
MOST = 20
view_as_client = require_policy("viewAsClient")


@get("/view-as", guards=[view_as_client])
async def choose(page: Page, client_id: UUID, q: Short = "", cursor: Short = "") -> Template:
    """What it means, and as whom: the client as a whole, or one of its people, searched as one types."""
    q = q.strip()
    identity = page.services.identity
    listed = identity.get("people", Listing[Person], client_id=client_id, q=q, cursor=cursor, limit=MOST)
    client, found = await asyncio.gather(identity.get(f"clients/{client_id}", Client), listed)
    shown: dict[str, Any] = {
        "client": client,
        "found": found,
        "q": q,
        "cursor": cursor,
        "roles": {role: _(word) for role, word in ROLES.items()},
    }
    if page.is_fragment:
        return page.fragment("view_as/people.html", **shown)
    return await page.show("view_as/page.html", section="clients", **shown)


@post("/view-as", guards=[view_as_client])
async def view(page: Page, data: Typed) -> Template | Redirect:
    """Begin, on their dashboard. The page reports somebody who lost access since it was opened."""
    whom = {name: read_id(data.get(name)) for name in ("client_id", "person_id")}
    if whom["client_id"] is None or (data.get("person_id") and whom["person_id"] is None):
        raise NotFound
    body = {name: str(each) for name, each in whom.items() if each}
    try:
        started = await page.services.identity.send("POST", "auth/view-as", Me, body=body)
    except ServiceProblem as problem:
        if not problem.code.startswith("viewing."):
            raise
        return page.go(f"/view-as?client_id={whom['client_id']}", problem.detail, tone="over")
    answer = page.go("/")
    answer.cookies.extend(started.cookies)
    return answer


@post("/view-as/end", opt={"while_viewing": True})
async def leave(page: Page, next_path: NextPath = "") -> Redirect:
    """Be staff again, where it began, or at a form that waits (`next`). Who has left already is shown the way."""
    target = local_path(next_path)
    try:
        ended = await page.services.identity.send("POST", "auth/view-as/end", Me)
    except ServiceProblem as problem:
        if problem.status != 409:
            raise
        return page.go(target)
    answer = page.go(
        target if target != "/" else f"/clients/{page.actor.client_id}", _("You left the client's view"), tone="info"
    )
    answer.cookies.extend(ended.cookies)
    return answer


router = Router(path="/", route_handlers=[choose, view, leave])
area = Area(pages=[router], chapters=("view-as",))
