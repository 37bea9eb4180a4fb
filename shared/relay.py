"""The relay: outbox rows to JetStream, in order, by one process at a time, marked only after the broker's ack.

It asks for rows that are not yet published and never for "ids greater than the last": transactions commit out of
order (reliability: E3). Rows of one batch travel on one connection, so what the broker has stored is always a prefix of
what was sent, and a repeat after a crash is dropped by its message id.
"""

import asyncio

import asyncpg
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import PubAck
from nats.js.errors import APIError
from prometheus_client import Counter, Gauge

from shared import dead_letters
from shared.database import CONNECT_TIMEOUT, Database
from shared.events import MAX_EVENT_BYTES

BATCH = 256
POLL_SECONDS = 1.0
ACK_SECONDS = 5.0

_UNPUBLISHED = "select seq, id::text, subject, event from outbox where published_at is null order by seq limit $1"
_MARK = "update outbox set published_at = now() where seq = any($1::bigint[])"
_REMOVE = "delete from outbox where seq = $1"
_PRUNE = "delete from outbox where published_at < now() - interval '7 days'"

PUBLISHED = Counter("portal_outbox_published_total", "Events handed to the broker", ["service"])
REFUSED = Counter("portal_outbox_refused_total", "Events set aside because the broker refused them", ["service"])
WAITING = Gauge("portal_outbox_waiting", "Rows read and not yet published in the relay's last look", ["service"])

_UNSENDABLE = (nats.errors.MaxPayloadError, nats.errors.BadSubjectError)
_MESSAGE_TOO_LARGE = 10054

log = structlog.get_logger("relay")


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
        sent = [await self._publish(row) for row in rows]
        await asyncio.wait(sent, timeout=ACK_SECONDS)
        failures = [_failure(each) for each in sent]
        acked = [place for place, failure in enumerate(failures) if failure is None]
        await connection.execute(_MARK, [rows[place]["seq"] for place in acked])
        PUBLISHED.labels(self._service).inc(len(acked))
        for place, failure in enumerate(failures):
            if failure and _concerns_this_event_alone(failure, others_behind=place < max(acked, default=0)):
                await self._set_aside(connection, rows[place], failure)
            elif failure:
                raise failure
        return len(rows)

    async def _publish(self, row: asyncpg.Record) -> asyncio.Future[PubAck]:
        body = row["event"].encode()
        try:
            if len(body) > MAX_EVENT_BYTES:  # a row from before `outbox.append` looked
                raise nats.errors.MaxPayloadError
            return await self._jetstream.publish_async(row["subject"], body, headers={"Nats-Msg-Id": row["id"]})
        except _UNSENDABLE as error:
            refused: asyncio.Future[PubAck] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    async def _set_aside(self, connection: asyncpg.Connection, row: asyncpg.Record, error: BaseException) -> None:
        """What will never be published leaves the outbox, so that it is neither tried for ever nor taken for told."""
        reason, body = repr(error), row["event"].encode()
        async with connection.transaction():
            await connection.execute(_REMOVE, row["seq"])
            await dead_letters.set_aside(connection, dead_letters.RELAY, row["subject"], body, reason)
        REFUSED.labels(self._service).inc()
        log.error("relay.refused", service=self._service, event_id=row["id"], reason=reason)


def _failure(sent: "asyncio.Future[PubAck]") -> BaseException | None:
    """What came of it; None when it is acknowledged. What was not answered in time is given up."""
    if sent.cancel() or sent.cancelled():
        return TimeoutError()
    return sent.exception()


def _concerns_this_event_alone(failure: BaseException, *, others_behind: bool) -> bool:
    """Whether the broker will never take this event, as opposed to taking none now.

    A full stream says so, and its events wait. What brings no such answer (no stream has the subject, the service may
    not publish on it) is told from a broker that is away by the events sent behind it, which were acknowledged.
    """
    if isinstance(failure, APIError):
        return failure.err_code == _MESSAGE_TOO_LARGE
    return others_behind or isinstance(failure, _UNSENDABLE)
