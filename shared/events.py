"""The envelope of a published fact: CloudEvents 1.0, structured JSON."""

from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

MAX_EVENT_BYTES = 255 * 1024
"""The largest event, encoded. The stream takes 1 KiB more, for the headers."""


Audit = Literal["change", "security", "financial", "read", "none"]


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of one event. Carries ids and facts about work, never a person's data.

    `type` is the published name; `subject` is `<service>.<aggregate>.<verb>.v<N>`, and `formerly` what it was while
    another service published it, under which it is still read (docs/decisions/0118). `audit` is what it is in the audit
    log (`none`: no record); where it is `told`, a client reads it in the feed. A subclass has these two of its base.
    """

    type: ClassVar[str]
    subject: ClassVar[str]
    formerly: ClassVar[str] = ""
    audit: ClassVar[Audit] = "change"
    told: ClassVar[bool] = False


class SecurityEvent(EventData, frozen=True):
    """A security event, or another one that changes who can sign in."""

    audit: ClassVar[Audit] = "security"


def publisher_of(subject: str) -> str:
    """The service an event belongs to, by its `subject` without the broker's `portal.`."""
    return subject.partition(".")[0]


def source_of(publisher: str) -> str:
    """The `source` of everything a service publishes."""
    return f"/services/{publisher}"


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
