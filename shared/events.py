"""The envelope of a published fact: CloudEvents 1.0, structured JSON."""

from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

MAX_EVENT_BYTES = 255 * 1024
"""The largest event, encoded. The stream takes 1 KiB more, for the headers."""


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of one event. Carries ids and facts about work, never a person's data.

    `type` is the published name (seed 000); `subject` is `<service>.<aggregate>.<verb>.v<N>`.
    """

    type: ClassVar[str]
    subject: ClassVar[str]


D = TypeVar("D")


class Event(msgspec.Struct, Generic[D], frozen=True, kw_only=True, omit_defaults=False):
    """One event as it travels. `subject` is the aggregate's id; `clientid` is None for facts of the company itself."""

    id: UUID
    source: str
    type: str
    subject: UUID
    time: datetime
    data: D
    clientid: UUID | None = None
    actorid: UUID | None = None
    actorname: str = ""
    actorkind: str = "system"
    sessionid: UUID | None = None
    traceparent: str = ""
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


AnyEvent = Event[Any]
RawEvent = Event[msgspec.Raw]
"""Undecoded data: what a consumer reads before it knows the type."""
