"""Ends of access, which close open streams. What the feed is made of is `shared.contracts.entries`."""

from datetime import datetime
from uuid import UUID

import msgspec


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """Streams opened as `subject` (a session, a person, an api client, a client) must close; their readers connect
    again.

    `final`: the subject is a session or api client that never comes back. `client_id` is the person's; `COMPANY` for
    staff.
    """

    position: int
    client_id: UUID
    subject: UUID
    reason: str
    final: bool
    at: datetime
