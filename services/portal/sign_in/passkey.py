"""Signing in with a passkey. What static/js/passkeys.js had the browser sign comes as a form."""

from litestar import Router, post
from litestar.response import Redirect, Template

from services.portal.answers import SignedIn
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.security.passkeys import views
from services.portal.services import ServiceProblem
from services.portal.sign_in.arrival import arrive, organisation_of
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _
from shared.language import marked

REFUSED = marked("This passkey was not accepted. Try again, or sign in another way.")


@post("/sign-in/passkey")
async def sign_in(page: Page, data: Typed) -> Template | Redirect:
    """Sign in with what the browser's passkey signed."""
    form = Form({"next": local_path(data.get("next"))})
    body = {"credential": views.credential(data.get("credential")), **organisation_of(form.values["next"])}
    try:
        answer = await page.services.identity.send("POST", "auth/passkey", SignedIn, body=body)
        return arrive(page, answer, form.values["next"], way="passkey")
    except ServiceProblem as problem:
        explain(form, problem, _(REFUSED))
    return await page.show("sign_in/passkey_refused.html", form=form, status=form.status)


router = Router(path="/", route_handlers=[sign_in], opt={"public": True})
