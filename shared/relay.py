"""The relay: outbox rows to JetStream, in order, by one process at a time, marked only after the broker's ack.

It asks for rows that are not yet published and never for "ids greater than the last": transactions commit out of
order. Rows of one batch travel on one connection, so what the broker has stored is always a prefix of
what was sent, and a repeat after a crash is dropped by its message id.

The service's database knows the stream that the rows were published to, by its time of creation, and where in it each
row is. What the broker has lost is published again, in order: what was folded before, the inbox drops
(docs/decisions/0083).
"""

import asyncio
import time
from contextlib import suppress

import asyncpg
import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import StreamInfo
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError
from prometheus_client import Counter, Gauge
from sqlalchemy import text

from shared import dead_letters
from shared.broker import STREAM, StreamReplaced, is_another, released
from shared.database import BY_KEY, CONNECT_TIMEOUT, STATEMENT_TIMEOUT, Database, take_lock
from shared.events import MAX_EVENT_BYTES

BATCH = 256
POLL_SECONDS = 1.0
ACK_SECONDS = 5.0
PRUNE_SECONDS = 3600.0
BELIEVE_SECONDS = 0.1
"""How long after it was looked at the stream is taken to be the same one."""
NEARLY_FULL = 2 * BATCH * MAX_EVENT_BYTES
"""With less room than this events are published one by one: of many at once a full stream takes the smaller ones."""

_UNPUBLISHED = """
select seq, id || coalesce('.' || sequence, '') as id, subject, event from outbox
where published_at is null order by seq limit $1"""
_MARK = """
update outbox set published_at = now(), sequence = acked.sequence
from unnest($1::bigint[], $2::bigint[]) as acked (seq, sequence) where outbox.seq = acked.seq"""
_REMOVE = "delete from outbox where seq = $1"
_OLDEST = "select extract(epoch from clock_timestamp() - min(created_at)) from outbox where published_at is null"
_PUBLISHED_TO = "select created from outbox_stream"
_PUBLISH_TO = "insert into outbox_stream (created) values ($1) on conflict (one) do update set created = $1"
_NEWEST = """
select sequence, subject from outbox where published_at is not null and sequence is not null
order by published_at desc, sequence desc limit 1"""
# It keeps the sequence, which makes another message id: the broker may know the first one, and would drop a repeat.
_UNMARK = """
update outbox set published_at = null where seq in (
    select seq from outbox
    where published_at is not null and coalesce(sequence, 0) between $1 and $2 limit 10000)"""
_END = 2**63 - 1
_PRUNE = (
    "delete from outbox where seq in (select seq from outbox where published_at < now() - interval '7 days' limit 5000)"
)

PUBLISHED = Counter("portal_outbox_published_total", "Events handed to the broker", ["service"])
REFUSED = Counter("portal_outbox_refused_total", "Events set aside because the broker refused them", ["service"])
FAILED = Counter(
    "portal_outbox_failed_total", "Attempts to publish that the broker refused or did not answer", ["service"]
)
WAITING = Gauge("portal_outbox_waiting", "Rows read and not yet published in the relay's last look", ["service"])

_UNSENDABLE = (nats.errors.MaxPayloadError, nats.errors.BadSubjectError)
_MESSAGE_TOO_LARGE = 10054
MAX_SUBJECT = 256

log = structlog.get_logger("relay")


async def oldest_unpublished(database: Database) -> float:
    """Age in seconds of the oldest row of the outbox that the broker has not acknowledged; 0 without one."""
    async with database.delivering() as db:
        return float(await db.scalar(text(_OLDEST)) or 0)


class Relay:
    """Publishes one service's outbox. Any number may run; an advisory lock lets one work."""

    def __init__(self, service: str, database: Database, client: Client) -> None:
        self._service = service
        self._dsn = database.dsn
        self._role = database.relay_role
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream(timeout=ACK_SECONDS)
        self._answers = client.new_inbox()
        self._sent: dict[int, asyncio.Future[int]] = {}
        self._wake = asyncio.Event()
        self._reconnects = 0
        self._looked_at = float("-inf")
        self._prune_at = 0.0

    async def run(self) -> None:
        """Publish until something fails: to be run again then, the rows stay in the outbox meanwhile."""
        answers = await self._client.subscribe(f"{self._answers}.*", cb=self._hear)
        try:
            await self._lead()
        finally:
            if not self._client.is_closed:
                await answers.unsubscribe()

    async def _lead(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_TIMEOUT, command_timeout=STATEMENT_TIMEOUT)
        try:
            while not await take_lock(connection, f"relay:{self._service}"):
                await asyncio.sleep(POLL_SECONDS)
            await connection.add_listener(f"outbox_{self._service}", self._woken)
            # Not before the lock is taken: only the role that signed in may end a holder that is gone. A mark that a
            # crash takes is made again: the broker, or the inbox, knows the event by its id.
            await connection.execute(f"{BY_KEY}; set role {self._role}; set synchronous_commit = off")
            await self._meet_stream(connection)
            while True:
                self._wake.clear()
                while await self._publish_batch(connection) == self._at_once:
                    pass
                await self._prune(connection)
                await self._wait()
        finally:
            connection.terminate()

    async def _prune(self, connection: asyncpg.Connection) -> None:
        """A portion at a time: what is new need not wait."""
        if time.monotonic() >= self._prune_at and await connection.execute(_PRUNE) == "DELETE 0":
            self._prune_at = time.monotonic() + PRUNE_SECONDS

    def _woken(self, *_notification: object) -> None:
        self._wake.set()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()

    async def _meet_stream(self, connection: asyncpg.Connection) -> None:
        """What the stream has lost is unpublished: of another one, everything. It can be done in any number of goes."""
        self._reconnects = self._client.stats["reconnects"]
        stream = await self._jetstream.stream_info(STREAM)
        known = await connection.fetchval(_PUBLISHED_TO)
        lost = released(stream) + 1, stream.state.first_seq - 1
        if known and known != stream.created:
            lost = 0, _END
        elif known and await self._is_set_back(connection, stream):
            lost = lost[0], _END
        again = 0
        while count := int((await connection.execute(_UNMARK, *lost)).removeprefix("UPDATE ")):
            again += count
        if again:
            log.error("relay.events_lost", service=self._service, stream=str(stream.created), again=again)
        await connection.execute(_PUBLISH_TO, stream.created)
        self._see(stream)

    async def _is_set_back(self, connection: asyncpg.Connection, stream: StreamInfo) -> bool:
        """Whether the newest event told on its subject, on which nobody else tells, should be there and is not."""
        newest = await connection.fetchrow(_NEWEST)
        if not newest or newest["sequence"] < stream.state.first_seq:
            return False
        try:
            last = await self._jetstream.get_last_msg(STREAM, newest["subject"], direct=True)
        except NotFoundError:
            return True
        return (last.seq or 0) < newest["sequence"]

    def _see(self, stream: StreamInfo) -> None:
        self._stream, self._looked_at = stream, time.monotonic()
        self._at_once = BATCH if (stream.config.max_bytes or 0) - stream.state.bytes > NEARLY_FULL else 1

    async def _recognise_stream(self) -> None:
        """Raises where it is not as it was met: what is new must not get in before what has to be repeated."""
        if time.monotonic() - self._looked_at > BELIEVE_SECONDS:
            stream = await self._jetstream.stream_info(STREAM)
            purged = stream.state.first_seq > max(self._stream.state.first_seq, released(stream) + 1)
            if purged or is_another(stream, self._stream) or self._client.stats["reconnects"] != self._reconnects:
                raise StreamReplaced
            self._see(stream)

    async def _publish_batch(self, connection: asyncpg.Connection) -> int:
        """Publish what waits, at most one batch; returns how many rows there were. Raises if any was not acked."""
        await self._recognise_stream()
        rows = await connection.fetch(_UNPUBLISHED, self._at_once)
        rows = rows[: self._at_once]
        WAITING.labels(self._service).set(len(rows))
        if not rows:
            return 0
        if not self._client.is_connected:
            raise nats.errors.ConnectionReconnectingError
        self._sent = {}
        sent = [await self._publish(row) for row in rows]
        await asyncio.wait(sent, timeout=ACK_SECONDS)
        failures = [_failure(each) for each in sent]
        acked = [place for place, failure in enumerate(failures) if failure is None]
        places = [sent[place].result() for place in acked]
        await connection.execute(_MARK, [rows[place]["seq"] for place in acked], places)
        PUBLISHED.labels(self._service).inc(len(acked))
        FAILED.labels(self._service).inc(len(rows) - len(acked))
        for place, failure in enumerate(failures):
            if failure and _concerns_this_event_alone(failure, others_behind=place < max(acked, default=0)):
                await self._set_aside(connection, rows[place], failure)
            elif failure:
                raise failure
        return len(rows)

    async def _publish(self, row: asyncpg.Record) -> asyncio.Future[int]:
        body = row["event"].encode()
        answer = self._sent[row["seq"]] = asyncio.get_running_loop().create_future()
        try:
            if len(body) > MAX_EVENT_BYTES:  # a row from before `outbox.append` looked
                raise nats.errors.MaxPayloadError
            if len(row["subject"]) > MAX_SUBJECT:  # the broker would end the connection
                raise nats.errors.BadSubjectError
            await self._client.publish(
                row["subject"], body, reply=f"{self._answers}.{row['seq']}", headers={"Nats-Msg-Id": row["id"]}
            )
        except _UNSENDABLE as error:
            answer.set_exception(error)
        return answer

    async def _hear(self, message: Msg) -> None:
        """An answer of the broker. nats-py's own way to publish many at once forgets the answers that are refusals."""
        answer = self._sent.pop(int(message.subject.rpartition(".")[2]), None)
        if answer is None or answer.done():
            return
        if message.headers and message.headers.get("Status"):
            answer.set_exception(NoStreamResponseError())
        elif error := (told := msgspec.json.decode(message.data)).get("error"):
            answer.set_exception(APIError(**error))
        else:
            answer.set_result(told["seq"])

    async def _set_aside(self, connection: asyncpg.Connection, row: asyncpg.Record, error: BaseException) -> None:
        """What will never be published leaves the outbox, so that it is neither tried for ever nor taken for told."""
        reason, body = dead_letters.reason_of(error), row["event"].encode()
        async with connection.transaction():
            await connection.execute(_REMOVE, row["seq"])
            await dead_letters.set_aside(connection, dead_letters.RELAY, row["subject"], body, reason)
        REFUSED.labels(self._service).inc()
        log.error("relay.refused", service=self._service, event_id=row["id"], reason=reason)


def _failure(sent: "asyncio.Future[int]") -> BaseException | None:
    """What came of it; None when it is acknowledged. What was not answered in time is given up."""
    if sent.cancel() or sent.cancelled():
        return TimeoutError()
    return sent.exception()


def _concerns_this_event_alone(failure: BaseException, *, others_behind: bool) -> bool:
    """Whether the broker will never take this event, as opposed to taking none now.

    A full stream says so, and its events wait. Other refusals bring no answer (no stream has the subject, or the
    service lacks the right to publish on it). They differ from a broker that is away: the events sent after them were
    acknowledged.
    """
    if isinstance(failure, APIError):
        return failure.err_code == _MESSAGE_TOO_LARGE
    return others_behind or isinstance(failure, _UNSENDABLE)
