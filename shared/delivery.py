"""A service's traffic with the broker: one connection for relay and consumers, and the state of both."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

import nats.errors
from nats.aio.client import Client
from nats.js.api import StreamInfo
from prometheus_client import Gauge

from shared.background import Background
from shared.broker import StreamReplaced, connect, ensure_stream, is_another, watch
from shared.database import Database
from shared.inbox import Consumer
from shared.relay import Relay, oldest_unpublished
from shared.retention import Retention

LATE_SECONDS = 5.0
"""An event that waits longer to be published or processed makes the service not ready."""
STALE_SECONDS = 4.0
LOOKS = 600
CLOSE_SECONDS = 2

OLDEST = Gauge("portal_outbox_oldest_seconds", "Age of the oldest event that the broker has not taken", ["service"])
BEHIND = Gauge("portal_inbox_behind_seconds", "Time that the oldest event not folded has waited", ["consumer"])
STREAM_BYTES = Gauge("portal_stream_bytes", "What the stream holds")
STREAM_LIMIT = Gauge("portal_stream_limit_bytes", "What the stream may hold: beyond, publishing is refused")


class Traffic:
    """Of the service `name`, for one process of it. Who says how many `replicas` the streams have keeps them."""

    def __init__(
        self, name: str, database: Database, consumers: Sequence[Consumer], nats_url: str, replicas: int = 0
    ) -> None:
        self.client: Client | None = None
        self._name = name
        self._database = database
        self._consumers = consumers
        self._nats_url = nats_url
        self._replicas = replicas
        self._stream: StreamInfo | None = None
        self._seen_at = float("-inf")

    @property
    def works(self) -> bool:
        """Whether the broker is there, and its stream was a moment ago."""
        fresh = time.monotonic() - self._seen_at < STALE_SECONDS
        return fresh and self.client is not None and self.client.is_connected

    async def run(self, background: Background) -> None:
        """Connect, and keep relay and consumers running until connection or stream are lost: run it again then."""
        client = self.client = await connect(self._nats_url, self._name)
        self._stream = None
        self._waiting = {consumer.name: Waiting() for consumer in self._consumers}
        try:
            if self._replicas:
                await ensure_stream(client.jetstream(timeout=5), self._replicas)
            async with AsyncExitStack() as stack:
                works = {"relay": Relay(self._name, self._database, client).run}
                for consumer in self._consumers:
                    works[f"consumer {consumer.name}"] = partial(consumer.run, self._database, client)
                if self._replicas:
                    works["retention"] = partial(Retention().run, client)
                for name, work in works.items():
                    await stack.enter_async_context(background.keep(name, work))
                await watch(client, self._see)
        finally:
            with suppress(OSError, nats.errors.Error, TimeoutError):  # of a connection that is gone already
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.close()

    def _see(self, stream: StreamInfo) -> None:
        if self._stream and is_another(stream, self._stream):
            raise StreamReplaced(f"made at {stream.created}, the one before at {self._stream.created}")
        self._stream, self._seen_at = stream, time.monotonic()
        STREAM_BYTES.set(stream.state.bytes)
        STREAM_LIMIT.set(stream.config.max_bytes or 0)

    async def measure(self) -> None:
        """Keep the metrics up to date, also where nobody asks whether the service is ready."""
        while True:
            await self.look()
            await asyncio.sleep(1)

    async def look(self) -> dict[str, bool]:
        """Whether what was told in time is published and folded in time, by name. Raises what PostgreSQL raises."""
        async with asyncio.timeout(2):
            oldest = await oldest_unpublished(self._database)
        OLDEST.labels(self._name).set(oldest)
        on_time = {"outbox": oldest < LATE_SECONDS}
        with suppress(nats.errors.Error, TimeoutError, OSError):  # that the broker is away shows elsewhere
            for consumer in self._consumers:
                if self.works and self.client and self._stream:
                    last, waiting = self._stream.state.last_seq, self._waiting[consumer.name]
                    folded = last if waiting.is_over(last) else await consumer.folded(self.client, last)
                    behind = waiting.note(last, folded)
                    BEHIND.labels(consumer.name).set(behind)
                    on_time[f"inbox {consumer.name}"] = behind < LATE_SECONDS
        return on_time


class Waiting:
    """Since when the oldest event that is not folded has been waiting, from looks at both ends of one stream."""

    def __init__(self) -> None:
        self._folded = 0
        self._seen: deque[tuple[float, int]] = deque()

    def is_over(self, last: int) -> bool:
        """Whether a look found the stream folded up to `last`, which it then stays: nobody need be asked again."""
        return self._folded >= last

    def note(self, last: int, folded: int) -> float:
        """The stream ends with `last` and is folded up to `folded`: seconds that the event behind has waited, or 0."""
        self._folded = max(self._folded, folded)
        while self._seen and self._seen[0][1] <= self._folded:
            self._seen.popleft()
        grown = last > max(self._folded, self._seen[-1][1] if self._seen else 0)
        if grown and len(self._seen) < LOOKS:
            self._seen.append((time.monotonic(), last))
        return time.monotonic() - self._seen[0][0] if self._seen else 0.0
