"""What the notifications service answers, as far as pages show it."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.answers import Person, Target


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """Something the reader is notified of (`GET notifications`); staff read of which client."""

    id: UUID
    type: str
    title: str
    description: str
    actor: Person
    target: Target
    at: datetime
    read: bool
    client_name: str | None = None


class Unread(msgspec.Struct, frozen=True):
    """How many they have not read (`GET notifications/unread`); `more` where there are more than are counted."""

    count: int
    more: bool
