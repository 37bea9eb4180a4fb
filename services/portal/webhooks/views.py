"""What staff see and enter about webhooks."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from services.portal.edits import Stored
from services.portal.forms import FIND, Form
from services.portal.services import Services
from services.portal.webhooks.answers import Delivery, EventType, EventTypes, Webhook
from shared.language import gettext as _
from shared.pagination import Page as Listing

TYPE = "type"
TICK = f"{TYPE}-"
ALL = f"{TICK}all"
"""The box for all events; a service knows it as an empty list of types."""

COLUMNS = ("-created_at", "name", "client_name", "-last_delivery_at")
"""What the table is sorted by."""


class Detail(msgspec.Struct, frozen=True):
    """A webhook, what types there are in words, and a page of its deliveries."""

    webhook: Webhook
    types: list[EventType]
    deliveries: Listing[Delivery]

    @property
    def words(self) -> dict[str, str]:
        """What each type of delivery is called; one that this page does not know keeps its name."""
        return {each.key: each.name for each in self.types} | {"ping": _("Test")}


async def listed(services: Services, sort: str, cursor: str) -> Listing[Webhook]:
    return await services.notifications.get("webhooks", Listing[Webhook], sort=sort, cursor=cursor, limit=50)


async def types(services: Services) -> list[EventType]:
    """The types of events a webhook can receive, in words."""
    return (await services.notifications.get("webhooks/types", EventTypes)).items


async def webhook(services: Services, webhook_id: UUID) -> Webhook:
    """One of them. Raises `ServiceProblem`."""
    return await services.notifications.get(f"webhooks/{webhook_id}", Webhook)


async def webhook_and_types(services: Services, webhook_id: UUID) -> tuple[Webhook, list[EventType]]:
    """One webhook, and the names of all event types. Raises `ServiceProblem`."""
    return await asyncio.gather(webhook(services, webhook_id), types(services))


async def detail(services: Services, webhook_id: UUID, cursor: str = "") -> Detail:
    """One of them with its deliveries. Raises `ServiceProblem`."""
    deliveries = services.notifications.get(
        f"webhooks/{webhook_id}/deliveries", Listing[Delivery], cursor=cursor, limit=20
    )
    return Detail(*await asyncio.gather(webhook(services, webhook_id), types(services), deliveries))


def new_form(data: Mapping[str, str]) -> Form:
    """The form for a new one, as it was sent."""
    ticks = {name: data[name] for name in data if name.startswith(TICK)}
    return Form({name: data.get(name) for name in ("name", "url", "client_id", f"{FIND}client_id", "types")} | ticks)


def stored(found: Webhook, types: list[EventType]) -> Stored:
    """What is stored as the inputs of its form, and as one would say it."""
    ticks = {f"{TICK}{kind}": "on" for kind in found.types}
    said = ", ".join(each.name for each in types if each.key in found.types)
    words = {
        "name": (_("Name"), found.name),
        "url": (_("Address"), found.url),
        "type": (_("Events"), said or _("All")),
    }
    return Stored({"name": found.name, "url": found.url, "types": "", **(ticks or {ALL: "on"})}, words)


def body(form: Form) -> dict[str, Any]:
    """Name, address and types as notifications wants them; what is missing is marked in the form.

    The API takes an empty list of types for all of them; here somebody has to say so, with a box of its own.
    """
    form.require(name=_("Give it a name."), url=_("Enter the address that receives the events."))
    ticked = [name for name, value in form.values.items() if name.startswith(TICK) and value]
    if not ticked:
        form.errors["types"] = _("Choose at least one event, or all of them.")
    types = [] if ALL in ticked else [name.removeprefix(TICK) for name in ticked]
    return {"name": form.values["name"], "url": form.values["url"], "types": types}
