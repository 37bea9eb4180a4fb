"""Comparing the audit log with what the services say they told: their outboxes, which keep each event for a week."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from services.activity.audit.models import UNRECORDED, Record, without_person
from services.activity.tenants import COMPANY
from shared.events import RawEvent

KEPT = timedelta(days=6)
"""For how long an outbox certainly keeps what was published: a day less than the relay's own limit."""
GRACE = timedelta(minutes=1)
"""For how long an event may be published and not in the log yet."""

_THESE = "select event from outbox where id = any($1)"
_PUBLISHED = (
    "select id, client_id, event ->> 'type' as type, published_at from outbox"
    " where published_at < $1 and event ->> 'type' !~ $2 order by seq"
)
_UNRECORDED = f"({'|'.join(UNRECORDED)})$"
_AT_A_TIME = 1000


class Missing(msgspec.Struct, frozen=True):
    """An event that was published and is not in the log."""

    client_id: UUID
    event_id: UUID
    type: str
    published_at: datetime


class Told:
    """What some services told; `outboxes` are connections whose path is a service's schema."""

    def __init__(self, outboxes: Sequence[asyncpg.Connection]) -> None:
        self._outboxes = outboxes
        self._found: set[UUID] = set()

    async def differences(self, records: Sequence[Record]) -> dict[UUID, str]:
        """What is wrong with these records, by event; '' stands for an event that no outbox has (any more)."""
        if not self._outboxes:
            return {}
        ids = [record.event_id for record in records]
        told: dict[UUID, RawEvent] = {}
        for outbox in self._outboxes:
            for row in await outbox.fetch(_THESE, ids):
                event = msgspec.json.decode(row["event"], type=RawEvent)
                told[event.id] = event
        wrong: dict[UUID, str] = {}
        for record in records:
            event = told.get(record.event_id)
            if event is None:
                wrong[record.event_id] = ""
            elif record.event_id in self._found:
                wrong[record.event_id] = "inserted: it was told once, and the log has it twice"
            elif not _same(record, event):
                wrong[record.event_id] = "changed: its service published something else"
            else:
                self._found.add(record.event_id)
        return wrong

    async def missing(self, before: datetime) -> list[Missing]:
        """What was published before that moment and not among the records compared."""
        missing: list[Missing] = []
        for outbox in self._outboxes:
            async with outbox.transaction(readonly=True):
                async for row in outbox.cursor(_PUBLISHED, before, _UNRECORDED, prefetch=_AT_A_TIME):
                    if row["id"] not in self._found:
                        client_id = row["client_id"] or COMPANY
                        missing.append(Missing(client_id, row["id"], row["type"], row["published_at"]))
        return missing


def _same(record: Record, event: RawEvent) -> bool:
    """Whether the record says what the event does: all of it but what is a person's."""
    envelope = (event.clientid or COMPANY, event.type, event.subject, event.actorid, event.actorkind, event.sessionid)
    kept = (record.client_id, record.type, record.subject, record.actor_id, record.actor_kind, record.session_id)
    if (*envelope, event.time) != (*kept, record.at):
        return False
    return without_person(msgspec.json.decode(event.data)) == msgspec.json.decode(record.detail)
