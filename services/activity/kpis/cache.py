"""Figures kept in Redis, for five minutes, under the position of the last event they depend on.

The position comes from the database with every request, so a new fact makes a new key the moment it commits: nothing
has to be deleted, a slow computation cannot bring an old value back, and a Redis that was down missed nothing.
"""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import cast
from uuid import UUID

import msgspec

from services.activity.kpis import queries
from services.activity.kpis.definitions import Definition
from shared.actor import Actor
from shared.cache import Cache, CacheAway
from shared.database import ReadOnly
from shared.language import current

SECONDS = 300


class KpiCache:
    """Answers with the figures of a client, as JSON."""

    def __init__(self, redis_url: str, definitions: Sequence[Definition]) -> None:
        self._cache = Cache(redis_url)
        self._definitions = definitions

    async def answer(self, read: ReadOnly, actor: Actor, client_id: UUID, changed: int, today: date) -> bytes:
        """The figures as `actor` may see them. Who sees the same and reads the same language shares it."""
        key = f"kpis:{client_id}:{changed}:{today}:{current()}:{_visibility(actor)}"
        if kept := await self._get(key):
            return kept
        kpis, complete = await queries.compute(read, actor, client_id, self._definitions, today)
        answer = msgspec.json.encode(kpis)
        if complete:
            await self._set(key, answer)
        return answer

    async def _get(self, key: str) -> bytes | None:
        with suppress(CacheAway):  # then they are computed
            return await self._cache.ask(lambda: cast("Awaitable[bytes | None]", self._cache.client.get(key)))
        return None

    async def _set(self, key: str, answer: bytes) -> None:
        with suppress(CacheAway):
            await self._cache.ask(lambda: self._cache.client.set(key, answer, ex=SECONDS))

    async def close(self) -> None:
        await self._cache.close()


def _visibility(actor: Actor) -> str:
    readable = actor.readable_projects()
    if readable is None:
        return "all"
    return sha256(b"".join(sorted(project.bytes for project in readable))).hexdigest()[:32]
