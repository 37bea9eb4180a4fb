"""What the gateway has only so many of, and how much of it one caller may hold at a time (docs/decisions/0076)."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary

from gateway.problems import Refused
from shared.language import marked


class Shares:
    """Places for `total` at once, of which one caller takes `each` at most."""

    def __init__(self, total: int, each: int) -> None:
        self._left = total
        self._each = each
        self._held: dict[Hashable, int] = {}

    def take(self, caller: Hashable) -> None:
        """Take a place, to be given back. Raises `Refused`: 429 for who has its share, 503 where none is left."""
        held = self._held.get(caller, 0)
        if held >= self._each:
            detail = marked("Too much of yours is under way. Wait until some of it is done.")
            raise Refused(429, "gateway.too_many_at_once", detail, retry_after=1)
        if self._left <= 0:
            raise Refused(503, "gateway.busy", "Too much is going on. Try again in a moment.", retry_after=1)
        self._left -= 1
        self._held[caller] = held + 1

    def give_back(self, caller: Hashable) -> None:
        """The place is free again."""
        self._left += 1
        held = self._held[caller] - 1
        if held:
            self._held[caller] = held
        else:
            del self._held[caller]


class Turns:
    """What takes no time as a rule, so that callers wait for each other rather than being refused: `each` at a time for
    one caller.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._callers: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, caller: Hashable) -> asyncio.Semaphore:
        """To be held for one turn."""
        turns = self._callers.get(caller)
        if turns is None:
            self._callers[caller] = turns = asyncio.Semaphore(self._each)
        return turns
