"""An event as the feed shows it and webhooks send it. A service that publishes such has its line in `ABOUT`."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from shared.contracts.entries import projects
from shared.contracts.entries.about import About, Abouts
from shared.contracts.words.telling import keep
from shared.events import AnyEvent, EventData

ABOUT: Abouts = {**projects.ABOUT}


@cache
def _reads(kind: type[EventData]) -> Callable[[AnyEvent, Any], About] | None:
    return next((ABOUT[each] for each in kind.__mro__ if each in ABOUT), None) if kind.told else None


def about_of(event: AnyEvent, data: EventData | None) -> About | None:
    """What the entry of an event with this data is about; None of what is not told."""
    read = _reads(type(data)) if data else None
    return read(event, data) if read else None


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

    @classmethod
    def of(cls, event: AnyEvent, position: int, data: EventData, about: About) -> "Entry | None":
        """The entry of an event; None where it concerns no client."""
        if event.clientid is None:
            return None
        hidden = getattr(data, "hidden_fields", None) or ()
        tells = set(about.tells)
        return cls(
            position=position,
            client_id=event.clientid,
            id=event.id,
            type=event.type,
            facts=keep(data),
            actor_id=event.actorid,
            actor_name=event.actorname,
            project_id=about.project_id,
            target_type=about.kind,
            target_id=event.subject,
            at=event.time,
            private=about.private or (bool(tells) and tells <= set(hidden)),
            tells=sorted(tells),
            team_only=about.team_only,
            turns=about.turns == "seen",
        )
