"""Signing in at one's own organisation: there, and back again.

The provider is another site, and our pages send forms to nobody else (Content-Security-Policy): what leads there is a
page with a link, which a browser follows by itself.
"""

import re
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import SignedIn
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.services import Answer, ServiceProblem
from services.portal.sign_in.arrival import FLOW_SECONDS, NEXT_COOKIE, address_of, arrive, heading_for
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _
from shared.language import marked

NextPath = Annotated[str, Parameter(query="next")]
Returned = Annotated[str, Parameter(max_length=4000)]
State = Annotated[str, Parameter(query="state", max_length=4000)]
"""Has a name of its own because `state` is the framework's."""
MISSING = marked("Enter your e-mail address, such as name@company.com.")
NOWHERE = marked("No organisation's own sign-in belongs to this address. Sign in another way.")
REFUSED = marked("Your organisation's sign-in leads to no account here. Start again, or ask who manages it.")
CANCELLED = marked("You left your organisation's sign-in before it was done. Start again, or sign in another way.")
FAILED = marked(
    "Your organisation's sign-in reported a problem of its own ({error}). Start again, or ask who manages it there."
)
AWAY = marked("Your organisation's sign-in is not answering right now. Try again in a moment, or sign in another way.")


class WayThere(msgspec.Struct, frozen=True):
    location: str | None = None


@get("/sign-in/sso")
async def open_page(page: Page, next_path: NextPath = "") -> Template:
    """Ask whose organisation."""
    return await _show_address(page, Form({"email": address_of(page), "next": local_path(next_path)}))


@post("/sign-in/sso")
async def set_out(page: Page, data: Typed) -> Template:
    """On to the provider of the address's domain, if there is one."""
    form = Form({"email": data.get("email"), "next": local_path(data.get("next"))})
    if not form.require(email=_(MISSING)):
        return await _show_address(page, form)
    try:
        body = {"email": form.values["email"]}
        answer = await page.services.identity.send("POST", "auth/sso", WayThere, body=body)
        return await _lead(page, form, answer)
    except ServiceProblem as problem:
        _explain(form, problem, _(MISSING))
    return await _show_address(page, form)


@get("/sign-in/sso/callback")
async def come_back(
    page: Page, code: Returned = "", brought: State = "", iss: Returned = "", error: Returned = ""
) -> Template | Redirect:
    """Back from the provider. Good once, and in the browser that set out."""
    form = Form({"email": address_of(page), "next": heading_for(page)})
    body = {name: value for name, value in (("code", code), ("state", brought), ("iss", iss)) if value}
    if error or not (code and brought):
        form.error = _words(error)
        return await _show_address(page, form, status=401)
    try:
        answer = await page.services.identity.send("POST", "auth/sso/callback", SignedIn, body=body)
        return arrive(page, answer, form.values["next"], way="sso")
    except ServiceProblem as problem:
        _explain(form, problem, _(REFUSED))
    return await _show_address(page, form, status=form.refused_with or 401)


def _words(error: str) -> str:
    """What a provider's refusal means (RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6)."""
    if error == "access_denied":
        return _(CANCELLED)
    return _(FAILED, error=error) if re.fullmatch(r"[a-z_]{1,40}", error) else _(REFUSED)


async def _lead(page: Page, form: Form, answer: Answer[WayThere]) -> Template:
    if answer.body.location is None:
        form.error = _(NOWHERE)
        return await _show_address(page, form, status=200)
    shown = await page.show("sign_in/leaving.html", location=answer.body.location)
    shown.cookies.extend([*answer.cookies, cookie(NEXT_COOKIE, form.values["next"], FLOW_SECONDS)])
    return shown


async def _show_address(page: Page, form: Form, *, status: int = 0) -> Template:
    return await page.show("sign_in/single_sign_on.html", form=form, status=status or form.status)


def _explain(form: Form, problem: ServiceProblem, refused: str) -> None:
    if problem.code == "auth.sso_away":
        form.error, form.refused_with = _(AWAY), problem.status
    else:
        explain(form, problem, refused)


router = Router(path="/", route_handlers=[open_page, set_out, come_back], opt={"public": True})
