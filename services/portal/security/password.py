"""One's own password."""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal import links
from services.portal.answers import Me
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.prove_it.views import require_fresh
from services.portal.security.answers import SignInMethods
from services.portal.security.views import methods_of
from services.portal.services import ServiceProblem
from shared.language import gettext as _
from shared.language import marked

NO_PASSWORDS = marked("Your organisation does not accept passwords, so there is none to set.")


@get("/security/password")
async def open_change(page: Page) -> Template | Redirect:
    """One's own password, where one signs in with one. The proof this needs comes first: what is typed here is never
    carried along.
    """
    methods = await methods_of(page)
    if not methods.managed_here or not methods.accepts("password"):
        return page.go("/security", _(NO_PASSWORDS) if methods.managed_here else "", tone="info")
    await require_fresh(page)
    return await _change(page, Form(), methods)


@post("/security/password")
async def change(page: Page, data: Typed) -> Template | Redirect:
    """Another password: the other browsers are signed out."""
    form, password = Form({"current": "", "password": ""}), data.get("password", "")
    if long_enough(form, password):
        body = {"password": password, "current": data.get("current", "")}
        try:
            done = await page.services.identity.send("POST", "people/me/password", type(None), body=body)
        except ServiceProblem as problem:
            links.refuse(form, problem)
            if problem.code == "person.no_passwords":
                form.error = _(NO_PASSWORDS)
        else:
            answer = page.go("/security", _("Your password is saved. Every other browser is signed out."))
            answer.cookies.extend(done.cookies)
            return answer
    return await _change(page, form, await methods_of(page))


async def _change(page: Page, form: Form, methods: SignInMethods) -> Template:
    me = await page.services.identity.get("auth/me", Me)
    return await page.show(
        "security/password.html",
        section="security",
        status=form.status,
        form=form,
        me=me,
        has_one=methods.has("password"),
    )


def long_enough(form: Form, password: str) -> bool:
    """Whether the password has twelve characters; if not, the form says so."""
    if len(password) < 12:
        form.errors["password"] = _("Use at least 12 characters: a few words make a good password.")
    return len(password) >= 12


router = Router(path="/", route_handlers=[open_change, change])
