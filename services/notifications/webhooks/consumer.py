"""What happens, queued for the webhooks that want it. The consumer goes on from the place of activity's (0118)."""

import asyncpg
import msgspec

from services.notifications.webhooks import queries, things
from shared.clock import now, uuid7
from shared.contracts import EVENTS
from shared.contracts.entries.entry import Entry, about_of
from shared.database import Db, driver
from shared.inbox import Consumer, Delivery

# Fields are named as columns are.
_FIELDS = ", ".join(Entry.__struct_fields__)
_QUEUE = f"""
with wanted as (
    insert into webhook_deliveries
        (id, client_id, webhook_id, type, event_id, position, tries, due_at, last_error, created_at)
    select id, client_id, webhook_id, type, event_id, position, 0, $2, '', $2
    from json_populate_recordset(null::webhook_deliveries, $1)
    on conflict (event_id, webhook_id) do nothing)
insert into webhook_entries ({_FIELDS}) select {_FIELDS} from json_populate_record(null::webhook_entries, $3)
on conflict do nothing
"""  # noqa: S608  (our own text)


async def queue(connection: asyncpg.Connection, entry: Entry) -> None:
    """Have an entry delivered to whom it concerns, once this transaction is through."""
    wanted = [
        {
            "id": uuid7(),
            "client_id": entry.client_id,
            "webhook_id": subscriber.id,
            "type": entry.type,
            "event_id": entry.id,
            "position": entry.position,
        }
        for subscriber in await queries.list_subscribers(connection)
        if subscriber.wants(entry)
    ]
    if wanted:
        deliveries, told = (msgspec.json.encode(each).decode() for each in (wanted, entry))
        await connection.execute(_QUEUE, deliveries, now(), told)


async def fold(db: Db, delivery: Delivery) -> None:
    """Learn what of the thing its client may see, then queue what the feed shows."""
    event, connection = delivery.event, await driver(db)
    if event.data.summary:
        await things.learn(connection, event)
    about = about_of(event, event.data)
    if about and (entry := Entry.of(event, delivery.position, event.data, about)):
        await queue(connection, entry)


def consumer() -> Consumer:
    """The consumer of one process. What it writes follows from the events alone, and waits for no disk (0052)."""
    kinds = [kind for kind in EVENTS.values() if kind.told or "summary" in kind.__struct_fields__]
    return Consumer("notifications-webhooks", dict.fromkeys(kinds, fold), repeatable=True)
