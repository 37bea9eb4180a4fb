"""Answers kept for five minutes under the position of the last event they depend on: a client's in Redis, for all
processes; one person's, of which there are as many as people look, in the process, and no more than fit.

The position comes from the database with every request, so a new fact makes a new key the moment it commits: nothing
has to be deleted, a slow computation cannot bring an old value back, and a Redis that was down missed nothing.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

import msgspec

from shared.cache import Cache, CacheAway

SECONDS = 300
ROOM = 16 * 2**20
"""Bytes of people's own answers: a thousand dashboards."""
BESIDE = 512
"""Bytes that an answer takes besides its body: its key, and its places in the tables."""


class Answer(msgspec.Struct, frozen=True):
    """A body as JSON. One that is not `whole`, since a part of it failed, is not kept."""

    body: bytes
    whole: bool = True


class Kept:
    """What was answered before, by keys that say all that an answer depends on."""

    def __init__(self, redis_url: str) -> None:
        self._cache = Cache(redis_url)

    async def answer(self, key: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What is kept under `key`, else what `make` makes."""
        if kept := await self._get(key):
            return Answer(kept)
        made = await make()
        if made.whole:
            await self._set(key, made.body)
        return made

    async def _get(self, key: str) -> bytes | None:
        with suppress(CacheAway):  # then it is made
            return await self._cache.ask(lambda: cast("Awaitable[bytes | None]", self._cache.client.get(key)))
        return None

    async def _set(self, key: str, body: bytes) -> None:
        with suppress(CacheAway):
            await self._cache.ask(lambda: self._cache.client.set(key, body, ex=SECONDS))

    async def close(self) -> None:
        await self._cache.close()


class Remembered:
    """What this process answered before, the last asked for of it, by keys that say all that an answer depends on."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._answers: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def answer(self, key: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What is remembered under `key`, else what `make` makes."""
        until, body = self._answers.get(key, (0.0, b""))
        if until > time.monotonic():
            self._answers.move_to_end(key)
            return Answer(body)
        made = await make()
        self._forget(key)
        if made.whole:
            self._answers[key] = time.monotonic() + SECONDS, made.body
            self._room -= len(made.body) + BESIDE
            while (first := next(iter(self._answers), None)) and (self._room < 0 or self._is_over(first)):
                self._forget(first)
        return made

    def _is_over(self, key: str) -> bool:
        return self._answers[key][0] <= time.monotonic()

    def _forget(self, key: str) -> None:
        if found := self._answers.pop(key, None):
            self._room += len(found[1]) + BESIDE
