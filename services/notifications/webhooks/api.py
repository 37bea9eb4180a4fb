"""Webhooks over HTTP, for staff who may manage partner systems; a change needs recent authentication.

A secret is shown once, in the answer that creates it.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import Parameter

from services.notifications.webhooks import commands, queries
from services.notifications.webhooks.commands import CreateWebhook, PatchWebhook, RotateSecret
from services.notifications.webhooks.outgoing import Outgoing
from services.notifications.webhooks.queries import DeliveryView, WebhookView
from shared.actor import Actor
from shared.claims import require_fresh_proof, require_policy
from shared.contracts import TOLD
from shared.contracts.words.telling import LINES
from shared.database import ReadOnly, UnitOfWork
from shared.errors import Unauthorized
from shared.http import API
from shared.language import gettext as _
from shared.language import headers
from shared.pagination import Cursor, Limit, Page
from shared.sealing import Sealer

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]
Sort = Annotated[str, queries.ORDERS.parameter]


class EventTypeView(msgspec.Struct, frozen=True):
    key: str
    name: str


class EventTypes(msgspec.Struct, frozen=True):
    items: list[EventTypeView]


class CreatedWebhook(WebhookView, frozen=True, kw_only=True):
    """`secret` is shown here and never again."""

    secret: str


class Rotated(msgspec.Struct, frozen=True):
    secret: str
    old_valid_until: datetime


class Queued(msgspec.Struct, frozen=True):
    """The id of the delivery, which is sent within a second."""

    delivery_id: UUID


@get("/types")
async def list_event_types() -> Response[EventTypes]:
    """The event types that a webhook can receive."""
    types = EventTypes([EventTypeView(kind.type, _(LINES[kind.type].occasion)) for kind in TOLD])
    return Response(types, headers=headers())


@get("/")
async def list_webhooks(
    *, actor: Actor, read: ReadOnly, client_id: OfClient, sort: Sort, limit: Limit, cursor: Cursor
) -> Page[WebhookView]:
    """List webhooks, newest first: all of them, or those bound to `client_id`."""
    async with read(actor) as connection:
        return await queries.list_webhooks(connection, client_id, sort=sort, limit=limit, cursor=cursor)


@get("/{webhook_id:uuid}")
async def get_webhook(webhook_id: UUID, actor: Actor, read: ReadOnly) -> WebhookView:
    """Read one webhook."""
    async with read(actor) as connection:
        return await queries.get_webhook(connection, webhook_id)


@post("/", guards=[require_fresh_proof])
async def create_webhook(
    *, data: CreateWebhook, actor: Actor, uow: UnitOfWork, read: ReadOnly, sealer: Sealer, outgoing: Outgoing
) -> CreatedWebhook:
    """Create a webhook, which sends events to a partner system."""
    if actor.id is None:
        raise Unauthorized(_("Sign in first."))
    async with uow(actor) as db:
        webhook, secret = await commands.create_webhook(db, actor, actor.id, data, sealer, private=outgoing.private)
    async with read(actor) as connection:
        view = await queries.get_webhook(connection, webhook.id)
    return CreatedWebhook(**msgspec.structs.asdict(view), secret=secret)


@patch("/{webhook_id:uuid}", guards=[require_fresh_proof])
async def change_webhook(
    *, webhook_id: UUID, data: PatchWebhook, actor: Actor, uow: UnitOfWork, read: ReadOnly, outgoing: Outgoing
) -> WebhookView:
    """Change name, address or types, switch it on or off. Switched off, what waits for it is held until it is on."""
    async with uow(actor) as db:
        await commands.change_webhook(db, actor, webhook_id, data, private=outgoing.private)
    async with read(actor) as connection:
        return await queries.get_webhook(connection, webhook_id)


@post("/{webhook_id:uuid}/rotate", status_code=200, guards=[require_fresh_proof])
async def rotate_secret(
    *, webhook_id: UUID, actor: Actor, uow: UnitOfWork, sealer: Sealer, data: RotateSecret | None = None
) -> Rotated:
    """Create a new secret.

    Deliveries are signed with the old one as well for a day, or for as long as the body says.
    """
    overlap = timedelta(hours=(data or RotateSecret()).overlap_hours)
    async with uow(actor) as db:
        return Rotated(*await commands.rotate_secret(db, actor, webhook_id, overlap, sealer))


@delete("/{webhook_id:uuid}", guards=[require_fresh_proof])
async def remove_webhook(webhook_id: UUID, actor: Actor, uow: UnitOfWork) -> None:
    """Delete a webhook and the log of its deliveries."""
    async with uow(actor) as db:
        await commands.remove_webhook(db, actor, webhook_id)


@post("/{webhook_id:uuid}/test")
async def test_webhook(webhook_id: UUID, actor: Actor, uow: UnitOfWork) -> Queued:
    """Send it a `ping`. 409 if it is switched off."""
    async with uow(actor) as db:
        return Queued((await commands.ping(db, webhook_id)).id)


@get("/{webhook_id:uuid}/deliveries")
async def list_deliveries(
    webhook_id: UUID, actor: Actor, read: ReadOnly, limit: Limit, cursor: Cursor
) -> Page[DeliveryView]:
    """Its deliveries of the last thirty days, sent and waiting, newest first."""
    async with read(actor) as connection:
        return await queries.list_deliveries(connection, webhook_id, limit, cursor)


@post("/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/retry", status_code=200)
async def retry_delivery(webhook_id: UUID, delivery_id: UUID, actor: Actor, uow: UnitOfWork) -> Queued:
    """Send a delivery again immediately, under the same id. 409 if the webhook is switched off."""
    async with uow(actor) as db:
        await commands.retry(db, webhook_id, delivery_id)
    return Queued(delivery_id)


router = Router(
    f"{API}/webhooks",
    route_handlers=[
        list_event_types,
        list_webhooks,
        get_webhook,
        create_webhook,
        change_webhook,
        rotate_secret,
        remove_webhook,
        test_webhook,
        list_deliveries,
        retry_delivery,
    ],
    guards=[require_policy("manageApiClients")],
    tags=["webhooks"],
)
