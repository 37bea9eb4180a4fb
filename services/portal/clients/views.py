"""What staff see and enter about clients."""

from collections.abc import Mapping
from uuid import UUID

from services.portal.answers import Client
from services.portal.clients.answers import ClientPerson
from services.portal.forms import Form
from services.portal.page import Page
from services.portal.services import Services, Slot, slot
from shared.actor import Actor
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing

VARIANTS = {
    "delivery": marked("Project delivery"),
    "services": marked("Professional services"),
    "account": marked("Account management"),
    "regulated": marked("Healthcare or regulated"),
}
"""The kinds of clients."""
ABOUT_VARIANT = marked("You can filter the list of clients by it. The portal looks the same for all of them.")
FILTERS = (
    (
        "status",
        marked("Status"),
        marked("Status: any"),
        (("active", marked("Active")), ("inactive", marked("Inactive"))),
    ),
    ("portal", marked("Portal"), marked("Portal: any"), (("open", marked("Open")), ("closed", marked("Closed")))),
    ("variant", marked("Kind"), marked("Kind: any"), tuple(VARIANTS.items())),
)
"""Name, label, the choice of none and the choices of what narrows the list."""
COLUMNS = ("name", "active", "portal_enabled", "-created_at")
"""What the table is sorted by."""
MOST_PEOPLE = 20


def variants() -> dict[str, str]:
    """The kinds of clients in words."""
    return {variant: _(word) for variant, word in VARIANTS.items()}


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


async def people(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Listing[ClientPerson]]:
    """The client's people by name."""
    found = page.services.identity.get("people", Listing[ClientPerson], client_id=client_id, limit=MOST_PEOPLE)
    return await slot(found, deadline=deadline)


def inputs(client: Client, actor: Actor) -> dict[str, object]:
    """The inputs of the client's form; fields that decide who can sign in only for staff who may change them."""
    return {
        "name": client.name,
        "variant": client.variant,
        **{name: "on" if getattr(client, name) else "" for name in _switches(actor)},
    }


def body(form: Form, actor: Actor) -> dict[str, object]:
    """What the form asks for."""
    form.require(name=_("Give the client a name."))
    kept = {name: form.values[name] for name in ("name", "variant")}
    return {**kept, **{name: bool(form.values[name]) for name in _switches(actor)}}


def _switches(actor: Actor) -> tuple[str, ...]:
    return ("active", "portal_enabled") if actor.can("managePortalAccess") else ()
