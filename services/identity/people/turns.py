"""Who does dear work next: a few at once, and those whose work may come to something before those whose cannot."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple


class Full(Exception):
    """More wait in this line than there is room for."""


class _Waiting(NamedTuple):
    turn: "asyncio.Future[float]"
    """Resolved with the moment at which it comes."""
    works: bool


Line = deque[_Waiting]


class Turns:
    """`places` work at once. In each of two lines at most `room` wait; who is in `first` goes before all of `after`."""

    def __init__(self, places: int, room: int) -> None:
        self._free = places
        self._room = room
        self.first = Line()
        self.after = Line()
        self.pace = 0.0
        """Seconds that the work done last has taken, without waiting for its turn."""

    @asynccontextmanager
    async def place(self, line: Line) -> AsyncGenerator[None]:
        """Work when one's turn in `line` comes. Raises `Full`. Whoever is cancelled makes room at once."""
        if not self._take():
            turn = self._join(line, works=True)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():
                    self._pass_on()
                raise
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self.pace = asyncio.get_running_loop().time() - began
            self._pass_on()

    @contextmanager
    def watch(self, line: Line) -> Generator["asyncio.Future[float] | None"]:
        """The moment at which somebody who came now would have their turn in `line`; None where it is full. Takes no
        place, and leaves the line at the end.
        """
        if self._free:
            turn = asyncio.get_running_loop().create_future()
            turn.set_result(asyncio.get_running_loop().time())
        else:
            try:
                turn = self._join(line, works=False)
            except Full:
                turn = None
        try:
            yield turn
        finally:
            if turn:
                turn.cancel()

    def _take(self) -> bool:
        taken = self._free > 0
        self._free -= taken
        return taken

    def _join(self, line: Line, *, works: bool) -> "asyncio.Future[float]":
        if sum(not waiting.turn.cancelled() for waiting in line) >= self._room:
            raise Full
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        line.append(_Waiting(turn, works))
        return turn

    def _pass_on(self) -> None:
        now = asyncio.get_running_loop().time()
        for line in (self.first, self.after):
            while line:
                waiting = line.popleft()
                if waiting.turn.cancelled():
                    continue
                waiting.turn.set_result(now)
                if waiting.works:
                    return
        self._free += 1
