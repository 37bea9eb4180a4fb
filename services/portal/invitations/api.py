"""Inviting many contacts at once, for staff: how many, a tick box, progress, result."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Client
from services.portal.area import Area
from services.portal.choices import is_search
from services.portal.forms import Form, Typed
from services.portal.ids import read_id
from services.portal.page import Page
from services.portal.people.views import ROLES, roles, roles_choice
from services.portal.prove_it.views import require_fresh
from services.portal.services import ServiceProblem
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing
from shared.texts import isolated

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]
Short = Annotated[str, Parameter(max_length=400)]
BULK = "invitations/bulk"
SHOWN = 50
REASONS = {
    "refused": marked("The mail server knows no such address."),
    "unconfirmed": marked("The mail server did not say whether it took the mail."),
    "bounced": marked("The mail was sent back: this address does not take it."),
    "expired": marked("The mail server could not be reached."),
    "closed": marked("They no longer have access."),
    "replaced": marked("They were invited by hand in the meantime."),
    "contact.invited_meanwhile": marked("They were invited by hand in the meantime."),
    "contact.has_account": marked("They have an account already."),
    "contact.not_ready": marked("Something they need is missing by now."),
    "person.email_taken": marked("Somebody else signs in with this address."),
    "not_found": marked("They belong to another client now."),
}


def _why(reason: str) -> str:
    return _(REASONS[reason]) if reason in REASONS else _("Something went wrong.")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`GET invitations/bulk/preview`."""

    eligible: int
    already_invited: int
    total: int
    running: UUID | None = None


LEFT_OUT = {
    "client_inactive": marked("The client is inactive."),
    "portal_closed": marked("The client's portal is closed."),
    "inactive": marked("They are inactive."),
    "no_address": marked("They have no e-mail address."),
    "invited": marked("They have an invitation already."),
    "has_account": marked("They have an account already."),
    "given_up": marked("They have given up this address. Ask them for their new one."),
    "staff_address": marked("One of your staff signs in with this address."),
}
"""Why somebody gets no mail."""


class Held(msgspec.Struct, frozen=True):
    """A project in which somebody has a role already, or is to have one."""

    name: str
    role: str

    @property
    def words(self) -> str:
        return f"{isolated(self.name)}: {_(ROLES[self.role])}"


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who would get a mail, or why not (`GET invitations/bulk/recipients`)."""

    person_id: UUID
    client_name: str
    name: str
    email: str | None
    reason: str
    projects: list[Held] = []

    @property
    def words(self) -> str:
        return _(LEFT_OUT.get(self.reason, ""))


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was picked, and what became of it (`GET invitations/bulk/{id}/recipients`)."""

    person_id: UUID
    name: str
    email: str | None
    status: str
    reason: str

    @property
    def words(self) -> str:
        return _why(self.reason) if self.status in ("failed", "skipped") else ""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who got no invitation."""

    person_id: UUID
    name: str
    status: str
    reason: str

    @property
    def words(self) -> str:
        return _why(self.reason)


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
    form = Form(data)
    client_id = read_id(form.values["client_id"])
    if not is_search(data) and form.require(confirm=_("Confirm by ticking the box: you cannot recall mails.")):
        try:
            body = {"confirm": True, "client_id": client_id, "project_roles": roles(data)}
            begun = await page.services.identity.post(BULK, Progress, body | expected(form))
        except ServiceProblem as problem:
            form.refuse(problem)
        else:
            return await _progress(page, begun) if page.is_fragment else page.go(f"/{BULK}/{begun.id}")
    return await _show(page, client_id, form)


@get("/invitations/bulk/{bulk_id:uuid}")
async def progress(page: Page, bulk_id: UUID) -> Template:
    """How far it is: a page that can be left and come back to; HTMX asks for the bar alone, each second."""
    found = await page.services.identity.get(f"{BULK}/{bulk_id}", Progress)
    if page.is_fragment:
        return await _progress(page, found)
    shown = await _outcomes(page, found.id) if found.done else None
    return await page.show("invitations/progress_page.html", section="clients", found=found, shown=shown)


@get("/invitations/bulk/recipients")
async def recipients(page: Page, client_id: OfClient, cursor: Short = "", invited: bool = True) -> Template:
    """More of those who would get a mail, or of those who would not."""
    shown = await _recipients(page, client_id, invited=invited, cursor=cursor)
    return page.fragment("invitations/recipients.html", shown=shown, invited=invited, client_id=client_id)


@get("/invitations/bulk/{bulk_id:uuid}/recipients")
async def outcomes(page: Page, bulk_id: UUID, cursor: Short = "") -> Template:
    """More of what became of each invitation."""
    shown = await _outcomes(page, bulk_id, cursor)
    return page.fragment("invitations/outcomes.html", shown=shown, bulk_id=bulk_id)


def expected(form: Form) -> dict[str, int]:
    """How many mails whoever pressed the button was shown."""
    count = form.whole("expected", 0, 1_000_000)
    return {} if count is None else {"expected": count}


async def _recipients(page: Page, client_id: UUID | None, *, invited: bool, cursor: str = "") -> Listing[Recipient]:
    query = {"client_id": client_id, "invited": str(invited).lower(), "cursor": cursor, "limit": SHOWN}
    return await page.services.identity.get(f"{BULK}/recipients", Listing[Recipient], **query)


async def _outcomes(page: Page, bulk_id: UUID, cursor: str = "") -> Listing[Outcome]:
    path = f"{BULK}/{bulk_id}/recipients"
    return await page.services.identity.get(path, Listing[Outcome], cursor=cursor, limit=SHOWN)


async def _progress(page: Page, found: Progress) -> Template:
    shown = await _outcomes(page, found.id) if found.done else None
    return page.fragment("invitations/progress.html", found=found, shown=shown)


async def _show(page: Page, client_id: UUID | None, form: Form) -> Template:
    found = await page.services.identity.get(f"{BULK}/preview", Preview, client_id=client_id)
    client = await page.services.identity.get(f"clients/{client_id}", Client) if client_id else None
    invited, left_out = await asyncio.gather(
        _recipients(page, client_id, invited=True), _recipients(page, client_id, invited=False)
    )
    gives_roles = page.actor.can("managePeople")
    shown: dict[str, Any] = {
        "found": found,
        "client": client,
        "form": form,
        "invited": invited,
        "left_out": left_out,
        "choice": await roles_choice(page.services, client_id, form) if client_id and gives_roles else None,
        "roles": ROLES,
    }
    if page.is_fragment:
        return page.fragment("invitations/dialog.html", **shown)
    return await page.show("invitations/page.html", section="clients", status=form.status, **shown)


router = Router(
    path="/",
    route_handlers=[ask_first, start, recipients, progress, outcomes],
    guards=[require_policy("managePortalAccess")],
)
area = Area(pages=[router], chapters=("inviting",))
