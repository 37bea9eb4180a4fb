"""The one consumer: who there is, what may be seen, and who is notified of what happened."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.notifications import people, things
from services.notifications.bell import commands as bell
from services.notifications.bell.models import Happening
from services.notifications.reminders import commands as reminders
from services.notifications.reminders.queries import find_reminded
from services.notifications.rules import ENDS, RULES
from shared.contracts import EVENTS
from shared.contracts.reminders import Reminder
from shared.database import Db, driver
from shared.events import AnyEvent, EventData
from shared.inbox import Consumer, Delivery, Handler


async def fold(db: Db, delivery: Delivery) -> None:
    """Learn what the event says, then tell of it: so who is notified is who may see the thing as it is by then."""
    event = delivery.event
    await _learn(db, event)
    rule = RULES.get(type(event.data))
    if rule is None or not rule.applies(event.data):
        return
    team: Sequence[UUID] = ()
    if isinstance(event.data, Reminder):
        due = await find_reminded(await driver(db), event)
        if due is None:
            return
        team = due.team
    await bell.tell(db, Happening.of(event, delivery.position), rule, team)


async def _learn(db: Db, event: AnyEvent) -> None:
    connection = await driver(db)
    if type(event.data) in people.LEARNS:
        await people.learn(connection, event)
    if getattr(event.data, "summary", None):
        await things.learn(connection, event)
        await reminders.learn(db, event)
    if type(event.data) in ENDS:
        await things.end(connection, event.clientid or people.COMPANY, event.subject)


def handled() -> Mapping[type[EventData], Handler]:
    """What of all events concerns anybody here."""
    kinds = [
        kind
        for kind in EVENTS.values()
        if kind in people.LEARNS or kind in RULES or kind in ENDS or "summary" in kind.__struct_fields__
    ]
    return dict.fromkeys(kinds, fold)


def consumer() -> Consumer:
    """The consumer of one process."""
    return Consumer("notifications", handled())
