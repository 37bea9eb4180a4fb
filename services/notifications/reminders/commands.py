"""Planning reminders, and publishing them when their moment has come."""

from collections.abc import Mapping, Sequence
from functools import partial

from services.notifications.reminders import queries
from services.notifications.reminders.models import STAGES, Stage, is_worth
from shared import outbox, schedule
from shared.actor import SYSTEM
from shared.clock import now
from shared.contracts.summary import Summary
from shared.database import Db, driver
from shared.events import AnyEvent
from shared.schedule import Deed, Moment

_LEARN = """
with before as (select due_on, closed from deadlines where client_id = $1 and id = $2),
     kept as (
        insert into deadlines (client_id, id, project_id, title, due_on, closed, version, team)
        values ($1, $2, $3, $4, $5, $6, $7, coalesce($8::uuid[], '{}'))
        on conflict (client_id, id) do update set project_id = excluded.project_id, title = excluded.title,
            due_on = excluded.due_on, closed = excluded.closed, version = excluded.version,
            team = coalesce($8, deadlines.team)
        where deadlines.version <= excluded.version
        returning due_on, closed)
select kept.due_on, kept.closed from kept left join before on true
where row(kept.due_on, kept.closed) is distinct from row(before.due_on, before.closed)
"""
_KINDS = {"project", *STAGES}


async def learn(db: Db, event: AnyEvent) -> None:
    """Keep when something is due, and plan its reminders again where that has changed.

    What lies before the event is not planned: who says today that something was due last week knows it.
    """
    told: Summary = event.data.summary
    if told.kind not in _KINDS or event.clientid is None:
        return
    changed = await (await driver(db)).fetchrow(
        _LEARN,
        event.clientid,
        event.subject,
        told.project_id,
        told.title,
        told.due_on,
        told.deleted or told.done_on is not None,
        told.version,
        getattr(event.data, "team", None),
    )
    if changed is None:
        return
    for stage in STAGES.get(told.kind, ()):
        moment = stage.moment(told.due_on) if told.due_on and not changed["closed"] else None
        if moment and moment > event.time:
            await schedule.plan(db, stage.kind.type, event.subject, moment, client_id=event.clientid)
        else:
            await schedule.cancel(db, stage.kind.type, event.subject)


async def remind(stages: Sequence[Stage], db: Db, moment: Moment) -> None:
    """Publish a reminder by the first of these stages, unless there is nothing left to be reminded of, or a later stage
    has come as well. Who is notified is computed when the event is folded, as for every other one.
    """
    due = await queries.find(await driver(db), moment.client_id, moment.key)
    if due and is_worth(stages, due.due_on, now()):
        reminder = stages[0].kind(
            project_id=due.project_id, project_name=due.project_name, name=due.title, due_on=due.due_on
        )
        await outbox.append(db, SYSTEM, reminder, client_id=moment.client_id, aggregate_id=moment.key)


DEEDS: Mapping[str, Deed] = {
    stage.kind.type: partial(remind, stages[place:]) for stages in STAGES.values() for place, stage in enumerate(stages)
}
"""A schedule for each kind of reminder, by the type of its event."""
