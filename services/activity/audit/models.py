"""The audit log's record, and who and what it points to.

A record carries ids only and is chained; names, addresses and browsers lie beside the chain and can be erased without
breaking it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from services.activity.overview.models import RESTATED
from shared.contracts import EVENTS

UNRECORDED = (RESTATED, *(kind.type for kind in EVENTS.values() if kind.audit == "none"))
"""How the types of events end that leave no record, in contracts that are newer than this as well: nothing happened."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which thing, when. `detail` is the event's own data as JSON, without a person's data."""

    client_id: UUID
    position: int
    event_id: UUID
    type: str
    subject: UUID
    actor_id: UUID | None
    actor_kind: str
    session_id: UUID | None
    trace_id: str
    at: datetime
    detail: str
    security: bool
    financial: bool


PERSONAL = ("ip", "user_agent")
"""Fields of event data that are a person's: kept beside the audit chain, never in it."""

BESIDE = (*PERSONAL, "summary")
"""The same for the summary of a thing, whose title is content: the overview has it, and forgets it with the thing."""


def without_person(data: object) -> object:
    """What the chain keeps of an event's data."""
    return {name: value for name, value in data.items() if name not in BESIDE} if isinstance(data, dict) else data


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """From where a session was opened or tried."""

    session_id: UUID
    client_id: UUID
    ip: str
    user_agent: str


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """The name behind an actor's id, as last heard."""

    id: UUID
    client_id: UUID
    name: str
