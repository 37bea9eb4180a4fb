"""How long the portal's pages wait for the services under test.

People wait 150 ms for a widget. A busy machine takes longer now and then, and then a page lacks what a test looks for.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import aiohttp
import pytest

from services.portal import services

T = TypeVar("T")

LONG = 60.0
LATE = 4.0
"""Seconds that a widget takes which is to come too late for a page that is `hurried`."""


class Waiting:
    """Stands in for the module `asyncio` where pages wait for a widget: no deadline is shorter than `seconds`."""

    seconds = LONG

    async def wait_for(self, call: Awaitable[T], deadline: float | None) -> T:
        return await asyncio.wait_for(call, None if deadline is None else max(deadline, self.seconds))


class Patience:
    """What `wait` sets is how long each page waits for a widget from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waiting = Waiting()
        monkeypatch.setattr(services, "asyncio", self._waiting)
        for name in ("READING", "WRITING"):
            monkeypatch.setattr(services, name, aiohttp.ClientTimeout(total=LONG))

    def wait(self, seconds: float) -> None:
        self._waiting.seconds = seconds
