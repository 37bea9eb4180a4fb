"""Limits on the requests of one peer. Counted in Redis for all gateways together, by sliding window.

Asking Redis for every request would cost more than forwarding it, so a peer's permits are fetched a few at a time and
spent here. Without Redis each process counts alone, and more strictly.
"""

import time
from collections.abc import Hashable
from typing import Any

import msgspec
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway.flights import SingleFlight
from gateway.problems import Refused
from shared.cache import Cache, CacheAway

PORTIONS = 50
"""A limit is fetched in this many portions: the most one gateway may hold back from the others is 2 %."""
ALONE = 2
"""Without Redis each process grants this part of the limit."""
REMEMBERED = 20_000
RETRY_AFTER = 5


class _Lease(msgspec.Struct):
    left: int
    until: float


class Limiter:
    """`per_minute` requests of one peer, under a `name` that keeps its counters apart from other limits'."""

    def __init__(self, name: str, per_minute: int, cache: Cache, redis_url: str) -> None:
        self._portion = max(1, per_minute // PORTIONS)
        self._item = RateLimitItemPerMinute(per_minute, namespace=name)
        self._item_alone = RateLimitItemPerMinute(max(1, per_minute // ALONE), namespace=name)
        self._cache = cache
        connections: Any = cache.client.connection_pool
        storage = RedisStorage(
            f"async+{redis_url}", implementation="redispy", key_prefix="limits", connection_pool=connections
        )
        self._together = SlidingWindowCounterRateLimiter(storage)
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._leases: dict[Hashable, _Lease] = {}
        self._flights = SingleFlight(self._fetch)

    async def admit(self, key: Hashable) -> None:
        """Spend one permit of whoever `key` stands for. Raises `Refused` (429) where there is none."""
        while not self.spend(key):
            if not await self._flights.join(key):
                raise Refused(429, "gateway.too_many_requests", "Too many requests.", retry_after=RETRY_AFTER)

    def give_back(self, key: Hashable) -> None:
        """A permit was spent on something that was good. With its portion's minute it is gone."""
        if lease := self._leases.get(key):
            lease.left += 1

    def spend(self, key: Hashable) -> bool:
        """Spend a permit that is here. False where `admit` has to ask for more."""
        lease = self._leases.get(key)
        if lease is None or lease.left <= 0 or lease.until < time.monotonic():
            return False
        lease.left -= 1
        return True

    async def _fetch(self, key: Hashable) -> bool:
        """Fetch the next portion. False where the window has none left."""
        try:
            granted = await self._cache.ask(lambda: self._together.hit(self._item, str(key), cost=self._portion))
        except CacheAway:
            granted = await self._alone.hit(self._item_alone, str(key), cost=self._portion)
        if granted:
            if len(self._leases) >= REMEMBERED:
                self._leases.clear()
            self._leases[key] = _Lease(self._portion, time.monotonic() + 60)
        return granted
