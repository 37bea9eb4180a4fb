"""What an event can mean here, beside its record in the audit log."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from services.activity.kpis.models import ClientFact
from shared.events import EventData, RawEvent


class End(msgspec.Struct, frozen=True):
    """Whose access ended (a session, a person, an api client, a client), and why; `final`: it never comes back."""

    subject: UUID
    reason: str
    final: bool = False


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """How an event is read, from its envelope and its data. A function may answer None: this one means no such thing.

    What is true of the events of a base class is true of those of its subclasses that have no meaning of their own.
    """

    ends: Callable[[RawEvent, Any], End | None] | None = None
    fact: Callable[[RawEvent, Any], ClientFact | None] | None = None
    keeps: Callable[[Any], bool] | None = None
    """Whether the thing itself is private after an event that says no more of it: it has no summary, as events of older
    versions have none.
    """
    is_visit: bool = False
    """Whether it is one request of a recorded session."""


Meanings = Mapping[type[EventData], Meaning]
