"""Where both mails of a change of address lead."""

from litestar import Router, get, post
from litestar.response import Template

from services.portal import links
from services.portal.area import Area
from services.portal.confirm_email.answers import AddressConfirmed
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from shared.language import marked

NEW_CHANGE = ("/security/email", marked("Ask for the change again"))


@get("/confirm-email")
async def open_link(page: Page, token: str = "") -> Template:
    """Where both mailed links of a change lead."""
    return await links.show_link(page, "confirm_email/page.html", Form({"token": token}), NEW_CHANGE)


@post("/confirm-email")
async def confirm(page: Page, data: Typed) -> Template:
    """One of the two addresses confirms."""
    form = Form({"token": data.get("token")})
    if links.was_opened(page, form):
        try:
            body = {"token": form.values["token"]}
            found = await page.services.identity.post("auth/confirm-email", AddressConfirmed, body)
            return await page.show("confirm_email/confirmed.html", confirmed=found)
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_CHANGE)
            links.refuse(form, problem)
    return await links.show_link(page, "confirm_email/page.html", form, NEW_CHANGE)


router = Router(path="/", route_handlers=[open_link, confirm], opt={"public": True})
area = Area(pages=[router], chapters=("signing-in",))
