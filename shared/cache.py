"""Redis as everything here uses it: quick, and allowed to be away."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

T = TypeVar("T")

TIMEOUT = 0.25
PAUSE = 1.0
"""After a failure nobody waits for Redis for this long."""

log = structlog.get_logger("cache")


class CacheAway(ConnectionError):
    """Redis cannot be asked right now. To a consumer this is a lost connection: it tries again until it is back."""


class Cache:
    """A Redis client whose every failure is one error, `CacheAway`, and costs at most one time-out a second."""

    def __init__(self, url: str) -> None:
        # One try more than none: a connection that lay idle while Redis restarted is replaced without a word.
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
            driver_info=None,  # Redis 7.0 does not know the command that would tell it
        )
        self._away_until = 0.0
        self._quiet_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to `question`. Raises `CacheAway`.

        What Redis answers with a refusal, as one without memory does to writes, is followed by no pause: it is there,
        and reads and broadcasts go on.
        """
        if time.monotonic() < self._away_until:
            raise CacheAway
        try:
            return await question()
        except (RedisError, OSError, TimeoutError) as error:
            moment = time.monotonic()
            if not isinstance(error, ResponseError):
                self._away_until = moment + PAUSE
            if moment >= self._quiet_until:
                log.warning("cache.away", error=repr(error))
                self._quiet_until = moment + PAUSE
            raise CacheAway from error

    async def close(self) -> None:
        await self.client.aclose()
