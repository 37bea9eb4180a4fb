"""A clock that a test moves, for the module under test alone.

The event loop asks `time.monotonic` as well, and with it the services that run beside a test in the same process: were
that function replaced, whatever they wait for would be over at once, and last minutes once it is put back.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from shared import clock


class Clock:
    """Stands in for the module `time`, `ahead` seconds later."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def clock_of(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> Clock:
    """One clock that these modules see as theirs until the test ends."""
    moved = Clock()
    for module in modules:
        monkeypatch.setattr(module, "time", moved)
    return moved


HOUR, DAY = 3600, 24 * 3600


def let_none_end(period: int, seconds: float = 90) -> None:
    """Wait until the hour or the day (UTC) that ends within `seconds` has ended: with it a greeting, a figure of the month
    or a day's name may change between two looks at a page.
    """
    left = period - time.time() % period
    time.sleep(left + 1 if left < seconds else 0)


@contextmanager
def living_ahead(by: str) -> Iterator[None]:
    """Have this process be one with `PORTAL_CLOCK_OFFSET`."""
    clock.run_ahead(by)
    try:
        yield
    finally:
        clock.run_ahead("")
