"""Background work: what a process does besides answering requests, kept running.

Work may end in any way: by an error that nobody expected, by a cancellation that a library left behind or lost, or by
returning. So every attempt is a task of its own, and nothing of one reaches the next. Only who keeps the work ends it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from prometheus_client import Counter

PAUSE_SECONDS = 0.5
SETTLED_SECONDS = 2.0
"""What ended less than this ago is not called working: it may be about to end again."""
FINISH_SECONDS = 5.0
INSIST_SECONDS = 0.5

ENDED = Counter("portal_background_ended_total", "Times that background work ended by itself", ["work"])

log = structlog.get_logger("background")


class Background:
    """The background work of one process, each piece under a name of its own."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def works(self) -> dict[str, bool]:
        """Each piece by name: whether it is running, did not end within the last seconds, and gets on."""
        return {name: kept.works for name, kept in self._kept.items()}

    @asynccontextmanager
    async def keep(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        well: Callable[[], bool] = lambda: True,
        finish: Callable[[], None] | None = None,
    ) -> AsyncGenerator[None]:
        """Run `work`, again and again should it end, for as long as the context is open.

        `well` says whether it gets on, where running is not enough. At the end `work` is cancelled; `finish` asks it to
        return instead, for which it has `FINISH_SECONDS`.
        """
        kept = self._kept[name] = _Kept(name, work, well)
        try:
            yield
        finally:
            ending = asyncio.create_task(kept.end(finish))
            while not ending.done():
                with suppress(asyncio.CancelledError):  # leaving half-way would leave the work running
                    await asyncio.wait([ending])
            del self._kept[name]


class _Kept:
    def __init__(self, name: str, work: Callable[[], Awaitable[None]], well: Callable[[], bool]) -> None:
        self._name = name
        self._work = work
        self._well = well
        self._ended_at = float("-inf")
        self._attempt = asyncio.create_task(self._try())
        self._keeper = asyncio.create_task(self._keep())

    @property
    def works(self) -> bool:
        return not self._attempt.done() and time.monotonic() - self._ended_at > SETTLED_SECONDS and self._well()

    async def _keep(self) -> None:
        """Nothing here can fail, and nobody else holds this task: what ends it is `end` alone."""
        while True:
            await asyncio.wait([self._attempt])
            self._ended_at = time.monotonic()
            await asyncio.sleep(PAUSE_SECONDS)
            self._attempt = asyncio.create_task(self._try())

    async def _try(self) -> None:
        try:
            await self._work()
        except BaseException as error:
            self._note(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._note(None)

    def _note(self, error: BaseException | None) -> None:
        """One that ends for the first time in a while says where; one that ends over and over only why."""
        if self._keeper.cancelled() or self._keeper.cancelling():
            return  # told to end
        ENDED.labels(self._name).inc()
        first = time.monotonic() - self._ended_at > 60 * SETTLED_SECONDS
        log.error("background.ended", work=self._name, error=repr(error), exc_info=error if first else None)

    async def end(self, finish: Callable[[], None] | None) -> None:
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        if finish:
            finish()
            await asyncio.wait([self._attempt], timeout=FINISH_SECONDS)
        for _ in range(10):
            # More than once: until Python 3.12 `asyncio.wait_for`, by which libraries wait, loses a cancellation that
            # comes together with what is waited for.
            if self._attempt.done():
                return
            self._attempt.cancel()
            await asyncio.wait([self._attempt], timeout=INSIST_SECONDS)
        log.error("background.does_not_end", work=self._name)
