"""Where the mail about a forgotten password leads."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal import links
from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.security.password import long_enough
from services.portal.services import ServiceProblem
from services.portal.sign_in.arrival import WAY_COOKIE, address_of
from shared.language import gettext as _
from shared.language import marked

NEW_LINK = ("/forgot-password", marked("Ask for a new link"))


@get("/reset-password")
async def open_reset(page: Page, token: str = "") -> Template:
    """Where the mailed link leads."""
    return await links.show_link(page, "reset_password/page.html", Form({"token": token}), NEW_LINK)


@post("/reset-password")
async def reset(page: Page, data: Typed) -> Template | Redirect:
    """Take the new password; then sign in with it."""
    form, password = Form({"token": data.get("token"), "password": ""}), data.get("password", "")
    if links.was_opened(page, form) and long_enough(form, password):
        body = {"token": form.values["token"], "password": password}
        try:
            await page.services.identity.post("auth/reset-password", type(None), body)
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_LINK)
            links.refuse(form, problem)
        else:
            there = "/sign-in/proof" if address_of(page) else "/sign-in"
            answer = page.go(there, _("Your password is changed. Sign in with it."))
            answer.cookies.append(cookie(WAY_COOKIE, "password"))
            return answer
    return await links.show_link(page, "reset_password/page.html", form, NEW_LINK)


router = Router(path="/", route_handlers=[open_reset, reset], opt={"public": True})
area = Area(pages=[router], chapters=("signing-in",))
