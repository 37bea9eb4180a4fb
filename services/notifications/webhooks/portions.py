"""Changes of any number of deliveries, by portions: what waited for days can be more than one statement manages."""

from datetime import timedelta

from shared.clock import now
from shared.database import Db, driver

LEASE = timedelta(seconds=30)
"""Longer than any attempt lasts: a delivery still in hand after it was left behind by a process that is gone."""
KEPT_FOR = timedelta(days=30)
"""So long one can look up what became of a delivery."""
PORTION = 2000
"""So many rows are changed by one statement."""

_FORGET = (
    """delete from webhook_deliveries where id in (
        select id from webhook_deliveries where created_at < $1 and due_at is null limit $2)""",
    """delete from webhook_deliveries where id in (
        select d.id from webhook_deliveries d join webhooks w on w.id = d.webhook_id
        left join clients c on c.id = w.client_id
        where d.created_at < $1 and d.due_at is not null and not (w.active and coalesce(c.active, true)) limit $2)""",
    """delete from webhook_entries where position in (
        select e.position from webhook_entries e
        where at < $1 and not exists (select from webhook_deliveries d where d.event_id = e.id) limit $2)""",
)
# What was taken in hand before the webhook was on is due within its lease, and what was taken since was tried since: of
# either nothing is sent twice, whatever the clocks of two processes say.
_RESUME = """
with resumed as (
    select id, resumed_at from webhooks where active and resumed_at is not null
    order by resumed_at limit 1 for no key update skip locked
), held as (
    select d.id from resumed r cross join lateral (
        select id from webhook_deliveries
        where webhook_id = r.id and due_at > r.resumed_at + $1 and coalesce(last_tried_at < r.resumed_at, true)
        order by created_at limit $2 for update skip locked
    ) as d
), due as (
    update webhook_deliveries set due_at = created_at where id in (select id from held)
)
update webhooks set resumed_at = null where id in (select id from resumed) and not exists (select from held)
"""


async def forget(db: Db) -> bool:
    """Delete a portion of the deliveries older than `KEPT_FOR`, also of those that are held, and of what only they
    told; whether there may be more.
    """
    connection = await driver(db)
    done = [await connection.execute(each, now() - KEPT_FOR, PORTION) for each in _FORGET]
    return f"DELETE {PORTION}" in done


async def resume(db: Db) -> None:
    """Make a portion due of what a webhook held that is on again, the oldest first, whatever pause it was in. What may
    be in hand comes back with its lease.
    """
    await (await driver(db)).execute(_RESUME, LEASE, PORTION)
