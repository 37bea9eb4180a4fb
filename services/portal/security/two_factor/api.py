"""One's own second factor: set it up, keep recovery codes for the day the phone is lost, turn it off."""

from litestar import Response, Router, get, post
from litestar.response import Redirect, Template

from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.security.two_factor import codes
from services.portal.security.two_factor.answers import Enrolment, RecoveryCodes, TwoFactor
from services.portal.services import Answer, ServiceProblem
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

HOME = "/security/two-factor"
WRONG = marked("This code is not right. Type the one your app shows now; each works once.")
LOST = marked("Something was missing there. Begin again: your app needs the new picture.")
FORGOTTEN = marked("The codes are shown once, and are not kept here. Make new ones if you have not saved them.")


@get(HOME)
async def overview(page: Page) -> Template:
    """Whether it is on, and what can be done about it."""
    found = await page.services.identity.get("two-factor", TwoFactor)
    return await page.show("security/two_factor/page.html", section="security", factor=found)


@post(f"{HOME}/enrol")
async def enrol(page: Page) -> Template:
    """A new secret, to be confirmed with a code."""
    made = await page.services.identity.post("two-factor/enrol", Enrolment, {})
    return await _show_setup(page, codes.begun(made), Form())


@post(f"{HOME}/confirm")
async def confirm(page: Page, data: Typed) -> Template | Redirect:
    """The first code: the second factor counts from here on."""
    setup = codes.carried(data.get("uri", ""))
    if setup is None:
        return page.go(HOME, _(LOST), tone="risk")
    form = Form({"code": codes.digits(data.get("code", ""))})
    if form.require(code=_("Enter the six digits your app shows.")):
        try:
            body = {"code": form.values["code"]}
            made = await page.services.identity.send("POST", "two-factor/confirm", RecoveryCodes, body=body)
            return await _show_codes(page, made, fresh=True)
        except ServiceProblem as problem:
            explain(form, problem, _(WRONG), field="code")
    return await _show_setup(page, setup, form)


@get(f"{HOME}/recovery-codes")
async def ask_to_renew(page: Page) -> Template:
    """Sure?"""
    question = Question(
        title=_("Make new recovery codes?"),
        text=_(
            "The codes you have now stop working, and every other browser is signed out. You see the new codes once,"
            " to keep in a safe place."
        ),
        action=page.path,
        yes=_("Make new codes"),
        back=HOME,
    )
    return await ask(page, question, section="security")


@post(f"{HOME}/recovery-codes")
async def renew(page: Page) -> Template:
    """Ten new codes in place of what was left."""
    made = await page.services.identity.send("POST", "two-factor/recovery-codes", RecoveryCodes, body={})
    return await _show_codes(page, made, fresh=False)


@post(f"{HOME}/recovery-codes/file")
async def download(page: Page, data: Typed) -> Response[bytes] | Redirect:
    """The codes on the page, as a text file: nobody else has them any more, so the page sends them back. Where it was
    signed out before, they are not kept (`forms.SECRETS`).
    """
    found = codes.recovery_codes(data.get("codes", ""))
    if not found:
        return page.go(HOME, _(FORGOTTEN), tone="risk")
    title = _("Recovery codes for {name}", name=isolated(page.actor.name))
    lines = [title, _("Each works once."), "", *found]
    headers = {"Content-Disposition": 'attachment; filename="recovery-codes.txt"'}
    return Response("\r\n".join([*lines, ""]).encode(), status_code=200, media_type="text/plain", headers=headers)


@get(f"{HOME}/off")
async def ask_to_turn_off(page: Page) -> Template:
    """Sure?"""
    question = Question(
        title=_("Turn off two-factor sign-in?"),
        text=_(
            "Whoever knows your password, or reads your mail, could then sign in as you. Every other browser is signed"
            " out."
        ),
        action=page.path,
        yes=_("Turn off"),
        back=HOME,
        danger=True,
    )
    return await ask(page, question, section="security")


@post(f"{HOME}/off")
async def turn_off(page: Page) -> Redirect:
    """Without a second factor from here on. Where one is required, identity refuses."""
    try:
        done = await page.services.identity.send("DELETE", "two-factor", type(None))
    except ServiceProblem as problem:
        if problem.status != 409:
            raise
        return page.go(HOME, problem.detail, tone="risk")
    answer = page.go(HOME, _("Two-factor sign-in is off. Every other browser is signed out."))
    answer.cookies.extend(done.cookies)
    return answer


async def _show_setup(page: Page, setup: codes.Setup, form: Form) -> Template:
    return await page.show(
        "security/two_factor/setup.html", section="security", status=form.status, setup=setup, form=form
    )


async def _show_codes(page: Page, made: Answer[RecoveryCodes], *, fresh: bool) -> Template:
    codes = made.body.recovery_codes
    shown = await page.show("security/two_factor/codes.html", section="security", codes=codes, fresh=fresh)
    shown.cookies.extend(made.cookies)
    return shown


router = Router(
    path="/", route_handlers=[overview, enrol, confirm, ask_to_renew, renew, download, ask_to_turn_off, turn_off]
)
