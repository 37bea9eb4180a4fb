"""How often somebody may try: counted before anything is evaluated, by what no header can change.

Counters are sliding windows in Redis, so all processes count together. Without Redis each process counts alone, and
allows half. A success gives its own attempt back, and so does an outage, in which nobody learned anything. A refusal, a
crash or a caller who goes away does not.
"""

import time
from copy import copy
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Literal

import msgspec
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter

from services.identity.people.passwords import TooBusy
from shared.cache import Cache, CacheAway
from shared.database import out_of_reach
from shared.errors import TooMany, Unavailable
from shared.language import gettext as _

ALONE = 2
"""Without Redis a process allows this part of each limit."""
USUAL_OFFICE = 60
"""So many people behind one address the amounts below are made for; where there are more, an address has more."""
REFUSED = Counter("identity_attempts_refused_total", "Attempts refused unevaluated", ["limit"])


class TooManyAttempts(TooMany):
    code = "auth.too_many_attempts"

    def __init__(self, limit: "Limit", retry_after: int) -> None:
        super().__init__(_("Too many attempts. Wait a moment, then try again."), retry_after=retry_after)
        self.limit = limit


class Limit(msgspec.Struct, frozen=True):
    """At most `amount` attempts in `minutes` with the same address, account, or both."""

    name: str
    amount: int
    minutes: int
    by: tuple[Literal["ip", "account"], ...]
    for_good: bool = False
    """Bounds what each attempt leaves behind, so that an outage excuses nothing."""


# An attempt stops at the first limit that refuses, and no single address can spend all that an account has (15 of 20
# here). It takes several to lock somebody out, and then only from this method, until the window has passed.
PASSWORD = (
    Limit("password-ip", 30, 5, ("ip",)),
    Limit("password-account-ip", 5, 5, ("account", "ip")),
    Limit("password-account", 20, 15, ("account",)),
)
# An office asks for its links within a minute, before the first is used and gives its request back.
LINK = (
    Limit("link-ip", 120, 15, ("ip",)),
    Limit("link-account-ip", 6, 15, ("account", "ip")),
    Limit("link-account", 30, 60, ("account",)),
)
CHANGE = (*LINK, Limit("change-account", 5, 24 * 60, ("account",)))
"""Another address of one's own: the mail goes to whatever address is typed."""
FORGOT = (
    Limit("forgot-ip", 30, 15, ("ip",)),
    Limit("forgot-account-ip", 6, 15, ("account", "ip")),
    Limit("forgot-account", 30, 60, ("account",)),
)
REGISTER = (
    Limit("register-ip", 30, 15, ("ip",)),
    Limit("register-account-ip", 6, 15, ("account", "ip")),
    Limit("register-account", 30, 60, ("account",)),
)
REDEMPTION = (Limit("redeem-ip", 30, 5, ("ip",)),)
CEREMONY = (Limit("ceremony-ip", 60, 5, ("ip",), for_good=True),)
"""Beginnings of sign-ins with a passkey or at an identity provider: each leaves a row for a while."""
DOMAIN = (Limit("domain-ip", 120, 5, ("ip",)),)
"""Whether a domain has an organisation's own sign-in: twice for each that an address may begin."""
CODE = (
    Limit("code-account-ip", 10, 24 * 60, ("account", "ip")),
    Limit("code-account", 20, 24 * 60, ("account",)),
)
"""Six digits, 20 guesses a day: 1 in 50,000. The link in the mail is not affected."""
FACTOR = (
    Limit("factor-account-ip", 10, 24 * 60, ("account", "ip")),
    Limit("factor-account", 20, 24 * 60, ("account",)),
)
"""Three codes of an app are good at a time, so 1 in 17,000 a day, for somebody who has the first proof already."""
RECOVERY = (
    Limit("recovery-account-ip", 10, 60, ("account", "ip")),
    Limit("recovery-account", 30, 60, ("account",)),
)
"""Nobody guesses 120 bits; this limit only saves work. Wrong codes of an app do not count here."""

PAUSED = Limit("paused-account", 1, 24 * 60, ("account",))
"""How often it is published that attempts at an account are paused."""

TOKEN = (
    Limit("token-ip", 300, 5, ("ip",)),
    Limit("token-account-ip", 120, 5, ("account", "ip")),
    Limit("token-account", 300, 5, ("account",)),
)
"""Tokens for partner systems. Nobody guesses 256 bits: this is for those who ask for one with every request."""


class AttemptLimits:
    """Admits attempts, or refuses them unevaluated."""

    def __init__(self, cache: Cache, people_per_address: int = USUAL_OFFICE) -> None:
        self._cache, self._people = cache, people_per_address
        self._shared = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="attempts",
            connection_pool=cache.client.connection_pool,  # pyright: ignore[reportArgumentType]
        )
        self._together = SlidingWindowCounterRateLimiter(self._shared)
        self._own = MemoryStorage()
        self._alone = SlidingWindowCounterRateLimiter(self._own)
        self.counted: list[tuple[Limit, str]] = []
        """What was admitted in this request and not given back."""

    def of_one_request(self) -> "AttemptLimits":
        """The same counters, and by themselves the attempts of one request."""
        its = copy(self)
        its.counted = []
        return its

    async def admit(self, limits: tuple[Limit, ...], *, ip: str = "", account: str = "") -> None:
        """Count one attempt against each of the limits. Raises `TooManyAttempts` at the first that has no more."""
        for limit in limits:
            if not await self.count(limit, ip=ip, account=account):
                REFUSED.labels(limit.name).inc()
                raise TooManyAttempts(limit, await self._seconds_left(limit, _key(limit, ip, account)))

    async def count(self, limit: Limit, *, ip: str = "", account: str = "") -> bool:
        """Count one against a limit, if it has one more."""
        key = _key(limit, ip, account)
        if not await self._hit(limit, key, 1):
            return False
        self.counted.append((limit, key))
        return True

    async def give_back(self, limits: tuple[Limit, ...], *, ip: str = "", account: str = "") -> None:
        """An admitted attempt was a success: it does not count. `ip` is the address for which it was admitted, which
        for what took two requests is the one that began.
        """
        for limit in limits:
            await self._give_back(limit, _key(limit, ip, account))

    async def excuse(self, error: Exception) -> None:
        """Give back what this request was counted for, if it was an outage that refused it."""
        if not is_outage(error):
            return
        for limit, key in [*self.counted]:
            if not limit.for_good:
                await self._give_back(limit, key)

    async def _give_back(self, limit: Limit, key: str) -> None:
        if (limit, key) in self.counted:
            self.counted.remove((limit, key))
        await self._hit(limit, key, -1)
        if await self._used(limit, key) < 0:  # its window is over, and nobody gets more than a whole one
            await self._hit(limit, key, 1)

    def _item(self, limit: Limit, part: int = 1) -> RateLimitItemPerMinute:
        amount = limit.amount * self._people // USUAL_OFFICE if limit.by == ("ip",) else limit.amount
        return RateLimitItemPerMinute(max(1, amount // part), limit.minutes, namespace=limit.name)

    async def _used(self, limit: Limit, key: str) -> int:
        """What the window that runs has counted."""
        try:
            window = await self._cache.ask(lambda: self._shared.get_sliding_window(*_window(self._item(limit), key)))
        except CacheAway:
            window = await self._own.get_sliding_window(*_window(self._item(limit, ALONE), key))
        return window[2]

    async def _hit(self, limit: Limit, key: str, cost: int) -> bool:
        try:
            return await self._cache.ask(lambda: self._together.hit(self._item(limit), key, cost=cost))
        except CacheAway:
            return await self._alone.hit(self._item(limit, ALONE), key, cost=cost)

    async def _seconds_left(self, limit: Limit, key: str) -> int:
        try:
            stats = await self._cache.ask(lambda: self._together.get_window_stats(self._item(limit), key))
        except CacheAway:
            stats = await self._alone.get_window_stats(self._item(limit, ALONE), key)
        return max(1, ceil(stats.reset_time - time.time()))


def _window(item: RateLimitItemPerMinute, key: str) -> tuple[str, int]:
    """By what the storage knows it."""
    return item.key_for(key), item.get_expiry()


def is_outage(error: Exception) -> bool:
    """Whether the portal could not do its part, so that nobody knows whether an attempt was a good one."""
    return out_of_reach(error) or (isinstance(error, Unavailable) and not (isinstance(error, TooBusy) and error.counts))


def _key(limit: Limit, ip: str, account: str) -> str:
    """Addresses of people stay out of Redis."""
    parts = {"ip": network_of(ip), "account": sha256(account.encode()).hexdigest()[:32]}
    return "/".join(parts[part] for part in limit.by)


def network_of(ip: str) -> str:
    """What one caller can hardly change: the address, or the /64 an IPv6 customer owns."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    return str(ip_network((int(address), 64), strict=False)) if isinstance(address, IPv6Address) else ip
