"""Forgotten and changed passwords."""

from litestar import get, post
from litestar.response import Redirect, Template

from services.portal.account import links
from services.portal.answers import Me
from services.portal.clients import ServiceProblem
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.prove_it.views import require_fresh
from services.portal.security.answers import SignInMethods
from services.portal.security.views import methods_of
from services.portal.sign_in.arrival import WAY_COOKIE, address_of
from services.portal.sign_in.refusals import explain

SHORT = "Use at least 12 characters: a few words make a good password."
NO_PASSWORDS = "Your organisation does not accept passwords, so there is none to set."
PUBLIC = {"public": True}
NEW_LINK = ("/forgot-password", "Ask for a new link")


@get("/forgot-password", opt=PUBLIC)
async def ask_address(page: Page, email: str = "") -> Template:
    """Whose password? Theirs who is about to sign in here."""
    return await page.show("account/forgot.html", form=Form({"email": email or address_of(page)}), sent=False)


@post("/forgot-password", opt=PUBLIC)
async def send_link(page: Page, data: Typed) -> Template:
    """Have a link mailed. Whether the address is known stays between identity and the mail server."""
    form = Form({"email": data.get("email")})
    if form.require(email="Enter your e-mail address, such as name@company.com."):
        try:
            await page.services.identity.post("auth/forgot-password", type(None), {"email": form.values["email"]})
            return await page.show("account/forgot.html", form=form, sent=True)
        except ServiceProblem as problem:
            explain(form, problem, "Enter your e-mail address, such as name@company.com.", field="email")
    return await page.show("account/forgot.html", form=form, sent=False, status=form.status)


@get("/reset-password", opt=PUBLIC)
async def open_reset(page: Page, token: str = "") -> Template:
    """Where the mailed link leads."""
    return await links.open_page(page, "account/reset.html", token, NEW_LINK)


@post("/reset-password", opt=PUBLIC)
async def reset(page: Page, data: Typed) -> Template | Redirect:
    """Take the new password; then sign in with it."""
    form, password = Form({"token": data.get("token"), "password": ""}), data.get("password", "")
    if links.was_opened(page, form) and _long_enough(form, password):
        body = {"token": form.values["token"], "password": password}
        try:
            await page.services.identity.post("auth/reset-password", type(None), body)
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await links.void(page, *NEW_LINK)
            links.refuse(form, problem)
        else:
            there = "/sign-in/proof" if address_of(page) else "/sign-in"
            answer = page.go(there, "Your password is changed. Sign in with it.")
            answer.cookies.append(cookie(WAY_COOKIE, "password"))
            return answer
    return await links.show(page, "account/reset.html", form)


@get("/security/password")
async def open_change(page: Page) -> Template | Redirect:
    """One's own password, where one signs in with one. The proof this needs comes first: what is typed here is never
    carried along.
    """
    methods = await methods_of(page)
    if not methods.managed_here or not methods.accepts("password"):
        return page.go("/security", NO_PASSWORDS if methods.managed_here else "", tone="info")
    await require_fresh(page)
    return await _change(page, Form(), methods)


@post("/security/password")
async def change(page: Page, data: Typed) -> Template | Redirect:
    """Another password: the other browsers are signed out."""
    form, password = Form({"current": "", "password": ""}), data.get("password", "")
    if _long_enough(form, password):
        body = {"password": password, "current": data.get("current", "")}
        try:
            done = await page.services.identity.send("POST", "people/me/password", type(None), body=body)
        except ServiceProblem as problem:
            links.refuse(form, problem)
            if problem.code == "person.no_passwords":
                form.error = NO_PASSWORDS
        else:
            answer = page.go("/security", "Your password is saved. Every other browser is signed out.")
            answer.cookies.extend(done.cookies)
            return answer
    return await _change(page, form, await methods_of(page))


async def _change(page: Page, form: Form, methods: SignInMethods) -> Template:
    me = await page.services.identity.get("auth/me", Me)
    return await page.show(
        "account/password.html",
        section="security",
        status=form.status,
        form=form,
        me=me,
        has_one=methods.has("password"),
    )


def _long_enough(form: Form, password: str) -> bool:
    if len(password) < 12:
        form.errors["password"] = SHORT
    return len(password) >= 12
