"""Where a mail leads that asks whether an address is the person's."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal import links
from services.portal.area import Area
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from shared.language import gettext as _
from shared.language import marked

NEW_LINK = ("/security/email", marked("Ask for a new link"))


@get("/verify-email")
async def open_link(page: Page, token: str = "") -> Template:
    """Where the mailed link leads."""
    return await links.show_link(page, "verify_email/page.html", Form({"token": token}), NEW_LINK)


@post("/verify-email")
async def verify(page: Page, data: Typed) -> Template | Redirect:
    """The address is theirs."""
    form = Form({"token": data.get("token")})
    if links.was_opened(page, form):
        try:
            await page.services.identity.post("auth/verify-email", type(None), {"token": form.values["token"]})
            return page.go("/", _("Your address is confirmed"))
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_LINK)
            links.refuse(form, problem)
    return await links.show_link(page, "verify_email/page.html", form, NEW_LINK)


router = Router(path="/", route_handlers=[open_link, verify], opt={"public": True})
area = Area(pages=[router], chapters=("security",))
