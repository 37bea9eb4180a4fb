"""Inviting many contacts at once, for staff: how many, a tick box, progress, result."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Client
from services.portal.clients import ServiceProblem
from services.portal.forms import Form, Typed
from services.portal.ids import read_id
from services.portal.page import Page
from services.portal.prove_it.views import require_fresh
from shared.claims import require_policy

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]
BULK = "invitations/bulk"
REASONS = {
    "refused": "The mail server knows no such address.",
    "unconfirmed": "The mail server did not say whether it took the mail.",
    "expired": "The mail server could not be reached.",
    "closed": "They no longer have access.",
    "replaced": "They were invited by hand in the meantime.",
    "contact.invited_meanwhile": "They were invited by hand in the meantime.",
    "contact.has_account": "They have an account already.",
    "contact.not_ready": "Something they need is missing by now.",
    "person.email_taken": "Somebody else signs in with this address.",
    "not_found": "They belong to another client now.",
}


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`GET invitations/bulk/preview`."""

    eligible: int
    already_invited: int
    total: int
    running: UUID | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who got no invitation."""

    person_id: UUID
    name: str
    status: str
    reason: str

    @property
    def words(self) -> str:
        return REASONS.get(self.reason, "Something went wrong.")


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`GET invitations/bulk/{id}`."""

    id: UUID
    client_id: UUID | None
    client_name: str | None
    created_at: datetime
    total: int
    sent: int
    failed: int
    skipped: int
    waiting: int
    done: bool
    failures: list[Failure]

    @property
    def percent(self) -> int:
        return 100 * (self.total - self.waiting) // self.total if self.total else 100


@get("/invitations/bulk")
async def ask_first(page: Page, client_id: OfClient) -> Template:
    """How many would be invited; nothing is sent before the box is ticked. Inviting takes a fresh proof, and a dialog
    that is left for one is gone: so it is asked for first.
    """
    await require_fresh(page)
    return await _show(page, client_id, Form())


@post("/invitations/bulk")
async def start(page: Page, data: Typed) -> Template | Redirect:
    """Send them. In the dialog the progress takes the form's place; without scripts it is a page."""
    form = Form({"confirm": data.get("confirm"), "client_id": data.get("client_id")})
    client_id = read_id(form.values["client_id"])
    if form.require(confirm="Confirm by ticking the box: you cannot recall mails."):
        try:
            begun = await page.services.identity.post(BULK, Progress, {"confirm": True, "client_id": client_id})
        except ServiceProblem as problem:
            form.refuse(problem)
        else:
            return _progress(page, begun) if page.is_fragment else page.go(f"/{BULK}/{begun.id}")
    return await _show(page, client_id, form)


@get("/invitations/bulk/{bulk_id:uuid}")
async def progress(page: Page, bulk_id: UUID) -> Template:
    """How far it is: a page that can be left and come back to; HTMX asks for the bar alone, each second."""
    found = await page.services.identity.get(f"{BULK}/{bulk_id}", Progress)
    if page.is_fragment:
        return _progress(page, found)
    return await page.show("bulk_invitations/progress_page.html", section="clients", found=found)


def _progress(page: Page, found: Progress) -> Template:
    return page.fragment("bulk_invitations/progress.html", found=found)


async def _show(page: Page, client_id: UUID | None, form: Form) -> Template:
    found = await page.services.identity.get(f"{BULK}/preview", Preview, client_id=client_id)
    client = await page.services.identity.get(f"clients/{client_id}", Client) if client_id else None
    shown: dict[str, Any] = {"found": found, "client": client, "form": form}
    if page.is_fragment:
        return page.fragment("bulk_invitations/dialog.html", **shown)
    return await page.show("bulk_invitations/page.html", section="clients", status=form.status, **shown)


router = Router(path="/", route_handlers=[ask_first, start, progress], guards=[require_policy("managePortalAccess")])
