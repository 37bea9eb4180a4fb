"""A service's traffic with the broker: one connection, and on it the relay and the consumers."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from nats.aio.client import Client

from shared.background import Background
from shared.broker import connect, ensure_streams, watch
from shared.database import Database
from shared.inbox import Consumer
from shared.relay import Relay


class Traffic:
    """Of the service `name`, for one process of it."""

    def __init__(
        self, name: str, database: Database, consumers: Sequence[Consumer], nats_url: str, *, replicas: int = 1
    ) -> None:
        self.client: Client | None = None
        self._name = name
        self._database = database
        self._consumers = consumers
        self._nats_url = nats_url
        self._replicas = replicas

    @property
    def connected(self) -> bool:
        """Whether the broker is there, by the connection's own account."""
        return self.client is not None and self.client.is_connected

    async def run(self, background: Background) -> None:
        """Connect, and keep relay and consumers running until the connection is of no more use: run it again then."""
        client = self.client = await connect(self._nats_url, self._name)
        try:
            await ensure_streams(client.jetstream(timeout=5), self._replicas)
            async with AsyncExitStack() as stack:
                works = {"relay": Relay(self._name, self._database, client).run}
                for consumer in self._consumers:
                    works[f"consumer {consumer.name}"] = partial(consumer.run, self._database, client)
                for name, work in works.items():
                    await stack.enter_async_context(background.keep(name, work))
                await watch(client)
        finally:
            with suppress(OSError):  # of a connection that is gone already
                await client.close()
