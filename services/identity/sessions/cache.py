"""What Redis holds about sessions.

The gateway writes a session's record with SET NX after asking us; we only ever overwrite. So whatever an older question
brings back too late finds the key taken: by the tombstone (the session ended) or by the mark that the record is old.
"""

from collections.abc import Sequence

import structlog

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
            await self._cache.ask(pipe.execute)
