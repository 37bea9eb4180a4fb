"""Signing in for the first time, with an invitation; or joining one organisation more."""

from urllib.parse import quote

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal import links
from services.portal.answers import Me, SignedIn
from services.portal.area import Area
from services.portal.forms import Form, Typed
from services.portal.invitation.answers import Invitation, Joined
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.people.views import ROLES
from services.portal.services import ServiceProblem, slot
from services.portal.sign_in.arrival import arrive
from shared.language import gettext as _
from shared.language import marked


@get("/invitation")
async def open_invitation(page: Page, token: str = "") -> Template:
    """Where the mailed link leads."""
    return await _show(page, Form({"token": token}), opened=True)


@post("/invitation")
async def accept(page: Page, data: Typed) -> Template | Redirect:
    """Accept the invitation: names, and a password if they want one. Who has no other method adds a passkey next."""
    form = Form({name: data.get(name) for name in ("token", "first_name", "last_name")} | {"password": ""})
    password = data.get("password", "")
    if password and len(password) < 12:
        form.errors["password"] = _("Use at least 12 characters, or leave it empty.")
    asked = not _has_session(page) or data.get("replace") == str(page.actor.id)
    if links.was_opened(page, form) and form.require_name() and not form.is_wrong and asked:
        body = {name: form.values[name] for name in ("token", "first_name", "last_name")}
        try:
            sent = body | ({"password": password} if password else {})
            answer = await page.services.identity.send("POST", "auth/register", SignedIn, body=sent)
            target = "/" if password else local_path(data.get("next"))
            return arrive(page, answer, target, _("Welcome. You are signed in."))
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await _void(page, problem)
            links.refuse(form, problem)
    return await _show(page, form, opened=False)


def _has_session(page: Page) -> bool:
    """Whether somebody is signed in here already: accepting ends their session, which is asked about first."""
    return page.actor.kind in ("client", "staff")


async def _show(page: Page, form: Form, *, opened: bool) -> Template:
    """What the invitation is for; with the names staff know, when it is opened."""
    token = form.values["token"]
    if not token:
        return await _void(page)
    try:
        found = await page.services.identity.post("auth/invitation", Invitation, {"token": token})
    except ServiceProblem as problem:
        if problem.code == "organisation.network":
            return await page.show("invitation/elsewhere.html", status=403)
        if not links.is_void(problem):
            raise
        return await _void(page, problem)
    if opened:
        form.values |= {"first_name": found.first_name, "last_name": found.last_name}
    if found.joins_account:
        return await _ask_to_join(page, form, found)
    shown = {"invitation": found, "has_session": _has_session(page), "roles": ROLES}
    return await links.show(page, "invitation/page.html", form, **shown)


async def _ask_to_join(page: Page, form: Form, found: Invitation) -> Template:
    """Who signs in with the address already joins with that: here is the button, or the way to it."""
    me = None
    if page.actor.kind == "client" and not page.viewing:
        me = (await slot(page.services.identity.get("auth/me", Me), deadline=None)).value
    back = quote(f"/invitation?token={form.values['token']}", safe="/")
    is_them = me is not None and me.email.lower() == found.email.lower()
    signed_in = _has_session(page)
    return await links.show(
        page, "invitation/join.html", form, invitation=found, is_them=is_them, signed_in=signed_in, back=back
    )


@post("/invitation/join")
async def join(page: Page, data: Typed) -> Template | Redirect:
    """One organisation more, with the account one is signed in with."""
    form = Form({"token": data.get("token")})
    if links.was_opened(page, form):
        try:
            joined = await page.services.identity.post(
                "auth/organisations/join", Joined, {"token": form.values["token"]}
            )
        except ServiceProblem as problem:
            if links.is_void(problem):
                return await _void(page, problem)
            if not problem.code.startswith("organisation."):
                raise
            links.refuse(form, problem)
        else:
            return page.go(f"/organisations?added={joined.client_id}")
    return await _show(page, form, opened=False)


async def _void(page: Page, problem: ServiceProblem | None = None) -> Template:
    """Whoever holds the link of an invitation that was accepted reads that, and the way to the sign-in page."""
    if problem and problem.code == "auth.invitation_accepted":
        return await page.show("invitation/accepted.html", status=410, has_session=_has_session(page))
    return await links.void(page, "/sign-in", marked("Go to the sign-in page"))


router = Router(path="/", route_handlers=[open_invitation, accept, join], opt={"public": True})
area = Area(pages=[router], chapters=("invitation",))
