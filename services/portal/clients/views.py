"""What staff see and enter about clients."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.portal.activity import views as feed
from services.portal.answers import Client, Contact, Entry, ProjectCard
from services.portal.dashboard import views as dashboard
from services.portal.forms import Form
from services.portal.services import WIDGET_DEADLINE, Services, Slot, slot
from shared.actor import Actor
from shared.pagination import Page as Listing

VARIANTS = {
    "delivery": "Project delivery",
    "services": "Professional services",
    "account": "Account management",
    "regulated": "Healthcare or regulated",
}
"""The kinds of clients."""
ABOUT_VARIANT = "You can filter the list of clients by it. The portal looks the same for all of them."
FILTERS = (
    ("status", "Status", (("active", "Active"), ("inactive", "Inactive"))),
    ("portal", "Portal", (("open", "Open"), ("closed", "Closed"))),
    ("variant", "Kind", tuple(VARIANTS.items())),
)
"""Name, label and choices of what narrows the list."""
COLUMNS = ("name", "active", "portal_enabled", "-created_at")
"""What the table is sorted by."""
MOST_PEOPLE = 20
NEWEST = 20


class Detail(msgspec.Struct, frozen=True):
    """One client, and the widgets of its page."""

    client: Client
    projects: Slot[list[ProjectCard]]
    people: Slot[Listing[Contact]]
    activity: Slot[Listing[Entry]]


async def listed(services: Services, wanted: Mapping[str, str], sort: str, cursor: str) -> Listing[Client]:
    """Clients. What is no choice of a filter leaves it open."""
    query = {
        "q": wanted["q"],
        "active": {"active": "true", "inactive": "false"}.get(wanted["status"]),
        "portal": {"open": "true", "closed": "false"}.get(wanted["portal"]),
        "variant": wanted["variant"] if wanted["variant"] in VARIANTS else None,
    }
    return await services.identity.get("clients", Listing[Client], **query, sort=sort, cursor=cursor, limit=50)


async def client(services: Services, client_id: UUID) -> Client:
    return await services.identity.get(f"clients/{client_id}", Client)


async def detail(services: Services, client_id: UUID) -> Detail:
    """The client with its widgets, each within its deadline. Raises `ServiceProblem` when there is no such client."""
    return Detail(
        *await asyncio.gather(
            client(services, client_id),
            dashboard.projects(services, client_id),
            people(services, client_id),
            activity(services, client_id),
        )
    )


async def people(
    services: Services, client_id: UUID, deadline: float | None = WIDGET_DEADLINE
) -> Slot[Listing[Contact]]:
    """The client's people by name."""
    found = services.identity.get("people", Listing[Contact], client_id=client_id, limit=MOST_PEOPLE)
    return await slot(found, deadline=deadline)


async def activity(
    services: Services, client_id: UUID, deadline: float | None = WIDGET_DEADLINE
) -> Slot[Listing[Entry]]:
    """The newest of what happened; all of it is one click away."""
    return await slot(feed.entries(services, client_id, limit=NEWEST), deadline=deadline)


def inputs(client: Client, actor: Actor) -> dict[str, object]:
    """The inputs of the client's form; fields that decide who can sign in only for staff who may change them."""
    return {
        "name": client.name,
        "variant": client.variant,
        **{name: "on" if getattr(client, name) else "" for name in _switches(actor)},
    }


def body(form: Form, actor: Actor) -> dict[str, object]:
    """What the form asks for."""
    form.require(name="Give the client a name.")
    kept = {name: form.values[name] for name in ("name", "variant")}
    return {**kept, **{name: bool(form.values[name]) for name in _switches(actor)}}


def _switches(actor: Actor) -> tuple[str, ...]:
    return ("active", "portal_enabled") if actor.can("managePortalAccess") else ()
