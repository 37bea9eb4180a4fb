"""A forgotten password: a link is mailed to whoever says so."""

from litestar import Router, get, post
from litestar.response import Template

from services.portal.area import Area
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import ServiceProblem
from services.portal.sign_in.arrival import address_of
from services.portal.sign_in.refusals import explain
from shared.language import gettext as _
from shared.language import marked

MISSING = marked("Enter your e-mail address, such as name@company.com.")


@get("/forgot-password")
async def ask_address(page: Page, email: str = "") -> Template:
    """Whose password? Theirs who is about to sign in here."""
    return await page.show("forgot_password/page.html", form=Form({"email": email or address_of(page)}), sent=False)


@post("/forgot-password")
async def send_link(page: Page, data: Typed) -> Template:
    """Have a link mailed. Whether the address is known stays between identity and the mail server."""
    form = Form({"email": data.get("email")})
    if form.require(email=_(MISSING)):
        try:
            await page.services.identity.post("auth/forgot-password", type(None), {"email": form.values["email"]})
            return await page.show("forgot_password/page.html", form=form, sent=True)
        except ServiceProblem as problem:
            explain(form, problem, _(MISSING), field="email")
    return await page.show("forgot_password/page.html", form=form, sent=False, status=form.status)


router = Router(path="/", route_handlers=[ask_address, send_link], opt={"public": True})
area = Area(pages=[router], chapters=("signing-in",))
