"""The one consumer: every event of the portal, folded into the audit log, the figures' facts, the feed and webhooks."""

from collections.abc import Sequence

import asyncpg

from services.activity.audit import commands as audit
from services.activity.feed import commands as feed
from services.activity.fold.events import fold
from services.activity.kpis import commands as kpis
from services.activity.recordings import commands as recordings
from services.activity.webhooks import commands as webhooks
from shared.inbox import Consumer, Delivery


async def keep(connection: asyncpg.Connection, deliveries: Sequence[Delivery]) -> None:
    """Fold a batch in a handful of statements; nothing of it is kept if one event cannot be.

    Entries come after the facts, which say what of them a client may see.
    """
    folded = [fold(delivery.event, delivery.position) for delivery in deliveries]
    await audit.append(
        connection,
        [each.record for each in folded],
        [each.presence for each in folded if each.presence],
        [each.author for each in folded if each.author],
    )
    await kpis.learn(connection, [(each.record.position, each.fact) for each in folded if each.fact])
    entries = [each.entry for each in folded if each.entry]
    ended = [each.ended for each in folded if each.ended]
    over = {each.subject: each.at for each in reversed(ended) if each.final}
    await recordings.learn(connection, [each.visit for each in folded if each.visit], over)
    await feed.append(connection, entries, ended)
    await feed.judge(connection, {each.turned: each.record.client_id for each in folded if each.turned})
    await webhooks.queue(connection, entries)


def consumer() -> Consumer:
    """The consumer of one process."""
    return Consumer("activity", every=keep, repeatable=True)
