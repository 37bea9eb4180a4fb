"""Staff look at one client at a time, or at all of them. A filter of what is shown, never a right."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template
from msgspec.structs import replace

from services.portal.answers import Client
from services.portal.area import Area
from services.portal.choices import told_apart
from services.portal.cookies import cookie
from services.portal.forms import Typed
from services.portal.ids import read_id
from services.portal.page import CLIENT_COOKIE, Page
from services.portal.paths import local_path
from shared.claims import require_staff
from shared.errors import NotFound
from shared.language import gettext as _
from shared.pagination import Page as Listing
from shared.texts import isolated

MOST = 20
"""As many as one reads; more are found by typing."""

Short = Annotated[str, Parameter(max_length=400)]
NextPath = Annotated[str, Parameter(query="next")]


@get("/switch-client")
async def choose(page: Page, q: Short = "", next_path: NextPath = "") -> Template:
    """Clients to choose from: in the top bar's menu by HTMX, else a page."""
    target = local_path(next_path)
    found = await page.services.identity.get("clients", Listing[Client], q=q.strip(), limit=MOST)
    found = replace(found, items=told_apart(found.items))
    if page.is_fragment:
        return page.fragment("switch_client/choices.html", found=found, q=q, target=target)
    return await page.show("switch_client/page.html", found=found, q=q, target=target)


@post("/switch-client")
async def switch(page: Page, data: Typed) -> Redirect:
    """Remember the choice; without a `client_id` it is all of them."""
    if not data.get("client_id"):
        answer = page.go(_landing(data.get("next"), None), _("Showing all clients"), tone="info")
        answer.cookies.append(cookie(CLIENT_COOKIE, "", 0))
        return answer
    chosen = read_id(data["client_id"])
    if chosen is None:
        raise NotFound
    client = await page.services.identity.get(f"clients/{chosen}", Client)
    answer = page.go(
        _landing(data.get("next"), client.id), _("Showing {name} only", name=isolated(client.name)), tone="info"
    )
    answer.cookies.append(cookie(CLIENT_COOKIE, str(client.id)))
    return answer


def _landing(next_path: str | None, client_id: UUID | None) -> str:
    """Where the choice was made, one step up from a page about a single thing: that thing may be another client's."""
    section = urlsplit(local_path(next_path)).path.split("/")[1]
    if section == "clients" and client_id:
        return f"/clients/{client_id}"
    return f"/{section}" if section in ("projects", "activity", "clients", "profile") else "/"


router = Router(path="/", route_handlers=[choose, switch], guards=[require_staff])
area = Area(pages=[router], chapters=("clients",))
