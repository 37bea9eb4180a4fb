"""What the entry of an event is about, and whether the client sees it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from shared.events import AnyEvent, EventData


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


Abouts = Mapping[type[EventData], Callable[[AnyEvent, Any], About]]
"""By kind, from an event and its data. What is said of a base holds for its subclasses that nothing is said of."""
