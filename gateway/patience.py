"""Time that passes for many at once: a timer of its own costs a request more than finding its session does."""

import asyncio
from typing import Protocol

SECONDS = 0.05
"""After which somebody looks whether the client is still there: most answers are quicker, and a task costs more."""


class Impatient(Protocol):
    """What takes too long, if it is still under way."""

    def lose_patience(self) -> None: ...


class Patience:
    """Tells what is still under way after `SECONDS`, or at most twice as many, that it takes long."""

    def __init__(self) -> None:
        self._since: dict[Impatient, float] = {}
        """In the order in which they began."""
        self._ticking = False

    def begin(self, loop: asyncio.AbstractEventLoop, one: Impatient, now: float) -> None:
        """From `now` on, by the clock of `loop`."""
        self._since[one] = now
        if not self._ticking:
            self._ticking = True
            loop.call_later(SECONDS, self._tick, loop)

    def end(self, one: Impatient) -> None:
        """It is over, or is watched by itself."""
        self._since.pop(one, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        late = [one for one, since in self._since.items() if now - since >= SECONDS]
        for one in late:
            del self._since[one]
            one.lose_patience()
        self._ticking = bool(self._since)
        if self._ticking:
            loop.call_later(SECONDS, self._tick, loop)
