"""What the words for an event are made of, in the feed and in the bell, and the words."""

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from shared.events import EventData


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an event: all that its words are made of, by the names it has in the event.

    `fields` are those that changed, without those that were hidden from the client then.
    """

    name: str = ""
    project_name: str = ""
    target_on: date | None = None
    old: str = ""
    new: str = ""
    fields: list[str] = []
    reason: str = ""
    host: str = ""
    due_on: date | None = None
    registered: bool = False
    minutes: int = 0
    ip: str = ""
    at: datetime | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The words for one type of event. What stands in braces is one of `shown`'s.

    `title` goes on where the name of who did it ends; `many` is the same, for several one after the other, of which
    there are `{count}`; without it each stands by itself. `occasion` names the type where people choose among types,
    and in recordings. `to_client` is the whole sentence by which the client's people are notified, where it is for them
    another thing, and `to_own` the one for the person whom it is about. `advice` is what a mail says beside it.
    """

    occasion: str
    title: str | Callable[[Facts], str]
    description: str = ""
    many: str = ""
    to_client: str = ""
    to_own: str = ""
    advice: str | Callable[[Facts], str] = ""


Lines = dict[type[EventData], Line]


def plain(name: str) -> str:
    """A name from a contract as a word."""
    return name.replace("_", " ")
