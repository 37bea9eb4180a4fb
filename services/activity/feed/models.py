"""What the feed is made of: entries a client reads, and the ends of access that close open streams."""

from datetime import datetime
from uuid import UUID

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the feed. `position` is its place in the order of all events; `facts` are what it is put into words
    from, as JSON (`words.lines.Facts`).

    Without a `project_id` it concerns the client as a whole. The client is not told while what it is about is
    `private`, or while its project hides all that it `tells`, which both change, nor where it is `team_only`: what
    changed was hidden from it then. `turns`: with it the client sees more or less than before.
    """

    position: int
    client_id: UUID
    id: UUID
    type: str
    facts: msgspec.Raw
    actor_id: UUID | None
    actor_name: str
    project_id: UUID | None
    target_type: str
    target_id: UUID
    at: datetime
    private: bool = False
    team_only: bool = False
    tells: list[str] = []
    turns: bool = False


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
