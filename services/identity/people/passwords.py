"""Password hashes: Argon2id as OWASP recommends (19 MiB, 2 passes, 1 lane), in a few threads.

Bounded on purpose: a hash takes a core for about 20 ms, and a wave of sign-ins must neither starve everything else nor
take 19 MiB for each caller who waits. Passwords of nobody come after those that may be right (decision 0040).
"""

import asyncio
import os
import unicodedata
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from threading import get_native_id
from typing import Any, ClassVar, ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Gauge, Histogram

from services.identity.people.password_rules import require_strong
from services.identity.people.turns import Full, Line, Turns
from shared.errors import Unavailable
from shared.language import gettext as _

P = ParamSpec("P")
R = TypeVar("R")

NICENESS = 5
OWASP_MEMORY = 19 * 1024
"""KiB."""
WAITING = Gauge("identity_passwords_waiting", "Hashes asked for and not yet done")
SECONDS = Histogram(
    "identity_password_seconds", "From asking for a hash to having it", buckets=(0.02, 0.05, 0.1, 0.5, 2)
)


class TooBusy(Unavailable):
    """`counts`: as an attempt, although nobody could say whether the password was right."""

    code = "auth.too_busy"
    counts: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(_("Too many people are signing in at this moment. Try again in a few seconds."), retry_after=3)


class TooManyWrong(TooBusy):
    """What is wrong, or nobody's, waits in a line that is full: else a wave would make guessing free."""

    counts = True


class CallerGone(TooBusy):
    """Nobody waits for the answer any more."""

    counts = True


class Passwords:
    """Makes and checks hashes that take `memory` KiB each. `threads` work at once, at most `queue` more wait in each of
    two lines.
    """

    def __init__(self, threads: int, queue: int, memory: int = OWASP_MEMORY) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=memory, parallelism=1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2", initializer=_step_back)
        self._turns = Turns(threads, queue)
        self._nobodys = self._hasher.hash("nobody has this password")
        self.gone: Callable[[], Awaitable[object]] | None = None

    def asked_by(self, gone: Callable[[], Awaitable[object]]) -> "Passwords":
        """The same, in the same lines, for a caller who may leave: then `gone()` returns, and their place is free."""
        theirs = copy(self)
        theirs.gone = gone
        return theirs

    async def hash(self, password: str, *about: str, good: bool = True) -> str:
        """The hash of a new password; `about` the person: what it must not be made of. `good`: what came with it is, as
        far as one can see, so that it will be needed.

        Raises `PasswordTooEasy` and `TooBusy`.
        """
        require_strong(password, *about)
        line = self._turns.first if good else self._turns.after
        return await self._while_asked(self._work(line, self._hasher.hash, _one_spelling(password)))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password. Without a hash, the same work on nobody's, and False. Raises `TooBusy`.

        What is right is said at once. What is wrong is said when it would be of somebody who has no hash, so that the
        time tells as little as the answer.
        """
        return await self._while_asked(self._matches(password_hash, _one_spelling(password)))

    def close(self) -> None:
        """Drop what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _matches(self, password_hash: str | None, password: str) -> bool:
        if not password_hash:
            await self._work(self._turns.after, self._verify, self._nobodys, password)
            return False
        with self._turns.watch(self._turns.after) as turn:
            if await self._work(self._turns.first, self._verify, password_hash, password):
                return True
            if turn is None:
                raise TooManyWrong
            took = self._turns.pace
            await asyncio.sleep(await turn + took - asyncio.get_running_loop().time())
        return False

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, line: Line, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            with WAITING.track_inprogress():
                async with self._turns.place(line):
                    done = await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
                SECONDS.observe(loop.time() - asked)
                return done
        except Full as error:
            if line is self._turns.first:
                raise TooBusy from error
            await asyncio.sleep(self._turns.pace)  # as long as it takes to find out that a password is wrong
            raise TooManyWrong from error

    async def _while_asked(self, work: Coroutine[Any, Any, R]) -> R:
        if self.gone is None:
            return await work
        working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(self.gone())
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise CallerGone
            return working.result()
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.wait((working, leaving))


def _step_back() -> None:
    """Give way to everything else on the machine: on Linux a thread has a priority of its own (decision 0040)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


def _one_spelling(password: str) -> str:
    """Keyboards disagree on how an umlaut is made of code points (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
