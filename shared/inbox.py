"""The inbox: a durable consumer that folds each event once, in stream order, one process at a time.

The position is what our own database says (it commits with the effects), not what the broker believes: whoever takes
the lock recreates the durable just behind it. So a crash is resumed at once, in order, without waiting for an
acknowledgement to expire; the inbox row drops an event that was published twice.

Positions never fall, not even when the broker lost its stream and counts from one again: what was folded before stays
before (`ahead`). They may therefore be shown to the outside, as the ids of a live stream.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError
from prometheus_client import Counter, Gauge
from sqlalchemy import text

from shared import dead_letters
from shared.broker import STREAM, StreamReplaced, common_filter, pull
from shared.contracts import comes_from, subjects_of
from shared.database import Database, Db, ExclusiveConnection, driver, out_of_reach
from shared.events import AnyEvent, Event, EventData, RawEvent, publisher_of

BATCH = 128
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0

HANDLED = Counter("portal_inbox_handled_total", "Events folded", ["consumer"])
DEAD = Counter("portal_inbox_dead_letters_total", "Events set aside because they could not be folded", ["consumer"])
LAG = Gauge("portal_inbox_lag", "Events of the stream not yet folded", ["consumer"])

log = structlog.get_logger("inbox")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event with its place: `position` strictly rises in the order of folding, as long as the consumer lives."""

    event: AnyEvent
    position: int


class NotTheirsToSayError(Exception):
    """The event does not belong to the service of its subject: it becomes a dead letter."""


Handler = Callable[[Db, Delivery], Awaitable[None]]
BatchHandler = Callable[[asyncpg.Connection, Sequence[Delivery]], Awaitable[None]]

_PLACE = text("select position, ahead, stream_created, stored_at from inbox_positions where consumer = :consumer")
_SET_PLACE = text(
    "insert into inbox_positions (consumer, position, ahead, stream_created)"
    " values (:consumer, :position, :ahead, :born)"
    " on conflict (consumer) do update set ahead = excluded.ahead, stream_created = excluded.stream_created"
)
_FORGET_STREAM = text("update inbox_positions set stream_created = to_timestamp(0) where consumer = :consumer")
_NEED_NOT_WAIT = text("set synchronous_commit = off")
# What a commit would check is checked while it can still be one event's failure.
_CHECK_NOW = "set constraints all immediate; set constraints all deferred"
_ENTER = (
    "with moved as (update inbox_positions set position = greatest(position, $2),"
    " stored_at = case when $2 >= position then $4 else stored_at end where consumer = $1)"
    " insert into inbox (consumer, event_id) select $1, unnest($3::uuid[]) on conflict do nothing returning event_id"
)


class Consumer:
    """Feeds the events a service listens to into its handlers.

    `handlers` maps an event struct to what it does; with `every` set, that one handler gets all of them, as many at
    once as have arrived (undecoded data as `msgspec.Raw`). A handler runs in the transaction that also records the
    events as seen. What fails again and again is set aside as a dead letter with its reason; its neighbours go on.

    `repeatable`: handlers write nothing but what the same events would make them write again, and publish nothing. Then
    a commit need not wait for the disk: what a crash takes is taken together with the position, and folded again.
    `waits_out`: the failure of what all of its work needs; it is over some time, and no event is set aside for it.
    """

    def __init__(
        self,
        name: str,
        handlers: Mapping[type[EventData], Handler] | None = None,
        *,
        every: BatchHandler | None = None,
        repeatable: bool = False,
        waits_out: type[Exception] | tuple[()] = (),
    ) -> None:
        self.name = name
        self._waits_out = waits_out
        self._repeatable = repeatable
        self._kinds = {f"portal.{subject}": kind for kind in handlers or {} for subject in subjects_of(kind)}
        self._handlers = {kind.type: handler for kind, handler in (handlers or {}).items()}
        self._every = every
        self.listens = common_filter([subject for kind in handlers or {} for subject in subjects_of(kind)])
        """The one filter of its durable, which its NATS user may not go beyond (docs/decisions/0088)."""
        self._ahead = 0
        self._expected: datetime | None = None
        self._holds_up = 0, 0.0
        self.durables = (name, f"{name}-2")
        self._durable = name

    async def run(self, database: Database, client: Client) -> None:
        """Fold until something fails: to be run again then, from the place that the database knows."""
        while True:
            async with database.exclusive(f"consumer:{self.name}") as held:
                if held:
                    await self._lead(held, client)
            await asyncio.sleep(POLL_SECONDS)

    async def _lead(self, held: ExclusiveConnection, client: Client) -> None:
        await self._place_durable(client, await self._find_place(held, client))
        async for messages in pull(client, self._durable, BATCH):
            await self._recognise(held, messages)
            if messages:
                await self._fold(held, messages)
                await messages[-1].ack()
                LAG.labels(self.name).set(messages[-1].metadata.num_pending)
            else:
                await held.renew()

    async def _find_place(self, held: ExclusiveConnection, client: Client) -> int:
        """The last sequence of the stream that is folded already; notes how far positions are ahead of the stream's.

        Of another stream than before, or one set back, all is read again: what was folded is dropped by its event id.
        """
        stream = await client.jetstream(timeout=5).stream_info(STREAM)
        async with held.uow() as db:
            place = (await db.execute(_PLACE, {"consumer": self.name})).one_or_none()
            position, ahead, born, stored_at = place or (0, 0, stream.created, None)
            folded = position - ahead
            if born != stream.created or folded > stream.state.last_seq:
                folded = 0
                log.error("inbox.stream_lost", consumer=self.name, position=position, last=stream.state.last_seq)
            self._ahead = position - folded
            self._expected = stored_at if folded >= stream.state.first_seq else None
            await db.execute(
                _SET_PLACE,
                {"consumer": self.name, "position": position, "ahead": self._ahead, "born": stream.created},
            )
            if self._repeatable:
                await db.execute(_NEED_NOT_WAIT)
        return folded

    async def _recognise(self, held: ExclusiveConnection, messages: Sequence[Msg]) -> None:
        """What was folded last comes first, if it is still there. If another does, the stream was set back: raises."""
        if self._expected and not (messages and messages[0].metadata.timestamp == self._expected):
            async with held.uow() as db:
                await db.execute(_FORGET_STREAM, {"consumer": self.name})
            raise StreamReplaced
        self._expected = None

    async def _place_durable(self, client: Client, folded: int) -> None:
        """A new durable at what was folded last, or behind it; the one before goes then, so two names take turns.

        At no moment is there none: what none has still to fold may be taken from the stream (`shared.retention`).
        """
        jetstream = client.jetstream(timeout=5)
        old = [name for name in self.durables if await _info(client, name)]
        if len(old) == len(self.durables):  # somebody ended between the two steps
            await jetstream.delete_consumer(STREAM, old.pop())
        [self._durable] = set(self.durables).difference(old) if old else self.durables[:1]
        await jetstream.add_consumer(
            STREAM,
            ConsumerConfig(
                name=self._durable,
                durable_name=self._durable,
                filter_subject=self.listens,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=folded if self._expected else folded + 1,
                ack_policy=AckPolicy.ALL,
                ack_wait=60,
                max_ack_pending=4 * BATCH,
            ),
        )
        for name in old:
            await jetstream.delete_consumer(STREAM, name)

    async def folded(self, client: Client, last: int) -> int:
        """Up to which sequence the stream is folded, by whichever process; `last` was its newest. 0: nobody can say."""
        for name in sorted(self.durables, key=lambda name: name != self._durable):
            if info := await _info(client, name):
                return folded_by(info, last)
        return 0

    async def _fold(self, held: ExclusiveConnection, messages: Sequence[Msg]) -> None:
        """All in one transaction, as fast as can be; if one of them fails, once more with a savepoint for each."""
        last = messages[-1]
        try:
            deliveries = self._read(messages)
            if self._every:
                async with held.driver() as connection:
                    await self._handle(connection, None, deliveries, last)
            else:
                async with held.uow() as db:
                    await self._handle(await driver(db), db, deliveries, last)
        except Exception:  # noqa: BLE001  (what it is shows when each is folded alone)
            log.info("inbox.batch_failed", consumer=self.name, size=len(messages))
            await self._fold_each(held, messages)
        HANDLED.labels(self.name).inc(len(messages))

    async def _fold_each(self, held: ExclusiveConnection, messages: Sequence[Msg]) -> None:
        """What fails alone as well, and will not pass, is set aside in the transaction that folds its neighbours."""
        done: Msg | None = None
        may_pass: Exception | None = None
        async with held.uow() as db:
            for message in messages:
                try:
                    async with db.begin_nested():
                        # Asked for here: a session makes its savepoint when the connection is first wanted in it.
                        await self._handle(await driver(db), db, self._read([message]), message)
                        await (await driver(db)).execute(_CHECK_NOW)
                except Exception as error:  # noqa: BLE001  (an event may fail for anything)
                    if self._is_tried_again(error, message):
                        may_pass = error
                        break
                    await self._set_aside(await driver(db), message, dead_letters.reason_of(error))
                done = message
            if done:
                await self._enter(await driver(db), [], done)
        if may_pass:
            raise may_pass

    def _is_tried_again(self, error: Exception, message: Msg) -> bool:
        """Whether what failed may pass: `waits_out` for as long as that takes, anything else for `PATIENCE_SECONDS`."""
        if isinstance(error, self._waits_out) or not out_of_reach(error):
            return isinstance(error, self._waits_out)
        position, since = self._position(message), time.monotonic()
        if self._holds_up[0] != position:
            self._holds_up = position, since
        return since - self._holds_up[1] <= PATIENCE_SECONDS

    async def _set_aside(self, connection: asyncpg.Connection, message: Msg, reason: str) -> None:
        await dead_letters.set_aside(connection, self.name, message.subject, message.data, reason)
        DEAD.labels(self.name).inc()
        log.error("inbox.dead_letter", consumer=self.name, position=self._position(message), reason=reason)

    async def _handle(
        self, connection: asyncpg.Connection, db: Db | None, deliveries: Sequence[Delivery], last: Msg
    ) -> None:
        fresh = await self._enter(connection, deliveries, last)
        if self._every and fresh:
            await self._every(connection, fresh)
        elif db:
            for delivery in fresh:
                await self._handlers[delivery.event.type](db, delivery)

    async def _enter(self, connection: asyncpg.Connection, deliveries: Sequence[Delivery], last: Msg) -> list[Delivery]:
        """Record the events as seen and the place they lead to; those that had not been seen before, each once."""
        first: dict[UUID, Delivery] = {}
        for delivery in deliveries:
            first.setdefault(delivery.event.id, delivery)
        at = last.metadata.timestamp
        rows = await connection.fetch(_ENTER, self.name, self._position(last), list(first), at)
        fresh = {row[0] for row in rows}
        return [delivery for each, delivery in first.items() if each in fresh]

    def _read(self, messages: Sequence[Msg]) -> list[Delivery]:
        """Those somebody here handles. Raises for what cannot be read, and for what is not its publisher's to say.

        Only the service itself can publish below its subject, so the subject says who speaks; the event must agree.
        Unknown fields are ignored: events change only by adding.
        """
        return [self._decode(message) for message in messages if self._every or message.subject in self._kinds]

    def _decode(self, message: Msg) -> Delivery:
        kind = self._kinds.get(message.subject)
        event: AnyEvent = msgspec.json.decode(message.data, type=Event[kind] if kind else RawEvent)
        publisher = publisher_of(message.subject.removeprefix("portal."))
        if not comes_from(event, publisher) or (kind and event.type != kind.type):
            raise NotTheirsToSayError(f"{event.type} of {event.source}, on {message.subject}")
        return Delivery(event, self._position(message))

    def _position(self, message: Msg) -> int:
        return message.metadata.sequence.stream + self._ahead


async def _info(client: Client, durable: str) -> ConsumerInfo | None:
    try:
        return await client.jetstream(timeout=1).consumer_info(STREAM, durable)
    except NotFoundError:
        return None


def folded_by(info: ConsumerInfo, last: int) -> int:
    """Up to which sequence this durable needs nothing any more; `last` was the newest before it was asked."""
    if not info.num_pending and not info.num_ack_pending:
        return last  # its floor stays at the last event that it listens to
    return info.ack_floor.stream_seq if info.ack_floor else 0
