"""Reading webhooks and what became of their deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import select

from services.notifications.webhooks.models import Delivery, Subscriber, Webhook, WebhookSecret
from shared.clock import now
from shared.database import Db
from shared.errors import NotFound
from shared.pagination import Orders, Page, decode_cursor, encode_cursor

# In hand is what was taken and has no outcome yet; if that never comes, it waits again once its lease has ended.
_STATE = """
    case when delivered_at is not null then 'delivered' when failed_at is not null then 'failed'
         when due_at > $1 and tries > 0 and last_status is null and last_error = '' then 'sending' else 'waiting' end
"""
_TRIED = "coalesce(delivered_at, failed_at, last_tried_at, created_at)"
_SELECT = f"""
    select w.id, w.name, w.url, w.client_id, nullif(c.name, '') as client_name, w.types, w.active, w.disabled_reason,
           w.disabled_at, w.failing_since, w.created_at, nullif(w.created_by_name, '') as created_by,
           case when w.active and coalesce(c.active, true) then 0 else
               (select count(*) from webhook_deliveries where webhook_id = w.id and due_at is not null) end as held,
           (select max(s.expires_at) from webhook_secrets s
            where s.webhook_id = w.id and s.expires_at > $1) as old_secret_until,
           d.at as last_delivery_at, d.state as last_delivery_state
    from webhooks w
    left join clients c on c.id = w.client_id
    left join lateral (
        select {_TRIED} as at, {_STATE} as state
        from webhook_deliveries where webhook_id = w.id order by id desc limit 1
    ) as d on true
"""  # noqa: S608  (our own text)
_ONE = f"{_SELECT} where w.id = $2"
_LISTED = "$2::uuid is null or w.client_id = $2"
_LAST = f"""
    select to_char({_TRIED} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')
    from webhook_deliveries where webhook_id = w.id order by id desc limit 1
"""  # noqa: S608  (our own text)
ORDERS = Orders(
    "-created_at",
    created_at="''",  # ids are in the order in which they are added
    name="folded(w.name)",
    client_name="coalesce((select c.sort_key from clients c where c.id = w.client_id), {none})",
    last_delivery_at=f"coalesce(({_LAST}), {{none}})",
)
_KNOWS = "select exists (select from webhooks where id = $1)"
_DELIVERIES = f"""
    select d.id, d.type, d.event_id, {_STATE} as state, d.tries, d.last_status, d.last_error, d.last_tried_at,
           d.due_at as next_try_at, d.delivered_at, d.created_at,
           coalesce(e.facts ->> 'name', '') as name, coalesce(e.facts ->> 'project_name', '') as project_name
    from webhook_deliveries d left join webhook_entries e on e.position = d.position
    where d.webhook_id = $2 and ($3::uuid is null or d.id < $3) order by d.id desc limit $4
"""  # noqa: S608  (our own text)
_KNOWS_CLIENT = "select exists (select from clients where id = $1)"
# Locked against removal until the fold has written what is to be delivered.
_SUBSCRIBERS = "select id, client_id, types from webhooks for key share"

State = Literal["waiting", "sending", "delivered", "failed"]


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as staff see it; its secret is not among that. No `types` are all.

    `disabled_reason` says why the portal switched it off: `gone`, `failing`, or '' where it did not. `held` are the
    deliveries that wait until it is switched on, or its client is active again; 0 where it sends.
    `old_secret_until`: until when deliveries are also signed with a secret that was rotated away.
    """

    id: UUID
    name: str
    url: str
    client_id: UUID | None
    client_name: str | None
    types: list[str]
    active: bool
    disabled_reason: str
    disabled_at: datetime | None
    failing_since: datetime | None
    held: int
    created_at: datetime
    created_by: str | None
    old_secret_until: datetime | None
    last_delivery_at: datetime | None
    last_delivery_state: State | None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one delivery. `last_error` says why the last attempt got no status, '' where it got one; there is
    neither while one is under way (`sending`). `name` is what the event happened to was called then, and `project_name`
    its project where that is another thing; both are '' of a test.
    """

    id: UUID
    type: str
    event_id: UUID | None
    state: State
    tries: int
    last_status: int | None
    last_error: str
    last_tried_at: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    name: str
    project_name: str


async def get_webhook(connection: asyncpg.Connection, webhook_id: UUID) -> WebhookView:
    """One webhook. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, now(), webhook_id)
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), WebhookView)


async def list_webhooks(
    connection: asyncpg.Connection, client_id: UUID | None, *, sort: str, limit: int, cursor: str | None
) -> Page[WebhookView]:
    """Those bound to one client, or all."""
    order = ORDERS.order(sort, cursor)
    page = order.rows("webhooks w", f"({_LISTED})", first=4)
    listed = _SELECT.replace("webhooks w", f"({page} limit $3) w", 1).replace("w.id", "w.sort_value, w.id", 1)
    rows = await connection.fetch(listed + order.by, now(), client_id, limit + 1, *(order.place or ()))
    return order.page(rows, limit, [msgspec.convert(dict(row), WebhookView) for row in rows[:limit]])


async def list_deliveries(
    connection: asyncpg.Connection, webhook_id: UUID, limit: int, cursor: str | None
) -> Page[DeliveryView]:
    """What was and is to be delivered, newest first. Raises `NotFound` without the webhook."""
    before = decode_cursor(cursor, UUID) if cursor else None
    rows = await connection.fetch(_DELIVERIES, now(), webhook_id, before, limit + 1)
    if not rows and not await connection.fetchval(_KNOWS, webhook_id):
        raise NotFound
    more = encode_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([msgspec.convert(dict(row), DeliveryView) for row in rows[:limit]], more)


async def list_subscribers(connection: asyncpg.Connection) -> list[Subscriber]:
    """Every webhook: for one that is switched off, deliveries are held."""
    rows = await connection.fetch(_SUBSCRIBERS)
    return [Subscriber(row["id"], row["client_id"], frozenset(row["types"])) for row in rows]


async def require_client(connection: asyncpg.Connection, client_id: UUID) -> None:
    """Raises `NotFound` if no event about this client was processed."""
    if not await connection.fetchval(_KNOWS_CLIENT, client_id):
        raise NotFound


async def load_webhook(db: Db, webhook_id: UUID) -> Webhook:
    """The webhook, locked for a change. Raises `NotFound`."""
    found = await lock_webhook(db, webhook_id)
    if found is None:
        raise NotFound
    return found


async def lock_webhook(db: Db, webhook_id: UUID) -> Webhook | None:
    """The same; None where it is gone. What must lock a webhook and its deliveries locks the webhook first."""
    # Not against the fold, which only needs it to be there.
    locked = select(Webhook).where(Webhook.id == webhook_id).with_for_update(key_share=True)
    return await db.scalar(locked, execution_options={"populate_existing": True})


async def load_secrets(db: Db, webhook_id: UUID) -> Sequence[WebhookSecret]:
    """All its secrets, also those that sign no more."""
    return (await db.scalars(select(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id))).all()


async def load_delivery(db: Db, webhook_id: UUID, delivery_id: UUID) -> Delivery:
    """One delivery of this webhook, locked for a change. Raises `NotFound`."""
    mine = (Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    found = await db.scalar(select(Delivery).where(*mine).with_for_update())
    if found is None:
        raise NotFound
    return found


async def lock_attempt(db: Db, delivery_id: UUID, attempt: int) -> Delivery | None:
    """The delivery, if it still waits and nobody took it over since this attempt."""
    mine = (Delivery.id == delivery_id, Delivery.tries == attempt, Delivery.due_at.is_not(None))
    return await db.scalar(select(Delivery).where(*mine).with_for_update())
