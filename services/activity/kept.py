"""Answers kept in Redis, for five minutes, under the position of the last event they depend on.

The position comes from the database with every request, so a new fact makes a new key the moment it commits: nothing
has to be deleted, a slow computation cannot bring an old value back, and a Redis that was down missed nothing.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

import msgspec

from shared.cache import Cache, CacheAway

SECONDS = 300


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
