"""Events of `services/notifications`. Golden JSON: tests/contracts."""

from typing import ClassVar
from uuid import UUID

from shared.events import Audit, EventData


class BellChanged(EventData, frozen=True):
    """What these people have not read is more or less than before: their open pages count again.

    The aggregate is the event they are notified of, or the person who read something.
    """

    type: ClassVar[str] = "bell_changed"
    subject: ClassVar[str] = "notifications.bell.changed.v1"
    audit: ClassVar[Audit] = "none"
    people: list[UUID]
