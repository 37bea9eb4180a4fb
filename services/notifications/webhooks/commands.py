"""Changes of webhooks by staff, and attempts at deliveries: which are due, and what came of each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.notifications.webhooks import queries
from services.notifications.webhooks.models import PING, Delivery, EventType, Outcome, Unsent, Webhook, WebhookSecret
from services.notifications.webhooks.portions import LEASE, resume
from services.notifications.webhooks.signing import as_text, new_secret
from services.notifications.webhooks.things import COLUMNS, KEPT, OF_ENTRY
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import now
from shared.contracts.entries.view import view
from shared.database import Db, driver
from shared.events import EventData
from shared.sealing import Sealer
from shared.texts import LINE

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
"""One line with something to read on it."""
Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\s\x00-\x1f\x7f]+$(?!\n)")]
Types = Annotated[list[EventType], Meta(max_length=50)]
MAX_OVERLAP_HOURS = 7 * 24
MOST_SECRETS = 5
"""So many sign at most; whoever rotates more often within the overlap has the oldest forgotten."""
AT_ONCE = 256
AT_ONCE_EACH = 4
AT_ONCE_HOST = 16
"""So many attempts run at once in one process, to one webhook, and to one host with its port."""
_TAKE = f"""
with receivers as (
    select w.id, w.active and coalesce(c.active, true) as sends, w.failing_since is not null as failing,
           coalesce(busy.deliveries, 0) as busy,
           lower(substring(w.url from '//([^/?#]+)')) as host
    from webhooks w left join unnest($1::uuid[], $2::int[]) as busy (id, deliveries) on busy.id = w.id
    left join clients c on c.id = w.client_id
), hosts as (
    select host, sum(busy) as busy, coalesce(sum(busy) filter (where failing), 0) as failing_busy
    from receivers group by host
), waiting as (
    select d.id, d.due_at, r.failing,
           h.busy + row_number() over (partition by r.host order by r.failing, d.due_at) as place,
           h.failing_busy + row_number() over (partition by r.host, r.failing order by d.due_at) as place_of_failing
    from receivers r join hosts h using (host) cross join lateral (
        select id, due_at from webhook_deliveries
        where webhook_id = r.id and due_at <= $5
        order by due_at limit greatest($4::int - r.busy, 0) for update skip locked
    ) as d where r.sends
), due as (
    select id, failing or place > 1 as further,
           row_number() over (order by failing or place > 1, place, due_at) as number
    from waiting where case when failing then place_of_failing = 1 else place <= $8::int end
), taken as (
    update webhook_deliveries
    set tries = tries + 1, due_at = $6, last_tried_at = $5, last_status = null, last_error = ''
    where id in (select id from due where number <= case when further then $9::int else $3::int end)
    returning id, webhook_id, tries, type, position, created_at
)
select t.id as delivery_id, t.webhook_id, t.tries, t.type as delivery_type, t.created_at, w.url,
       w.client_id is not null as bound, w.types = '{{}}' or t.type = any (w.types) as wanted,
       array(select s.sealed from webhook_secrets s
             where s.webhook_id = t.webhook_id and (s.expires_at is null or s.expires_at > $5)
             order by s.id desc limit $7) as sealed,
       f.*
from taken t join webhooks w on w.id = t.webhook_id
left join lateral (
    select {COLUMNS} from webhook_entries e {OF_ENTRY}
    where e.position = t.position and (w.client_id is null or not {KEPT})
) as f on true
"""  # noqa: S608  (our own text)


class CreateWebhook(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`client_id` null: for all clients. No `types`: all that there are and will be."""

    name: Name
    url: Url
    client_id: UUID | None
    types: Types = []


class PatchWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """Whom it is bound to stays as it is: data of one client must not become another's by a slip."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class RotateSecret(msgspec.Struct, forbid_unknown_fields=True):
    """How long deliveries are signed with the old secret as well; 0 where somebody else may know it."""

    overlap_hours: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_HOURS)] = 24


class Attempt(msgspec.Struct, frozen=True):
    """One delivery in hand. Holds what only its receiver should know: never logged. `body`: what it tells, or why it
    tells nothing.
    """

    delivery_id: UUID
    webhook_id: UUID
    number: int
    url: str
    sealed: list[bytes]
    body: bytes | Unsent


async def create_webhook(
    db: Db, actor: Actor, created_by: UUID, data: CreateWebhook, sealer: Sealer, *, private: bool
) -> tuple[Webhook, str]:
    """A new webhook, and its secret. Raises `NotFound` for a client nobody has heard of, and `TargetRefused`."""
    webhook = Webhook(
        name=data.name,
        url=data.url,
        client_id=data.client_id,
        types=sorted(set(data.types)),
        created_by=created_by,
        created_by_name=actor.name,
    )
    created = webhook.created(private=private)
    if data.client_id:
        await queries.require_client(await driver(db), data.client_id)
    db.add(webhook)
    await db.flush()
    secret = await _add_secret(db, webhook, sealer)
    await _tell(db, actor, webhook, created)
    return webhook, secret


async def change_webhook(db: Db, actor: Actor, webhook_id: UUID, patch: PatchWebhook, *, private: bool) -> None:
    """Rename it, give it another address or other types, switch it on or off. Raises `TargetRefused`."""
    webhook = await queries.load_webhook(db, webhook_id)
    changes: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(patch).items() if value is not UNSET
    }
    if "types" in changes:
        changes["types"] = sorted(set(changes["types"]))
    if changed := webhook.change(changes, private=private):
        await _tell(db, actor, webhook, changed)
        if changed.active and "active" in changed.fields:
            await db.flush()
            await resume(db)


async def rotate_secret(
    db: Db, actor: Actor, webhook_id: UUID, overlap: timedelta, sealer: Sealer
) -> tuple[str, datetime]:
    """A new secret; until when deliveries are signed with the old one as well. What had run out before is forgotten."""
    webhook = await queries.load_webhook(db, webhook_id)
    rotated = webhook.rotated(now() + overlap)
    for old in await queries.load_secrets(db, webhook_id):
        if old.retire(rotated.old_valid_until) <= now():
            await db.delete(old)
    secret = await _add_secret(db, webhook, sealer)
    await _tell(db, actor, webhook, rotated)
    return secret, rotated.old_valid_until


async def remove_webhook(db: Db, actor: Actor, webhook_id: UUID) -> None:
    """Delete it with its secrets and the log of its deliveries; the audit log keeps the event."""
    webhook = await queries.load_webhook(db, webhook_id)
    await _tell(db, actor, webhook, webhook.removed())
    await db.delete(webhook)


async def ping(db: Db, webhook_id: UUID) -> Delivery:
    """Queue a delivery that tells nothing. Raises `SwitchedOff`."""
    webhook = await queries.load_webhook(db, webhook_id)
    webhook.require_active()
    delivery = Delivery(webhook_id=webhook.id, client_id=webhook.client_id, type=PING)
    db.add(delivery)
    await db.flush()
    return delivery


async def retry(db: Db, webhook_id: UUID, delivery_id: UUID) -> None:
    """Send a delivery again immediately. Raises `SwitchedOff`."""
    webhook = await queries.load_webhook(db, webhook_id)
    delivery = await queries.load_delivery(db, webhook_id, delivery_id)
    webhook.require_active()
    delivery.again()


async def take(db: Db, busy: Mapping[UUID, int]) -> list[Attempt]:
    """Take due deliveries in hand, beside those that are `busy` by webhook. Each is due again when the lease is over.

    Half of the places are for the first delivery to each host, so a receiver that answers does not wait for others that
    hang. A host whose deliveries fail gets one at a time.
    """
    present = now()
    room = AT_ONCE - sum(busy.values())
    rows = await (await driver(db)).fetch(
        _TAKE,
        list(busy),
        list(busy.values()),
        room,
        AT_ONCE_EACH,
        present,
        present + LEASE,
        MOST_SECRETS,
        AT_ONCE_HOST,
        room - AT_ONCE // 2,
    )
    return [
        Attempt(row["delivery_id"], row["webhook_id"], row["tries"], row["url"], row["sealed"], _body(row))
        for row in rows
    ]


def _body(row: asyncpg.Record) -> bytes | Unsent:
    if row["delivery_type"] == PING:
        told = {"type": PING, "timestamp": row["created_at"], "data": {"webhook_id": row["webhook_id"]}}
    elif not row["wanted"]:
        return "unwanted"
    elif row["id"] is None:
        return "withdrawn"
    else:
        told = {
            "type": row["delivery_type"],
            "timestamp": row["at"],
            "data": view(row, behind=not row["bound"], tell_client=True),
        }
    return msgspec.json.encode(told)


async def record_attempt(db: Db, attempt: Attempt, outcome: Outcome) -> None:
    """Keep what came of it, unless another process took it over; switch the webhook off where that is due."""
    webhook = await db.get(Webhook, attempt.webhook_id)
    if webhook and (webhook.failing_since or not outcome.is_success):  # else nothing of it changes
        webhook = await queries.lock_webhook(db, attempt.webhook_id)
    delivery = await queries.lock_attempt(db, attempt.delivery_id, attempt.number)
    if webhook is None or delivery is None:
        return
    disabled = webhook.heard(outcome, is_ping=delivery.type == PING)
    delivery.record(outcome)
    if disabled:
        await _tell(db, SYSTEM, webhook, disabled)


async def _add_secret(db: Db, webhook: Webhook, sealer: Sealer) -> str:
    secret = new_secret()
    sealed = sealer.seal(secret, webhook.id.bytes)
    db.add(WebhookSecret(webhook_id=webhook.id, client_id=webhook.client_id, sealed=sealed))
    await db.flush()
    return as_text(secret)


async def _tell(db: Db, actor: Actor, webhook: Webhook, event: EventData) -> None:
    await outbox.append(db, actor, event, client_id=webhook.client_id, aggregate_id=webhook.id)
