"""The one consumer: every event of the portal, folded into the audit log, the figures' facts and the feed."""

from collections.abc import Sequence
from operator import itemgetter

import asyncpg

from services.activity.audit import commands as audit
from services.activity.audit.models import UNRECORDED
from services.activity.feed import commands as feed
from services.activity.fold.events import fact_of, fold
from services.activity.fold.notifications import rung
from services.activity.kpis import commands as kpis
from services.activity.kpis.models import ClientFact
from services.activity.overview import commands as overview
from services.activity.overview.models import is_restated, known_by, thing_of
from services.activity.recordings import commands as recordings
from shared.inbox import Consumer, Delivery


async def keep(connection: asyncpg.Connection, deliveries: Sequence[Delivery]) -> None:
    """Fold a batch in a handful of statements; nothing of it is kept if one event cannot be.

    Entries come after the things, which say what of them a client may see. What is published again is no news,
    but may be the first that is heard of a client, and of what was shared, withdrawn or hidden.
    """
    things = [(each, thing) for each in deliveries if (thing := thing_of(each.event))]
    folded = [fold(each.event, each.position) for each in deliveries if not each.event.type.endswith(UNRECORDED)]
    await audit.append(
        connection,
        [each.record for each in folded],
        [each.presence for each in folded if each.presence],
        [each.author for each in folded if each.author],
    )
    turned = await overview.keep(connection, [thing for _, thing in things])
    turned |= await overview.correct(connection, [each.bare for each in folded if each.bare])
    facts = [
        (each.position, ClientFact(client_id=thing.client_id, at=known_by(each.event, thing))) for each, thing in things
    ]
    facts += [(each.record.position, each.fact) for each in folded if each.fact]
    again = [each for each in deliveries if is_restated(each.event)]
    facts += [(each.position, fact) for each in again if (fact := fact_of(each.event))]
    entries = [each.entry for each in folded if each.entry]
    facts += [(each.position, ClientFact(client_id=each.client_id, at=each.at)) for each in entries]
    await kpis.learn(connection, sorted(facts, key=itemgetter(0)))
    ended = [each.ended for each in folded if each.ended]
    over = {each.subject: each.at for each in reversed(ended) if each.final}
    await recordings.learn(connection, [each.visit for each in folded if each.visit], over)
    await feed.append(connection, entries, ended)
    turned |= {each.turned: each.record.client_id for each in folded if each.turned}
    turned |= {
        thing.project_id: thing.client_id for each, thing in things if is_restated(each.event) and thing.project_id
    }
    await feed.judge(connection, turned)
    await feed.ring(connection, {person for each in deliveries for person in rung(each.event)})


def consumer() -> Consumer:
    """The consumer of one process."""
    return Consumer("activity", every=keep, repeatable=True)
