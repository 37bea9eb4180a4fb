"""Password hashes: Argon2id as OWASP recommends (19 MiB, 2 passes, 1 lane), in a few threads.

Bounded on purpose: a hash takes a core for about 20 ms, and a wave of sign-ins must neither starve everything else nor
take 19 MiB for each caller who waits.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import get_native_id
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Gauge, Histogram

from services.identity.people.password_rules import require_strong
from shared.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

NICENESS = 5
WAITING = Gauge("identity_passwords_waiting", "Hashes asked for and not yet done")
SECONDS = Histogram(
    "identity_password_seconds", "From asking for a hash to having it", buckets=(0.02, 0.05, 0.1, 0.5, 2)
)


class TooBusy(Unavailable):
    code = "auth.too_busy"

    def __init__(self) -> None:
        super().__init__("Too many people are signing in at this moment. Try again in a few seconds.", retry_after=3)


class Passwords:
    """Makes and checks hashes. `threads` work at once, at most `queue` more wait."""

    def __init__(self, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2", initializer=_step_back)
        self._room = threads + queue
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str, *about: str) -> str:
        """The hash of a new password; `about` the person: what it must not be made of.

        Raises `PasswordTooEasy` and `TooBusy`.
        """
        require_strong(password, *about)
        return await self._work(self._hasher.hash, _one_spelling(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password. Without a hash, the same work on nobody's, and False. Raises `TooBusy`."""
        right = await self._work(self._verify, password_hash or self._nobodys, _one_spelling(password))
        return right and bool(password_hash)

    def close(self) -> None:
        """Drop what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self._room <= 0:
            raise TooBusy
        self._room -= 1
        try:
            with WAITING.track_inprogress(), SECONDS.time():
                return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._room += 1


def _step_back() -> None:
    """Give way to everything else on the machine: on Linux a thread has a priority of its own (decision 0040)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


def _one_spelling(password: str) -> str:
    """Keyboards disagree on how an umlaut is made of code points (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
