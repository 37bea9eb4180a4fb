"""What Redis holds about sessions.

The gateway writes a session's record with SET NX after asking us; we only ever overwrite. So whatever an older question
brings back too late finds the key taken: by the tombstone (the session ended) or by the mark that the record is old.
"""

from collections.abc import Sequence
from contextlib import suppress

import structlog
from redis.exceptions import ResponseError

from shared.cache import Cache, CacheAway

REVOKED_CHANNEL = "sessions:revoked"
TOMBSTONE = "revoked"
TOMBSTONE_SECONDS = 120
OLD = "old"
"""Not a record, so the gateway asks again, and finds the key taken when it wants to keep an answer of before."""
OLD_SECONDS = 15
"""Longer than any question to us can be under way."""

log = structlog.get_logger("identity.sessions")


class SessionCache:
    """Tells every gateway that sessions ended or changed."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def tell(self, *, ended: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        """Say it now, after the commit. What cannot be said now a consumer repeats (identity-sessions)."""
        try:
            await self.insist(ended=ended, changed=changed)
        except CacheAway:
            log.warning("sessions.told_later", ended=len(ended), changed=len(changed))

    async def insist(self, *, ended: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        """Say it, or raise `CacheAway`. Harmless to repeat."""
        if not ended and not changed:
            return
        async with self._cache.client.pipeline(transaction=False) as pipe:
            for value, seconds, hashes in ((TOMBSTONE, TOMBSTONE_SECONDS, ended), (OLD, OLD_SECONDS, changed)):
                for each in hashes:
                    pipe.set(f"session:{each}", value, ex=seconds)
                    pipe.publish(REVOKED_CHANNEL, each)
            try:
                await self._cache.ask(pipe.execute)
            except CacheAway as away:
                if isinstance(away.__cause__, ResponseError):  # without memory it takes nothing, but lets go
                    await self._forget([*ended, *changed])
                raise

    async def _forget(self, hashes: Sequence[str]) -> None:
        """Leave no record that a gateway which was not there for the broadcast would believe: it asks us instead."""
        with suppress(CacheAway):
            await self._cache.ask(lambda: self._cache.client.delete(*(f"session:{each}" for each in hashes)))
