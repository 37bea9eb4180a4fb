"""The second factor during sign-in: a code or a recovery code; and setting it up if the client requires it.

A browser has one sign-in under way. Each page of it names which (`step`): what was meant for an earlier one does not
go on with one that was begun in another tab since.
"""

from hashlib import sha256

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import SignedIn
from services.portal.cookies import cookie
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.security.two_factor import codes
from services.portal.security.two_factor.answers import Enrolment
from services.portal.services import PENDING_COOKIE, ServiceProblem
from services.portal.sign_in.answers import Enrolled
from services.portal.sign_in.arrival import NEXT_COOKIE, arrive, heading_for
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _
from shared.language import marked

CODE, RECOVERY = "code", "recovery_code"
MISSING = {CODE: marked("Enter the six digits your app shows."), RECOVERY: marked("Enter one of your recovery codes.")}
REFUSED = {
    CODE: marked("This code is not right. Type the one your app shows now, or start again."),
    RECOVERY: marked("This recovery code is not right, or was used already."),
}
NOTHING_PENDING = "auth.nothing_pending"


@get("/sign-in/second-factor")
async def ask_code(page: Page, *, recovery: bool = False) -> Template | Redirect:
    """The step after the first factor. Without a sign-in in this browser: back to its start."""
    if not page.cookie(PENDING_COOKIE):
        return page.go("/sign-in")
    return await _show(page, Form(), RECOVERY if recovery else CODE)


@post("/sign-in/second-factor")
async def give_code(page: Page, data: Typed) -> Template | Redirect:
    """Check the code and go to where the person was heading."""
    if _is_earlier(page, data):
        return await _show_newer(page)
    kind = RECOVERY if RECOVERY in data else CODE
    typed = data.get(kind, "")
    form = Form({kind: codes.digits(typed) if kind == CODE else codes.typed_code(typed)})
    if form.require(**{kind: _(MISSING[kind])}):
        try:
            answer = await page.services.identity.send(
                "POST", "auth/second-factor", SignedIn, body={kind: form.values[kind]}
            )
            return arrive(page, answer, heading_for(page))
        except ServiceProblem as problem:
            if problem.code == NOTHING_PENDING:
                return _start_again(page)
            form.values[kind] = ""
            explain(form, problem, _(REFUSED[kind]), field=kind)
    return await _show(page, form, kind)


@get("/sign-in/enrol")
async def explain_enrolment(page: Page) -> Template | Redirect:
    """Why, and what comes. Making the secret is a step of its own: a page opened twice must not make two."""
    if not page.cookie(PENDING_COOKIE):
        return page.go("/sign-in")
    return await page.show("sign_in/why.html", step=_step(page))


@post("/sign-in/enrol/begin")
async def begin(page: Page, data: Typed) -> Template | Redirect:
    """A new secret, for the sign-in under way."""
    if _is_earlier(page, data):
        return await _show_newer(page)
    try:
        made = await page.services.identity.post("auth/second-factor/enrol", Enrolment, {})
    except ServiceProblem as problem:
        if problem.code != NOTHING_PENDING:
            raise
        return _start_again(page)
    return await _show_setup(page, codes.begun(made), Form())


@post("/sign-in/enrol")
async def confirm(page: Page, data: Typed) -> Template | Redirect:
    """The first code: signed in, with recovery codes to keep."""
    if _is_earlier(page, data):
        return await _show_newer(page)
    setup = codes.carried(data.get("uri", ""))
    if setup is None:
        return page.go("/sign-in/enrol")
    form = Form({CODE: codes.digits(data.get(CODE, ""))})
    if form.require(code=_(MISSING[CODE])):
        body = {CODE: form.values[CODE]}
        try:
            answer = await page.services.identity.send("POST", "auth/second-factor/enrol/confirm", Enrolled, body=body)
        except ServiceProblem as problem:
            if problem.code == NOTHING_PENDING:
                return _start_again(page)
            explain(form, problem, _(REFUSED[CODE]), field=CODE)
        else:
            person = answer.body.person
            shown = await page.show(
                "sign_in/welcome.html",
                codes=answer.body.recovery_codes,
                target=heading_for(page),
                recorded=person is not None and person.session_recording,
            )
            shown.cookies.extend([*answer.cookies, cookie(NEXT_COOKIE, "", 0)])
            return shown
    return await _show_setup(page, setup, form)


def _step(page: Page) -> str:
    return sha256(f"step:{page.cookie(PENDING_COOKIE)}".encode()).hexdigest()[:16]


def _is_earlier(page: Page, data: Typed) -> bool:
    """Whether the form is from a page of another sign-in than this browser has under way."""
    return bool(page.cookie(PENDING_COOKIE)) and data.get("step", _step(page)) != _step(page)


async def _show_newer(page: Page) -> Template:
    return await page.show("sign_in/newer.html", status=409)


def _start_again(page: Page) -> Redirect:
    lost = _("No sign-in waits for a code here any more. Start again; no code was used up.")
    return page.go("/sign-in", lost, tone="risk")


async def _show(page: Page, form: Form, kind: str) -> Template:
    return await page.show("sign_in/code.html", form=form, kind=kind, step=_step(page), status=form.status)


async def _show_setup(page: Page, setup: codes.Setup, form: Form) -> Template:
    return await page.show("sign_in/first_setup.html", setup=setup, form=form, step=_step(page), status=form.status)


router = Router(path="/", route_handlers=[ask_code, give_code, explain_enrolment, begin, confirm], opt={"public": True})
