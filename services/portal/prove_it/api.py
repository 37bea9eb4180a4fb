"""Authenticating again before a sensitive change, such as of the address, keys or somebody else's second factor.

`failures.py` leads here whenever a service asks for it. A page comes as `GET ?next=`; a form is sent here as it was
(307), is carried along in hidden inputs, and goes on to where it was heading once the proof is good: nothing is lost.
"""

from typing import Annotated

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area
from services.portal.forms import Form, Inputs
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.prove_it import views
from services.portal.prove_it.passkey import router as by_passkey
from services.portal.security.two_factor.codes import digits, typed_code
from services.portal.services import ServiceProblem
from services.portal.sign_in.refusals import explain, minutes
from shared.language import gettext as _
from shared.language import marked, ngettext

BODY = {"totp": "code", "recovery_code": "recovery_code", "password": "password", "mail_code": "mail_code"}
"""The field of identity's that each method's input goes to."""
MISSING = {
    "totp": marked("Enter the six digits your app shows."),
    "recovery_code": marked("Enter one of your recovery codes."),
    "password": marked("Enter your password."),
    "mail_code": marked("Enter the code from the mail."),
}
REFUSED = {
    "totp": marked("This code is not right. Type the one your app shows now; each works once."),
    "recovery_code": marked("This recovery code is not right, or was used already."),
    "password": marked("This is not your password. Try again."),
    "mail_code": marked("This code cannot be used: it is not the newest, too old, or used already."),
}

NextPath = Annotated[str, Parameter(query="next")]


@get("/prove-it")
async def open_page(page: Page, next_path: NextPath = "") -> Template | Redirect:
    """Ask for a proof, unless there is one that is fresh for long enough."""
    if await views.is_fresh(page):
        return page.go(local_path(next_path))
    return await _show(page, await views.find(page, {}, target=next_path, resend=False), Form())


@post("/prove-it/ask")
async def ask(page: Page, data: Inputs, next_path: NextPath = "") -> Template:
    """Ask for a proof with a form waiting (`next` names where it was heading), or in another way."""
    return await _show(page, await _proof(page, data, next_path), Form())


@post("/prove-it/mail")
async def mail_code(page: Page, data: Inputs) -> Template:
    """Have a code mailed."""
    form = Form()
    proof = await _proof(page, {**data, "proof_way": "mail_code"})
    try:
        await page.services.identity.post("auth/step-up/mail", type(None), {})
    except ServiceProblem as problem:
        if problem.status != 429:
            raise
        form.error = ngettext(
            "A code was mailed just now. Ask for another in {count} minute.",
            "A code was mailed just now. Ask for another in {count} minutes.",
            minutes(problem),
        )
    return await _show(page, proof, form, mailed=True)


@post("/prove-it")
async def prove(page: Page, data: Inputs) -> Template | Redirect:
    """Check the proof; then open the page, or send the form on."""
    proof = await _proof(page, data)
    typed = str(data.get("proof_value", ""))
    cleaned = {"password": typed, "recovery_code": typed_code(typed)}.get(proof.method, digits(typed))
    form = Form({"proof_value": cleaned})
    if proof.method not in BODY:
        form.error = _("Use your passkey, with the button below.")
    elif form.require(proof_value=_(MISSING[proof.method])):
        body = {BODY[proof.method]: typed if proof.method == "password" else form.values["proof_value"]}
        try:
            answer = await page.services.identity.send("POST", "auth/step-up", Me, body=body)
            status = 307 if proof.resend else 303
            return Redirect(proof.target, status_code=status, cookies=answer.cookies)
        except ServiceProblem as problem:
            form.values["proof_value"] = ""
            explain(form, problem, _(REFUSED[proof.method]), field="proof_value")
    return await _show(page, proof, form, mailed=proof.method == "mail_code")


async def _proof(page: Page, data: Inputs, waiting: str = "") -> views.Proof:
    target = waiting or str(data.get("proof_next", ""))
    return await views.find(page, data, target=target, resend=bool(waiting or data.get("proof_resend")))


async def _show(page: Page, proof: views.Proof, form: Form, *, mailed: bool = False) -> Template:
    return await page.show(
        "prove_it/page.html", section="security", proof=proof, form=form, mailed=mailed, status=form.status
    )


router = Router(path="/", route_handlers=[open_page, ask, mail_code, prove])
area = Area(pages=[router, by_passkey], chapters=("security",))
