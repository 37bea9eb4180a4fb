"""What Redis holds about sessions, and the one connection to it.

The gateway writes a session's record with SET NX after asking us; we only ever overwrite. So whatever an older question
brings back too late finds the key taken: by the tombstone (the session ended) or by the mark that the record is old.
"""

from collections.abc import Sequence

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT = 0.25
REVOKED_CHANNEL = "sessions:revoked"
TOMBSTONE = "revoked"
TOMBSTONE_SECONDS = 120
OLD = "old"
"""Not a record, so the gateway asks again, and finds the key taken when it wants to keep an answer of before."""
OLD_SECONDS = 15
"""Longer than any question to us can be under way."""

log = structlog.get_logger("identity.sessions")


class CacheAway(ConnectionError):
    """Redis cannot be reached. A lost connection to a consumer, which therefore tries again until it is back."""


def connect(url: str) -> redis.Redis:
    """A client that gives up after a quarter of a second; a connection that went stale is replaced without a word."""
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 1)
    )


class SessionCache:
    """Tells every gateway that sessions ended or changed."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    async def tell(self, *, ended: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        """Say it now, after the commit. What cannot be said now a consumer repeats (identity-sessions)."""
        try:
            await self.insist(ended=ended, changed=changed)
        except CacheAway as error:
            log.warning("sessions.cache_away", ended=len(ended), changed=len(changed), error=repr(error.__cause__))

    async def insist(self, *, ended: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        """Say it, or raise `CacheAway`. Harmless to repeat."""
        if not ended and not changed:
            return
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for value, seconds, hashes in ((TOMBSTONE, TOMBSTONE_SECONDS, ended), (OLD, OLD_SECONDS, changed)):
                    for each in hashes:
                        pipe.set(f"session:{each}", value, ex=seconds)
                        pipe.publish(REVOKED_CHANNEL, each)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise CacheAway from error
