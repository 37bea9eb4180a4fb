"""Writing down what recorded sessions ask for (docs/decisions/0053)."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared import outbox
from shared.actor import Actor
from shared.contracts.recordings import SessionVisited
from shared.database import Db
from shared.texts import TEXT

MOST = 100
"""Visits in one call; the gateway sends the others with its next one."""


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request, and who asked, as the gateway believed when it decided on it."""

    session_id: UUID
    person_id: UUID
    name: Annotated[str, Meta(max_length=300, pattern=TEXT)]
    by: Literal["staff", "client"]
    client_id: UUID
    read_only: bool
    method: Annotated[str, Meta(max_length=10, pattern=TEXT)]
    path: Annotated[str, Meta(max_length=500, pattern=TEXT)]
    kind: Literal["page", "action", "api", "refresh", "stream"]
    request_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]

    @property
    def actor(self) -> Actor:
        return Actor(
            id=self.person_id,
            name=self.name,
            kind=self.by,
            client_id=self.client_id,
            session_id=self.session_id,
            read_only=self.read_only,
        )


async def record(db: Db, visits: Sequence[Visit]) -> None:
    """Tell each visit, in order. Once this transaction is stored, they may be served."""
    for visit in visits:
        event = SessionVisited(method=visit.method, path=visit.path, kind=visit.kind, request_id=visit.request_id)
        await outbox.append(db, visit.actor, event, client_id=visit.client_id, aggregate_id=visit.session_id)
