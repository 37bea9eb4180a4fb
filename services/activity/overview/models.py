"""One row per thing, of whatever kind and service: what its events last said of it (`shared.contracts.summary`)."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import msgspec

from shared.contracts.summary import Summary
from shared.events import AnyEvent

RESTATED = "_restated"
"""How the types of events end that publish a thing again: nothing happened, so they are kept here and nowhere else."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `publisher` is the service that owns the thing; `at` is when something happened to it last.

    Without `reader_roles` and `reader_people` everybody of its project may read it; without `turn_side` it waits for
    nobody.
    """

    client_id: UUID
    id: UUID
    publisher: str
    kind: str
    title: str
    number: str | None
    status: str
    project_id: UUID | None
    amount: Decimal | None
    unit: str | None
    starts_on: date | None
    due_on: date | None
    done_on: date | None
    made_on: date
    marks: list[str]
    private: bool
    reader_roles: list[str] | None
    reader_people: list[UUID] | None
    turn_side: str | None
    turn_since: datetime | None
    turn_roles: list[str] | None
    turn_people: list[UUID] | None
    hides: list[str]
    hidden_by: dict[str, str]
    deleted: bool
    version: int
    at: datetime


class Bare(msgspec.Struct, frozen=True, kw_only=True):
    """What an event without a summary says of a thing: whether it is private, and what it hides (None: as before)."""

    client_id: UUID
    id: UUID
    publisher: str
    private: bool
    hides: list[str] | None
    version: int


class _Data(msgspec.Struct, frozen=True):
    summary: Summary | None = None


_decode = msgspec.json.Decoder(_Data).decode


def is_restated(event: AnyEvent) -> bool:
    """Whether the event publishes a thing again."""
    return event.type.endswith(RESTATED)


def known_by(event: AnyEvent, thing: Thing) -> datetime:
    """When the thing was there, and so its client. Published again it says on which day it was made, and no time:
    nothing before the end of that day may be concluded from it.
    """
    return min(event.time, datetime.combine(thing.made_on, time.max, UTC)) if is_restated(event) else event.time


def publisher(event: AnyEvent) -> str:
    """The service that published it."""
    return event.source.rpartition("/")[2]


def thing_of(event: AnyEvent) -> Thing | None:
    """The thing an event (with undecoded data) is about, as it says. None where it has no summary.

    Raises `msgspec.ValidationError` if the summary is none.
    """
    told = _decode(event.data).summary
    if told is None or event.clientid is None:
        return None
    readers, turn = told.readers, told.turn
    return Thing(
        client_id=event.clientid,
        id=event.subject,
        publisher=publisher(event),
        kind=told.kind,
        title="" if told.deleted else told.title,
        number=None if told.deleted else told.number,
        status=told.status,
        project_id=told.project_id,
        amount=told.amount,
        unit=told.unit,
        starts_on=told.starts_on,
        due_on=told.due_on,
        done_on=told.done_on,
        made_on=told.made_on,
        marks=told.marks,
        private=told.private,
        reader_roles=readers and readers.roles,
        reader_people=readers and readers.people,
        turn_side=turn and turn.side,
        turn_since=turn and turn.since,
        turn_roles=turn and turn.roles,
        turn_people=turn and turn.people,
        hides=told.hides,
        hidden_by=told.hidden_by,
        deleted=told.deleted,
        version=told.version,
        at=datetime.combine(told.made_on, time(), UTC) if is_restated(event) else event.time,
    )
