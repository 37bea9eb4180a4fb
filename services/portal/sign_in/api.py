"""Signing in. E-mail first, then a sign-in method; every step is a plain form.

Nothing here tells whether an address is known: the same ways are offered to all, the words are the same, and identity
takes the same time. Passkeys and the company's own sign-in have pages of their own.
"""

from typing import Annotated

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Me, SignedIn
from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.links import void
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.security.two_factor.codes import digits
from services.portal.services import FLOW_COOKIE, ServiceProblem, slot
from services.portal.sign_in.answers import SignInLink, SingleSignOnDomain
from services.portal.sign_in.arrival import (
    FLOW_SECONDS,
    NEXT_COOKIE,
    WAY_COOKIE,
    address_of,
    arrive,
    begin,
    heading_for,
    organisation_of,
    ways_for,
)
from services.portal.sign_in.passkey import router as passkey
from services.portal.sign_in.refusals import explain
from services.portal.sign_in.second_factor import router as second_factor
from services.portal.sign_in.single_sign_on import router as single_sign_on
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

REFUSED = marked("E-mail or password is not right. Try again, or have a link mailed to you.")
UNUSABLE = marked(
    "This link or code cannot be used: it may be older than ten minutes, used already, or from another browser."
)

PATIENCE = 0.5
"""Seconds that the page waits for the answer about a domain; without an answer it offers everything."""

NextPath = Annotated[str, Parameter(query="next")]


@get("/sign-in")
async def ask_email(page: Page, next_path: NextPath = "", *, ended: bool = False) -> Template | Redirect:
    """The first step. Who is signed in already goes on; `ended` says that a session has just ended."""
    if page.actor.kind != "anonymous":
        return page.go(local_path(next_path))
    form = Form({"email": address_of(page), "next": local_path(next_path)})
    return await page.show("sign_in/email.html", form=form, ended=ended, first=page.cookie(WAY_COOKIE))


@post("/sign-in")
async def take_email(page: Page, data: Typed) -> Template | Redirect:
    """On to the second step, which is a page of its own: one gets back to it without sending anything again."""
    form = _form(data)
    if not _has_address(form):
        return await page.show("sign_in/email.html", form=form, ended=False, first="", status=form.status)
    return Redirect("/sign-in/proof", status_code=303, cookies=begin(form.values["email"], form.values["next"]))


@get("/sign-in/proof")
async def ask_proof(page: Page) -> Template | Redirect:
    """The second step: choose how to prove it."""
    heading = heading_for(page)
    if page.actor.kind != "anonymous":
        return page.go(heading)
    form = Form({"email": address_of(page), "next": heading})
    if not _has_address(form):
        return page.go("/sign-in")
    return await show_ways(page, form)


@post("/sign-in/password")
async def sign_in(page: Page, data: Typed) -> Template | Redirect:
    """Check the password and go to where the person was heading."""
    form = _form(data)
    if not _has_address(form):
        return await page.show("sign_in/email.html", form=form, ended=False, first="", status=form.status)
    if form.require(password=_("Enter your password.")):
        body = {"email": form.values["email"], "password": data.get("password", "")}
        body |= organisation_of(form.values["next"])
        try:
            answer = await page.services.identity.send("POST", "auth/login", SignedIn, body=body)
            return arrive(page, answer, form.values["next"], way="password")
        except ServiceProblem as problem:
            explain(form, problem, _(REFUSED))
    return await show_ways(page, form, tried="password")


@post("/sign-in/mail-link")
async def mail_link(page: Page, data: Typed) -> Template | Redirect:
    """Have a link and a code mailed. Whether the address is known stays between identity and the mail server."""
    form = _form(data)
    if not _has_address(form):
        return await page.show("sign_in/email.html", form=form, ended=False, first="", status=form.status)
    body = {"email": form.values["email"]}
    try:
        asked = await page.services.identity.send("POST", "auth/magic-link", type(None), body=body)
    except ServiceProblem as problem:
        explain(form, problem, problem.detail)
        return await show_ways(page, form, tried="magic_link")
    target = cookie(NEXT_COOKIE, form.values["next"], FLOW_SECONDS)
    return Redirect("/sign-in/link", status_code=303, cookies=[*asked.cookies, target])


@get("/sign-in/link")
async def open_link(page: Page, token: str = "") -> Template | Redirect:
    """Where the mailed link leads. It changes nothing: mail scanners open links too. Without a token: type the code,
    where this browser has asked for one.
    """
    if not token and not page.whose and not page.cookie(FLOW_COOKIE):
        return page.go("/sign-in")
    found = await _look(page, token) if token else None
    if token and found is None and page.actor.kind == "anonymous":
        return await void(page, "/sign-in", marked("Ask for a new link"))
    form = Form({"token": token, "code": ""})
    return await _show_link(page, form, found if found and found.here else None)


@post("/sign-in/link")
async def use_link(page: Page, data: Typed) -> Template | Redirect:
    """Use the link, or the code typed in the browser that asked for it."""
    form = Form({"token": data.get("token"), "code": digits(data.get("code", ""))})
    body = {name: form.values[name] for name in ("token", "code") if form.values[name]}
    if "token" in body or form.require(code=_("Enter the six digits from the mail.")):
        heading = heading_for(page)
        body |= organisation_of(heading)
        try:
            answer = await page.services.identity.send("POST", "auth/magic-link/consume", SignedIn, body=body)
            return arrive(page, answer, heading, _signed_out(page, answer.body), way="magic_link")
        except ServiceProblem as problem:
            form.values["token"] = ""
            right = problem.code == "auth.link_not_accepted"
            explain(form, problem, problem.detail if right else _(UNUSABLE))
    return await _show_link(page, form, None)


async def _show_link(page: Page, form: Form, here: SignInLink | None) -> Template:
    """The step of the link: `here`, where it can be used in this browser. Whom it signs in already needs none."""
    me = (await slot(page.services.identity.get("auth/me", Me))).value if here and page.whose else None
    if here and me and me.email == here.email:
        here = None
    return await page.show("sign_in/link.html", form=form, here=here, status=form.status)


def _signed_out(page: Page, entered: SignedIn) -> str:
    """What to tell whoever signed in while somebody else was signed in here."""
    if entered.person is None or page.actor.id in (None, entered.person.id):
        return ""
    left, now = isolated(page.actor.name), isolated(entered.person.name)
    return _("{left} is signed out. You are signed in as {now}.", left=left, now=now)


async def _look(page: Page, token: str) -> SignInLink | None:
    """The link, while it can be used; None for who views as somebody, who is signed in."""
    if page.viewing:
        return None
    try:
        return await page.services.identity.post("auth/magic-link/look", SignInLink, {"token": token})
    except ServiceProblem as problem:
        if problem.status not in (401, 422):
            raise
        return None


async def show_ways(page: Page, form: Form, *, tried: str = "") -> Template:
    """The ways to prove it for the address in `form`. What an organisation decided for its domain is known to whoever
    asks; what one person has is not, and none of it shows.
    """
    look = page.services.identity.post("auth/sso/domain", SingleSignOnDomain, {"email": form.values["email"]})
    domain = (await slot(look, deadline=PATIENCE)).value
    ways = ways_for(page, domain.known if domain else None, tried)
    return await page.show("sign_in/proof.html", form=form, ways=ways, status=form.status)


def _form(data: Typed) -> Form:
    return Form({"email": data.get("email"), "password": data.get("password"), "next": local_path(data.get("next"))})


def _has_address(form: Form) -> bool:
    name, at, host = form.values["email"].rpartition("@")
    if not (name and at and host) or len(form.values["email"]) > 254:
        form.errors["email"] = _("Enter your e-mail address, such as name@company.com.")
    return not form.errors["email"]


router = Router(
    path="/",
    route_handlers=[ask_email, take_email, ask_proof, sign_in, mail_link, open_link, use_link],
    opt={"public": True},
)
area = Area(pages=[router, passkey, second_factor, single_sign_on], chapters=("signing-in",))
