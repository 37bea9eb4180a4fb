"""The one consumer: every event of the portal, folded into the audit log, the figures' facts, the feed and webhooks."""

from collections.abc import Sequence

import asyncpg

from services.activity.audit import commands as audit
from services.activity.feed import commands as feed
from services.activity.feed.fold import fold
from services.activity.kpis import commands as kpis
from services.activity.webhooks import commands as webhooks
from shared.inbox import Consumer, Delivery


async def keep(connection: asyncpg.Connection, deliveries: Sequence[Delivery]) -> None:
    """Fold a batch in a handful of statements; nothing of it is kept if one event cannot be."""
    folded = [fold(delivery.event, delivery.position) for delivery in deliveries]
    await audit.append(
        connection,
        [each.record for each in folded],
        [each.presence for each in folded if each.presence],
        [each.author for each in folded if each.author],
    )
    await kpis.learn(connection, [(each.record.position, each.fact) for each in folded if each.fact])
    entries = [each.entry for each in folded if each.entry]
    await feed.append(connection, entries, [each.ended for each in folded if each.ended])
    await webhooks.queue(connection, entries)


def consumer() -> Consumer:
    """The consumer of one process."""
    return Consumer("activity", every=keep, repeatable=True)
