"""The outbox: an event is a row of the transaction that made it true. No broker here."""

from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.actor import Actor
from shared.clock import now, uuid7
from shared.database import Db
from shared.errors import Invalid
from shared.events import MAX_EVENT_BYTES, Event, EventData, publisher_of, source_of
from shared.language import gettext as _
from shared.telemetry import current_traceparent

# The notification rides on the insert: one round trip, sent by the server only if the transaction commits.
_APPEND = text(
    "with added as (insert into outbox (id, client_id, subject, event) values (:id, :client_id, :subject, :event)"
    " returning 1) select pg_notify('outbox_' || current_schema(), '') from added"
)


class EventTooLarge(Invalid):
    """The event is too large. The request is invalid, and nothing is stored."""

    code = "event.too_large"

    def __init__(self) -> None:
        super().__init__(_("This is more than can be stored at once. Shorten it, or store it in parts."))


async def append(db: Db, actor: Actor, data: EventData, *, client_id: UUID | None, aggregate_id: UUID) -> UUID:
    """Queue `data` for publication with this transaction; returns the event's id.

    `client_id` is the tenant it belongs to, None for facts of the company alone. Raises `EventTooLarge`.
    """
    fact = Event[EventData](
        id=uuid7(),
        source=source_of(publisher_of(data.subject)),
        type=data.type,
        subject=aggregate_id,
        time=now(),
        data=data,
        clientid=client_id,
        actorid=actor.id,
        actorname=actor.name,
        actorkind="viewing" if actor.read_only else actor.kind,
        sessionid=actor.session_id,
        traceparent=current_traceparent(),
    )
    event = msgspec.json.encode(fact)
    if len(event) > MAX_EVENT_BYTES:
        raise EventTooLarge
    row = {
        "id": fact.id,
        "client_id": client_id,
        "subject": f"portal.{data.subject}",
        "event": event.decode(),
    }
    await db.execute(_APPEND, row)
    return fact.id
