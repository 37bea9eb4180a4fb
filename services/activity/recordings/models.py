"""What is kept of a recorded session beside the audit log, which is the recording itself."""

from datetime import datetime
from uuid import UUID

import msgspec


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a recorded session. `position` is its place in the order of all events."""

    client_id: UUID
    session_id: UUID
    position: int
    actor_id: UUID | None
    actor_kind: str
    at: datetime
