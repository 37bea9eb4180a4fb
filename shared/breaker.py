"""A circuit breaker: after a few requests without an answer, no caller waits for that upstream until it answers again.

Only missing answers count: an upstream that refuses connections or answers with an error keeps no caller waiting.
"""

import asyncio

import aiohttp
import structlog
from prometheus_client import Gauge

SILENCES = 3
"""So many in a row, with no answer in between, open it."""
PROBE_SECONDS, PAUSE_SECONDS = 1, 0.5
"""How long a probe waits for an answer, and between two of them."""

OPEN = Gauge("breaker_open", "Upstreams that are not asked because they have gone silent.", ["upstream"])
log = structlog.get_logger("breaker")


class Breaker:
    """One upstream (`http://host:port`) as one process sees it.

    While `is_open`, do not ask. Meanwhile it is probed (`/healthz`), and any answer closes it.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._silences = 0
        self._probing: asyncio.Task[None] | None = None
        self.is_open = False

    def answered(self) -> None:
        """The upstream has answered something."""
        self._silences = 0

    def silent(self) -> None:
        """The upstream did not answer in time."""
        self._silences += 1
        if self._silences >= SILENCES and not self.is_open:
            self.is_open = True
            OPEN.labels(self._origin).set(1)
            log.warning("breaker.opened", upstream=self._origin)
            self._probing = asyncio.ensure_future(self._probe())

    async def _probe(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
        while self.is_open:
            try:
                async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{self._origin}/healthz"):
                    self.is_open = False
            except Exception:  # noqa: BLE001  (whatever it is: there was no answer)
                await asyncio.sleep(PAUSE_SECONDS)
        self._silences = 0
        OPEN.labels(self._origin).set(0)
        log.warning("breaker.closed", upstream=self._origin)
