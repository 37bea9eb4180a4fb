"""Authenticating again with a passkey."""

from litestar import Router, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.security.passkeys import views
from services.portal.services import ServiceProblem
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _


@post("/prove-it/passkey")
async def prove(page: Page, data: Typed) -> Template | Redirect:
    """Prove with a passkey that it is really oneself; then open the page, or send the form that waited on its way."""
    body = {"credential": views.credential(data.get("proof_credential"))}
    target = local_path(data.get("proof_next"))
    try:
        answer = await page.services.identity.send("POST", "auth/step-up/passkey", Me, body=body)
    except ServiceProblem as problem:
        form = Form({"next": target})
        explain(form, problem, _("This passkey was not accepted. Go back and try again."))
        return await page.show("sign_in/passkey_refused.html", form=form, status=form.status)
    return Redirect(target, status_code=307 if data.get("proof_resend") else 303, cookies=answer.cookies)


router = Router(path="/", route_handlers=[prove])
