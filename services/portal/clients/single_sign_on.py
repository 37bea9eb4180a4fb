"""How a client's people sign in at their own organisation, for staff."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Client
from services.portal.edits import Edit, Stored
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.prove_it.views import require_fresh
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from shared.addresses import shown_domain
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

PATH = "/clients/{client_id:uuid}/single-sign-on"
REQUIRED = {
    "issuer": marked("Enter the issuer, as your client's provider names it."),
    "oauth_client_id": marked("Enter the client id the provider gave you."),
    "domains": marked("Enter the domains of your client's e-mail addresses."),
}


class SingleSignOn(msgspec.Struct, frozen=True, kw_only=True):
    """A client's provider (`GET clients/{id}/single-sign-on`); `issuer` is None where there is none."""

    issuer: str | None
    oauth_client_id: str | None
    domains: list[str]
    linked_people: int
    updated_at: datetime | None
    redirect_uri: str


@get(PATH)
async def settings(page: Page, client_id: UUID) -> Template:
    """The form with what is stored, and the address to register at the provider."""
    await require_fresh(page)
    found = await _load(page, client_id)
    return await _show(page, client_id, found, Edit(_stored(found).inputs))


@post(PATH)
async def save(page: Page, client_id: UUID, data: Typed) -> Template | Redirect:
    """Have the client's people sign in there. An empty secret means the one that is kept; what others changed since the
    form was opened stays theirs.
    """
    form = Edit.sent({name: data.get(name, "") for name in (*REQUIRED, "client_secret", "opened")})
    missing = {name: _(words) for name, words in REQUIRED.items()}
    if form.catch_up(_stored(await _load(page, client_id))) and form.require(**missing):
        try:
            await page.services.identity.put(f"clients/{client_id}/single-sign-on", SingleSignOn, _body(form))
            return page.go(page.path, _("Saved. The client's people can sign in there now."))
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, client_id, await _load(page, client_id), form)


@get(f"{PATH}/remove")
async def ask_to_remove(page: Page, client_id: UUID) -> Template:
    """Sure?"""
    client = await page.services.identity.get(f"clients/{client_id}", Client)
    question = Question(
        title=_("Remove the sign-in of {client}?", client=isolated(client.name)),
        text=_("Its people use their other sign-in methods from now on. Nobody is signed out."),
        action=page.path,
        yes=_("Remove"),
        back=page.path.removesuffix("/remove"),
        danger=True,
    )
    return await ask(page, question, section="clients")


@post(f"{PATH}/remove")
async def remove(page: Page, client_id: UUID) -> Redirect:
    """Have nobody of the client sign in that way any more."""
    await page.services.identity.delete(f"clients/{client_id}/single-sign-on")
    return page.go(page.path.removesuffix("/remove"), _("Removed"))


def _stored(found: SingleSignOn) -> Stored:
    """What is stored, as the inputs of the form and as one would say it."""
    domains = ", ".join(map(shown_domain, found.domains))
    inputs = {"issuer": found.issuer, "oauth_client_id": found.oauth_client_id, "domains": domains}
    labels = {"issuer": _("Issuer"), "oauth_client_id": _("Client id"), "domains": _("E-mail domains")}
    return Stored(inputs, {name: (labels[name], value or _("None")) for name, value in inputs.items()})


def _body(form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {name: form.values[name] for name in ("issuer", "oauth_client_id", "client_secret")}
    body["domains"] = form.values["domains"].replace(",", " ").split()
    return {name: value for name, value in body.items() if value}


async def _load(page: Page, client_id: UUID) -> SingleSignOn:
    return await page.services.identity.get(f"clients/{client_id}/single-sign-on", SingleSignOn)


async def _show(page: Page, client_id: UUID, found: SingleSignOn, form: Form) -> Template:
    client = await page.services.identity.get(f"clients/{client_id}", Client)
    return await page.show(
        "clients/single_sign_on.html", section="clients", status=form.status, form=form, found=found, client=client
    )


router = Router(
    path="/",
    route_handlers=[settings, save, ask_to_remove, remove],
    guards=[require_policy("manageClients"), require_policy("managePortalAccess")],
    opt={"chapters": ("client-access",)},
)
