"""The one consumer: who there is, what may be seen, and who is notified of what happened."""

from collections.abc import Mapping

import asyncpg

from services.notifications import people, things
from services.notifications.bell import commands as bell
from services.notifications.bell.models import Happening
from services.notifications.rules import RULES
from shared.contracts import EVENTS
from shared.database import Db, driver
from shared.events import AnyEvent, EventData
from shared.inbox import Consumer, Delivery, Handler


async def fold(db: Db, delivery: Delivery) -> None:
    """Learn what the event says, then tell of it: so who is notified is who may see the thing as it is by then."""
    event = delivery.event
    connection = await driver(db)
    await _learn(connection, event)
    rule = RULES.get(type(event.data))
    if rule and rule.applies(event.data):
        await bell.tell(db, Happening.of(event, delivery.position), rule)


async def _learn(connection: asyncpg.Connection, event: AnyEvent) -> None:
    if type(event.data) in people.LEARNS:
        await people.learn(connection, event)
    if getattr(event.data, "summary", None):
        await things.learn(connection, event)


def handled() -> Mapping[type[EventData], Handler]:
    """What of all events concerns anybody here."""
    kinds = [
        kind
        for kind in EVENTS.values()
        if kind in people.LEARNS or kind in RULES or "summary" in kind.__struct_fields__
    ]
    return dict.fromkeys(kinds, fold)


def consumer() -> Consumer:
    """The consumer of one process."""
    return Consumer("notifications", handled())
