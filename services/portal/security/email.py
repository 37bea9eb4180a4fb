"""One's own address: changing it, and having a link mailed that verifies it."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal import links
from services.portal.answers import Me
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from shared.language import gettext as _


@get("/security/email")
async def open_change(page: Page) -> Template:
    """One's own address."""
    return await _change(page, Form(), asked="")


@post("/security/email")
async def change(page: Page, data: Typed) -> Template:
    """Have both addresses asked."""
    form = Form({"email": data.get("email")})
    if form.require(email=_("Enter the address you want to sign in with.")):
        try:
            await page.services.identity.post("people/me/email", type(None), {"email": form.values["email"]})
            return await _change(page, form, asked=form.values["email"])
        except ServiceProblem as problem:
            links.refuse(form, problem)
    return await _change(page, form, asked="")


@post("/security/email/verification")
async def ask_to_verify(page: Page) -> Redirect:
    """Have a link mailed to the address there is."""
    await page.services.identity.post("people/me/email/verification", type(None))
    return page.go("/security/email", _("A mail with a link is on its way"), tone="info")


async def _change(page: Page, form: Form, *, asked: str) -> Template:
    me = await page.services.identity.get("auth/me", Me)
    return await page.show("security/email.html", section="security", form=form, me=me, asked=asked, status=form.status)


router = Router(path="/", route_handlers=[open_change, change, ask_to_verify])
