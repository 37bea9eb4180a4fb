"""What an event can mean here, beside its record in the audit log."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from services.activity.kpis.models import ClientFact
from shared.events import EventData, RawEvent


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry of the feed is about: a thing of this `kind`, in a project or of the client as a whole.

    `private`, `team_only` and `tells` are the entry's, except that what the project hides by now is not looked at yet.
    `turns`: with the event, entries of the project become the client's to see, or cease to be: `seen` where the client
    sees the project before or afterwards.
    """

    kind: str
    project_id: UUID | None
    private: bool
    team_only: bool = False
    tells: Collection[str] = ()
    turns: Literal["seen", "unseen"] | None = None


class End(msgspec.Struct, frozen=True):
    """Whose access ended (a session, a person, an api client, a client), and why; `final`: it never comes back."""

    subject: UUID
    reason: str
    final: bool = False


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """How an event is read, from its envelope and its data. A function may answer None: this one means no such thing.

    What is true of the events of a base class is true of those of its subclasses that have no meaning of their own.
    """

    about: Callable[[RawEvent, Any], About] | None = None
    ends: Callable[[RawEvent, Any], End | None] | None = None
    fact: Callable[[RawEvent, Any], ClientFact | None] | None = None
    keeps: Callable[[Any], bool] | None = None
    """Whether the thing itself is private after an event that says no more of it: it has no summary, as events of older
    versions have none.
    """
    is_visit: bool = False
    """Whether it is one request of a recorded session."""


Meanings = Mapping[type[EventData], Meaning]
