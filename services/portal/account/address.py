"""Addresses: verifying one's own, and changing it."""

from litestar import get, post
from litestar.response import Redirect, Template

from services.portal.account import links
from services.portal.answers import AddressConfirmed, Me
from services.portal.clients import ServiceProblem
from services.portal.forms import Form, Typed
from services.portal.page import Page

PUBLIC = {"public": True}
NEW_LINK = ("/security/email", "Ask for a new link")
NEW_CHANGE = ("/security/email", "Ask for the change again")


@get("/verify-email", opt=PUBLIC)
async def open_verification(page: Page, token: str = "") -> Template:
    """Where the mailed link leads."""
    return await links.open_page(page, "account/verify.html", token, NEW_LINK)


@post("/verify-email", opt=PUBLIC)
async def verify(page: Page, data: Typed) -> Template | Redirect:
    """The address is theirs."""
    form = Form({"token": data.get("token")})
    if links.was_opened(page, form):
        try:
            await page.services.identity.post("auth/verify-email", type(None), {"token": form.values["token"]})
            return page.go("/", "Your address is confirmed")
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_LINK)
            links.refuse(form, problem)
    return await links.show(page, "account/verify.html", form)


@get("/confirm-email", opt=PUBLIC)
async def open_confirmation(page: Page, token: str = "") -> Template:
    """Where both mailed links of a change lead."""
    return await links.open_page(page, "account/confirm.html", token, NEW_CHANGE)


@post("/confirm-email", opt=PUBLIC)
async def confirm(page: Page, data: Typed) -> Template:
    """One of the two addresses confirms."""
    form = Form({"token": data.get("token")})
    if links.was_opened(page, form):
        try:
            body = {"token": form.values["token"]}
            found = await page.services.identity.post("auth/confirm-email", AddressConfirmed, body)
            return await page.show("account/confirmed.html", confirmed=found)
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_CHANGE)
            links.refuse(form, problem)
    return await links.show(page, "account/confirm.html", form)


@get("/security/email")
async def open_change(page: Page) -> Template:
    """One's own address."""
    return await _change(page, Form(), asked="")


@post("/security/email")
async def change(page: Page, data: Typed) -> Template:
    """Have both addresses asked."""
    form = Form({"email": data.get("email")})
    if form.require(email="Enter the address you want to sign in with."):
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
    return page.go("/security/email", "A mail with a link is on its way", tone="info")


async def _change(page: Page, form: Form, *, asked: str) -> Template:
    me = await page.services.identity.get("auth/me", Me)
    return await page.show("account/email.html", section="security", form=form, me=me, asked=asked, status=form.status)
