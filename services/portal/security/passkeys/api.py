"""One's own passkeys. What static/js/passkeys.js had the browser make comes as a form."""

import asyncio
from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.prove_it.views import require_fresh
from services.portal.questions import Question, ask
from services.portal.security.passkeys import views
from services.portal.security.passkeys.answers import Passkey
from services.portal.security.views import methods_of, why_not_accepted
from services.portal.services import ServiceProblem
from shared.language import gettext as _
from shared.texts import isolated

HOME = "/security/passkeys"


@get(HOME)
async def passkeys(page: Page) -> Template:
    """All of them, and whether they are accepted."""
    found, methods = await asyncio.gather(views.load(page.services), methods_of(page))
    me, known = await asyncio.gather(page.services.identity.get("auth/me", Me), page.load_organisations())
    return await page.show(
        "security/passkeys/page.html",
        section="security",
        passkeys=found,
        accepted=methods.accepts("passkey"),
        why=why_not_accepted(me.client_name if len(known) < 2 else None, methods),
    )


@get(f"{HOME}/new")
async def new(page: Page) -> Template | Redirect:
    """Name a new one. The proof this needs comes first, not after the fingerprint; and before it whether passkeys are
    accepted.
    """
    if not (await methods_of(page)).accepts("passkey"):
        return page.go(HOME)
    await require_fresh(page)
    return await _show_new(page, Form())


@post(f"{HOME}/new")
async def add(page: Page, data: Typed) -> Template | Redirect:
    """Keep the passkey that the browser made."""
    form = Form({"name": data.get("name")})
    credential = views.credential(data.get("credential"))
    if credential is None:
        form.error = _("Your browser made no passkey. Try again, with scripts switched on.")
    if form.require(name=_("Give it a name.")) and credential is not None:
        try:
            body = {"name": form.values["name"], "credential": credential}
            await page.services.identity.post("passkeys", Passkey, body)
            added = _(
                "Your passkey is ready to sign you in."
                " Other browsers stay signed in; you can end their sessions under Security."
            )
            return page.go(HOME, added)
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get(f"{HOME}/{{passkey_id:uuid}}/rename")
async def edit(page: Page, passkey_id: UUID) -> Template:
    """The form with its name."""
    passkey = await views.passkey(page.services, passkey_id)
    return await _show_rename(page, Form({"name": passkey.name}))


@post(f"{HOME}/{{passkey_id:uuid}}/rename")
async def rename(page: Page, passkey_id: UUID, data: Typed) -> Template | Redirect:
    """Call it something else."""
    form = Form({"name": data.get("name")})
    if form.require(name=_("Give it a name.")):
        try:
            await page.services.identity.patch(f"passkeys/{passkey_id}", Passkey, dict(form.values))
            return page.go(HOME, _("Name saved"))
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_rename(page, form)


@get(f"{HOME}/{{passkey_id:uuid}}/remove")
async def ask_to_remove(page: Page, passkey_id: UUID) -> Template:
    """Sure?"""
    passkey = await views.passkey(page.services, passkey_id)
    question = Question(
        title=_("Remove {name}?", name=isolated(passkey.name)),
        text=_(
            "It will not sign you in here any more, and every other browser is signed out. Afterwards, delete it on"
            " the device as well."
        ),
        action=page.path,
        yes=_("Remove passkey"),
        back=HOME,
        danger=True,
    )
    return await ask(page, question, section="security")


@post(f"{HOME}/{{passkey_id:uuid}}/remove")
async def remove(page: Page, passkey_id: UUID) -> Redirect:
    """Drop it. One that is gone already is removed as well."""
    try:
        done = await page.services.identity.send("DELETE", f"passkeys/{passkey_id}", type(None))
    except ServiceProblem as problem:
        if problem.status != 404:
            raise
        return page.go(HOME, _("It was removed already"), tone="info")
    answer = page.go(HOME, _("That passkey is removed. Every other browser is signed out."))
    answer.cookies.extend(done.cookies)
    return answer


async def _show_new(page: Page, form: Form) -> Template:
    return await page.show("security/passkeys/new.html", section="security", status=form.status, form=form)


async def _show_rename(page: Page, form: Form) -> Template:
    return await page.show("security/passkeys/rename.html", section="security", status=form.status, form=form)


router = Router(
    path="/",
    route_handlers=[passkeys, new, add, edit, rename, ask_to_remove, remove],
)
