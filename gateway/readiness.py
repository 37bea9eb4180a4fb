"""Can this gateway serve? It needs somebody who knows the sessions: Redis or identity, either is enough.

Where Redis is there, revocations have to be heard as well.
"""

import asyncio
import time

from gateway.inquiries import Inquiries
from shared.background import Background
from shared.cache import Cache, CacheAway

REMEMBER_SECONDS = 1


class Readiness:
    """Asks both at most once a second, whoever asks here and however often."""

    def __init__(self, cache: Cache, identity: Inquiries, background: Background) -> None:
        self._background = background
        self._cache = cache
        self._identity = identity
        self._parts: dict[str, str] = {}
        self._ready = False
        self._until = 0.0

    async def check(self) -> tuple[bool, dict[str, str]]:
        """Whether it can serve, and each part as `ok` or `down`."""
        if time.monotonic() >= self._until:
            self._until = time.monotonic() + REMEMBER_SECONDS  # who asks meanwhile has the answer before
            sessions, identity = await asyncio.gather(self._reaches_cache(), self._identity.is_there())
            heard = all(self._background.works().values())
            self._ready = heard if sessions else identity
            self._parts = {"cache": _word(sessions), "identity": _word(identity), "revocations": _word(heard)}
            self._until = time.monotonic() + REMEMBER_SECONDS
        return self._ready, self._parts

    async def _reaches_cache(self) -> bool:
        try:
            await self._cache.ask(self._cache.client.ping)  # pyright: ignore[reportUnknownMemberType]
        except CacheAway:
            return False
        return True


def _word(reached: bool) -> str:
    return "ok" if reached else "down"
