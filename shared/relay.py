"""The relay: outbox rows to JetStream, in order, by one process at a time, marked only after the broker's ack.

It asks for rows that are not yet published and never for "ids greater than the last": transactions commit out of
order (reliability: E3). Rows of one batch travel on one connection, so what the broker has stored is always a prefix of
what was sent, and a repeat after a crash is dropped by its message id.
"""

import asyncio

import asyncpg
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from prometheus_client import Counter, Gauge

from shared.database import CONNECT_TIMEOUT, Database

BATCH = 256
POLL_SECONDS = 1.0
ACK_SECONDS = 5.0

_UNPUBLISHED = "select seq, id::text, subject, event from outbox where published_at is null order by seq limit $1"
_MARK = "update outbox set published_at = now() where seq = any($1::bigint[])"
_PRUNE = "delete from outbox where published_at < now() - interval '7 days'"

PUBLISHED = Counter("portal_outbox_published_total", "Events handed to the broker", ["service"])
WAITING = Gauge("portal_outbox_waiting", "Rows read and not yet published in the relay's last look", ["service"])


class Relay:
    """Publishes one service's outbox. Any number may run; an advisory lock lets one work."""

    def __init__(self, service: str, database: Database, client: Client) -> None:
        self._service = service
        self._dsn = database.dsn
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream(timeout=ACK_SECONDS)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish until something fails: to be run again then, the rows stay in the outbox meanwhile."""
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_TIMEOUT)
        try:
            while not await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", self._lock):
                await asyncio.sleep(POLL_SECONDS)
            await connection.add_listener(f"outbox_{self._service}", self._woken)
            # A mark that a crash takes is made again: the broker, or the inbox, knows the event by its id.
            await connection.execute("set synchronous_commit = off")
            await connection.execute(_PRUNE)
            while True:
                self._wake.clear()
                while await self._publish_batch(connection) == BATCH:
                    pass
                await self._wait()
        finally:
            connection.terminate()

    @property
    def _lock(self) -> str:
        return f"relay:{self._service}"

    def _woken(self, *_notification: object) -> None:
        self._wake.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _publish_batch(self, connection: asyncpg.Connection) -> int:
        """Publish what waits, at most one batch; returns how many rows there were. Raises if any was not acked."""
        rows = await connection.fetch(_UNPUBLISHED, BATCH)
        WAITING.labels(self._service).set(len(rows))
        if not rows:
            return 0
        if not self._client.is_connected:
            raise nats.errors.ConnectionReconnectingError
        futures = [
            await self._jetstream.publish_async(
                row["subject"], row["event"].encode(), headers={"Nats-Msg-Id": row["id"]}
            )
            for row in rows
        ]
        async with asyncio.timeout(ACK_SECONDS):
            answers = await asyncio.gather(*futures, return_exceptions=True)
        acked = [row["seq"] for row, answer in zip(rows, answers, strict=True) if not isinstance(answer, BaseException)]
        await connection.execute(_MARK, acked)
        PUBLISHED.labels(self._service).inc(len(acked))
        failed = next((answer for answer in answers if isinstance(answer, BaseException)), None)
        if failed is not None:
            raise failed
        return len(rows)
