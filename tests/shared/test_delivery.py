"""Outbox, relay and inbox against the real PostgreSQL and NATS, through a service small enough to see whole."""

import asyncio
import os
import random
import shutil
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import asyncpg
import msgspec
import pytest
from nats.aio.client import Client
from nats.js.errors import APIError
from sqlalchemy import text

from ops import dead_letters
from ops.dead_letters import DeadLetter
from ops.stack.backing import Backing, backing
from shared import delivery, outbox
from shared.actor import SYSTEM
from shared.background import Background
from shared.broker import STREAM, connect, stream_config
from shared.clock import now, uuid7
from shared.contracts import comes_from
from shared.database import Database, Db, driver
from shared.dead_letters import RELAY
from shared.delivery import Traffic, Waiting
from shared.events import MAX_EVENT_BYTES, Event, EventData, source_of
from shared.inbox import Consumer, Delivery
from shared.relay import BELIEVE_SECONDS, FAILED, PUBLISHED, Relay, oldest_unpublished
from shared.retention import KEEP_LOOKS, Retention
from tests.activity.process import Part
from tests.clocks import clock_of
from tests.conftest import Cluster


class Thing(EventData, frozen=True):
    type: ClassVar[str] = "thing"
    subject: ClassVar[str] = "things.thing.happened.v1"
    number: int
    text: str = ""


SUBJECT = f"portal.{Thing.subject}"


class Other(EventData, frozen=True):
    type: ClassVar[str] = "other"
    subject: ClassVar[str] = "things.other.happened.v1"


class Rig:
    """One database with outbox and inbox, its relay, and a consumer that writes what it saw into `seen`."""

    def __init__(self, database: Database, nats_url: str, admin_url: str) -> None:
        self.database = database
        self.nats_url = nats_url
        self.admin_url = admin_url
        self.poison: set[int] = set()
        self.errors: dict[int, Exception] = {}
        self.slow: set[int] = set()
        self.calls = 0

    async def fold(self, db: Db, delivery: Delivery) -> None:
        self.calls += 1
        number = delivery.event.data.number
        if number in self.poison:
            raise ValueError(f"{number} is poison")
        if number in self.errors:
            raise self.errors[number]
        if number in self.slow:
            await db.execute(text("set local statement_timeout = '20ms'"))
            await db.execute(text("select pg_sleep(1)"))
        if delivery.event.data.text == "past the ORM":
            await (await driver(db)).execute("insert into seen (number) values ($1)", number)
        await db.execute(
            text("insert into seen (position, number) values (:p, :n)"), {"p": delivery.position, "n": number}
        )

    async def publish(self, *numbers: int) -> None:
        for number in numbers:
            async with self.database.uow(SYSTEM) as db:
                await outbox.append(db, SYSTEM, Thing(number=number), client_id=None, aggregate_id=uuid7())

    async def publish_together(self, *numbers: int) -> None:
        async with self.database.uow(SYSTEM) as db:
            for number in numbers:
                await outbox.append(db, SYSTEM, Thing(number=number), client_id=None, aggregate_id=uuid7())

    async def seen(self) -> list[int]:
        async with self.database.uow(SYSTEM) as db:
            return list(await db.scalars(text("select number from seen order by position")))

    async def as_admin(self, statements: str) -> None:
        """Run statements as an administrator."""
        async with self.administrator() as connection:
            await connection.execute(statements)

    async def letters(self) -> list[DeadLetter]:
        """What was set aside."""
        async with self.administrator() as connection:
            return await dead_letters.list_dead_letters(connection)

    async def replay(self, letter: DeadLetter) -> None:
        """As `portal events replay` does."""
        client = await connect(self.nats_url, "operator")
        async with self.administrator() as connection:
            await dead_letters.replay(connection, client, letter)
        await client.close()

    @asynccontextmanager
    async def administrator(self) -> AsyncGenerator[asyncpg.Connection]:
        """Their connection, with the schema as its path."""
        connection = await asyncpg.connect(self.admin_url, server_settings={"search_path": "things"})
        try:
            yield connection
        finally:
            await connection.close()

    async def until_seen(self, count: int) -> list[int]:
        async with asyncio.timeout(60):
            while len(found := await self.seen()) < count:
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def rig(servers: Backing, cluster: Cluster, streams: None) -> AsyncIterator[Rig]:
    url = await cluster.create_bare("things")
    rig = Rig(database := Database(url), servers.addresses.nats_url, cluster.admin_of(url))
    await database.start()
    client = await connect(rig.nats_url, "rig")
    consumer = Consumer(f"things-{uuid7().hex}", {Thing: rig.fold})
    kept = Background()
    async with (
        kept.keep("relay", Relay("things", database, client).run),
        kept.keep("consumer", lambda: consumer.run(database, client)),
    ):
        yield rig
        assert kept.works() == {"relay": True, "consumer": True}
    await database.stop()
    await client.close()


async def test_what_commits_is_folded_once_and_in_order(rig: Rig) -> None:
    await rig.publish(*range(300))
    assert await rig.until_seen(300) == list(range(300))


async def test_what_rolls_back_is_never_published(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        async with rig.database.uow(SYSTEM) as db:
            await outbox.append(db, SYSTEM, Thing(number=1), client_id=None, aggregate_id=uuid7())
            raise RuntimeError
    await rig.publish(2)
    assert await rig.until_seen(1) == [2]


async def test_poison_is_set_aside_with_its_reason_and_can_be_replayed(rig: Rig) -> None:
    rig.poison = {3}
    await rig.publish(1, 2, 3, 4, 5)
    assert await rig.until_seen(4) == [1, 2, 4, 5]
    [letter] = await rig.letters()
    assert letter.consumer.startswith("things")
    assert (letter.subject, letter.reason) == (SUBJECT, "ValueError('3 is poison')")
    rig.poison = set()
    await rig.replay(letter)
    assert await rig.until_seen(5) == [1, 2, 4, 5, 3]
    assert await rig.letters() == []


REFUSED, REFUSED_BY_COMMIT, LARGE, UNSPEAKABLE, ODD = 101, 102, 103, 104, 105


class UnspeakableError(Exception):
    """As one that holds data which are nested too deep."""

    def __repr__(self) -> str:
        raise RecursionError


class OddError(Exception):
    """What it says is no text for PostgreSQL."""

    def __repr__(self) -> str:
        return "Odd\0Error(\ud800)"


def poison_events() -> dict[str, bytes]:
    """By what goes wrong with each. One is as large as the stream takes; two are refused by the database itself."""

    def event(kind: str = "thing", **data: object) -> bytes:
        envelope = {
            "id": uuid7(),
            "source": "/services/things",
            "type": kind,
            "subject": uuid7(),
            "time": now(),
            "data": data,
        }
        return msgspec.json.encode(envelope)

    return {
        "DecodeError": b"\xff{not json",
        "RecursionError": event(number=1, more="deep").replace(b'"deep"', b"[" * 60_000 + b"]" * 60_000),
        "NotTheirsToSayError": event(kind="nothing", number=1),
        "ValueError": event(number=LARGE, text="x" * (MAX_EVENT_BYTES - len(event(number=LARGE, text="")))),
        "DBAPIError": event(number=2**70),
        "DataError": event(number=2**70, text="past the ORM"),
        "IntegrityError": event(number=REFUSED),
        "CheckViolationError": event(number=REFUSED_BY_COMMIT),
        "UnspeakableError": event(number=UNSPEAKABLE),
        "Odd\\x00Error": event(number=ODD),
    }


async def test_whatever_an_event_fails_for_it_is_set_aside_and_its_neighbours_go_on(rig: Rig) -> None:
    await rig.as_admin(
        f"alter table seen add check (number <> {REFUSED});"
        "create function late() returns trigger language plpgsql as"
        f" $$ begin if new.number = {REFUSED_BY_COMMIT} then raise check_violation; end if; return null; end $$;"
        "create constraint trigger late after insert on seen deferrable initially deferred"
        " for each row execute function late()"
    )
    rig.poison, rig.errors = {LARGE}, {UNSPEAKABLE: UnspeakableError(), ODD: OddError()}
    client = await connect(rig.nats_url, "strangers")
    await rig.publish(1)
    await rig.until_seen(1)
    for body in (poison := poison_events()).values():
        await client.jetstream().publish(SUBJECT, body, headers={"Nats-Msg-Id": str(uuid7())})
        await rig.publish(2)
    await client.close()
    assert await rig.until_seen(1 + len(poison)) == [1] + [2] * len(poison)
    assert {letter.reason.partition("(")[0]: letter.event for letter in await rig.letters()} == poison
    rig.poison = set()
    [large] = [letter for letter in await rig.letters() if letter.event == poison["ValueError"]]
    await rig.replay(large)
    assert (await rig.until_seen(2 + len(poison)))[-1] == LARGE


async def test_many_poisonous_events_do_not_hold_up_their_neighbours(rig: Rig) -> None:
    """Each is tried among the others and alone; no pause in between would make it any better."""
    rig.poison = set(range(1, 101))
    await rig.publish_together(*range(102))
    assert await rig.until_seen(2) == [0, 101]
    assert len(await rig.letters()) == 100
    assert rig.calls < 2 * 102


async def test_what_the_broker_will_never_take_leaves_the_outbox_and_its_neighbours_go_on(rig: Rig) -> None:
    """Too large for the stream, too large for a message, on no subject at all, and on one that no stream has."""
    wrong = {
        "MaxPayloadError": (SUBJECT, "x" * 1_200_000),
        "nats: JetStream": (SUBJECT, "x" * (MAX_EVENT_BYTES + 1)),
        "BadSubjectError": ("portal.two words", ""),
        "NoStreamResponseError": ("elsewhere.thing", ""),
    }
    async with rig.database.uow(SYSTEM) as db:
        for number, (subject, body) in enumerate(wrong.values()):
            await outbox.append(db, SYSTEM, Thing(number=number), client_id=None, aggregate_id=uuid7())
            await db.execute(
                text("insert into outbox (id, subject, event) values (:id, :subject, to_json(cast(:body as text)))"),
                {"id": uuid7(), "subject": subject, "body": body},
            )
        await outbox.append(db, SYSTEM, Thing(number=9), client_id=None, aggregate_id=uuid7())
    assert await rig.until_seen(5) == [0, 1, 2, 3, 9]
    async with asyncio.timeout(30):
        while len(letters := await rig.letters()) < len(wrong):
            await asyncio.sleep(0.05)
    assert {letter.consumer for letter in letters} == {RELAY}
    assert sorted((letter.subject, letter.event.decode()) for letter in letters) == sorted(
        (subject, f'"{body}"') for subject, body in wrong.values()
    )
    async with rig.administrator() as connection:
        assert await connection.fetchval("select count(*) from outbox where published_at is null") == 0


async def test_an_event_that_is_too_large_is_refused_with_its_change(rig: Rig) -> None:
    with pytest.raises(outbox.EventTooLarge) as refusal:
        async with rig.database.uow(SYSTEM) as db:
            await db.execute(text("insert into seen (position, number) values (1, 1)"))
            large = Thing(number=1, text="x" * MAX_EVENT_BYTES)
            await outbox.append(db, SYSTEM, large, client_id=None, aggregate_id=uuid7())
    assert refusal.value.code == "event.too_large"
    assert await rig.seen() == []


async def test_an_event_published_again_later_is_folded_once(rig: Rig) -> None:
    await rig.publish(7)
    await rig.until_seen(1)
    client = await connect(rig.nats_url, "twice")
    jetstream = client.jetstream()
    last = await jetstream.get_last_msg("PORTAL", "portal.things.thing.happened.v1")
    await jetstream.publish(
        "portal.things.thing.happened.v1", last.data or b"", headers={"Nats-Msg-Id": str(UUID(int=1))}
    )
    await rig.publish(8)
    assert await rig.until_seen(2) == [7, 8]
    await client.close()


async def test_nobody_speaks_for_another_service(rig: Rig) -> None:
    """What came in on one service's subject is that service's: neither another's source nor another's type is believed."""
    await rig.publish(1)
    await rig.until_seen(1)
    client = await connect(rig.nats_url, "others")
    subject = f"portal.{Thing.subject}"
    mine = (await client.jetstream().get_last_msg("PORTAL", subject)).data or b""
    for old, new in ((b"/services/things", b"/services/others"), (b'"thing"', b'"client_created"'), (b"1", b"1")):
        forged = mine.replace(old, new).replace(mine[7:43], str(uuid7()).encode())
        await client.jetstream().publish(subject, forged)
    assert await rig.until_seen(2) == [1, 1]
    assert [letter.reason.partition("(")[0] for letter in await rig.letters()] == ["NotTheirsToSayError"] * 2
    await client.close()


async def test_consumers_that_are_told_to_end_end(servers: Backing, cluster: Cluster, streams: None) -> None:
    """At any moment, also while the broker answers: one that works on would take its successor's events away."""
    database = Database(await cluster.create_bare("things"), pool=20)
    await database.start()
    client = await connect(servers.addresses.nats_url, "ending")
    rng = random.Random(1)

    async def fold(_db: Db, _delivery: Delivery) -> None: ...

    for _ in range(40):
        consumers = [Consumer(f"ending-{number}", {Thing: fold}) for number in range(8)]
        kept, before = Background(), asyncio.all_tasks()
        async with AsyncExitStack() as stack:
            for each in consumers:
                await stack.enter_async_context(kept.keep(each.name, partial(each.run, database, client)))
            await asyncio.sleep(rng.random() * 0.01)
            folding = asyncio.all_tasks() - before
        assert not [task for task in folding if not task.done() and "_try" in repr(task)]
    await database.stop()
    await client.close()


@pytest.mark.parametrize("how", ["closed", "deaf", "given up"])
async def test_a_connection_that_is_dead_without_knowing_is_replaced(
    servers: Backing, cluster: Cluster, streams: None, how: str
) -> None:
    """As nats-py may end up when a broker comes and goes: connected by its own account, and nobody reads or writes; or
    closed for good, after the broker told it of a violation.
    """
    url = await cluster.create_bare("things")
    rig = Rig(Database(url), servers.addresses.nats_url, cluster.admin_of(url))
    await rig.database.start()
    consumer = Consumer(f"things-{uuid7().hex}", {Thing: rig.fold})
    kept, traffic = Background(), Traffic("things", rig.database, [consumer], rig.nats_url, 1)
    async with kept.keep("broker", lambda: traffic.run(kept)):
        await rig.publish(1)
        await rig.until_seen(1)
        client = traffic.client
        assert client
        if how == "given up":
            await client._process_err("'Authorization Violation'")
            while not client.is_closed:
                await asyncio.sleep(0.01)
        else:
            await leave_deaf(client, closed=how == "closed")
        await rig.publish(2)
        assert await rig.until_seen(2) == [1, 2]
        assert traffic.client is not client
    await rig.database.stop()


async def leave_deaf(client: Client, *, closed: bool) -> None:
    for task in (client._reading_task, client._ping_interval_task, *([client._flusher_task] * closed)):
        task.cancel()
    if closed:
        client._transport.close()
    await asyncio.sleep(0)
    assert client.is_connected


async def stream_of(client: Client, **changed: int) -> None:
    """Bring back the stream, with something about it changed."""
    config = stream_config(1)
    await client.jetstream().update_stream(config.evolve(**changed))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def traffic_of(rig: Rig, *consumers: Consumer) -> AsyncIterator[Traffic]:
    kept, traffic = Background(), Traffic("things", rig.database, consumers, rig.nats_url, 1)
    async with kept.keep("broker", lambda: traffic.run(kept)):
        yield traffic


@pytest.fixture
async def things(servers: Backing, cluster: Cluster, streams: None) -> AsyncIterator[Rig]:
    """The same with nothing running yet."""
    url = await cluster.create_bare("things")
    rig = Rig(Database(url), servers.addresses.nats_url, cluster.admin_of(url))
    await rig.database.start()
    yield rig
    await rig.database.stop()


async def test_what_was_published_and_not_folded_when_the_stream_is_lost_is_told_again(things: Rig) -> None:
    consumer = Consumer(f"things-{uuid7().hex}", {Thing: things.fold})
    operator = await connect(things.nats_url, "operator")
    published = partial(all_published, things)
    async with traffic_of(things):
        await things.publish(*range(5))
        await until(published)
        async with traffic_of(things, consumer):
            await things.until_seen(5)
        await things.publish(*range(5, 10))
        await until(published)
        await operator.jetstream().delete_stream(STREAM)
        await things.publish(10)
        await until(published)
        async with traffic_of(things, consumer):
            assert await things.until_seen(11) == list(range(11))
    await operator.close()


async def test_what_a_purge_took_before_it_was_folded_is_told_again(things: Rig) -> None:
    """Though the broker still knows the message ids: it would drop a repeat without a word."""
    name = f"things-{uuid7().hex}"
    operator = await connect(things.nats_url, "operator")
    async with traffic_of(things):
        async with traffic_of(things, Consumer(name, {Thing: things.fold})):
            await things.publish(*range(5))
            await things.until_seen(5)
        await things.publish(*range(5, 10))
        await until(partial(all_published, things))
        await operator.jetstream().purge_stream(STREAM, keep=1)
        async with traffic_of(things, Consumer(name, {Thing: things.fold})):
            await things.until_seen(10)
            await things.publish(10)
            assert await things.until_seen(11) == [0, 1, 2, 3, 4, 9, 5, 6, 7, 8, 10]
    await operator.close()


async def test_what_a_store_that_was_set_back_does_not_have_is_told_again(things: Rig, tmp_path: Path) -> None:
    """Also when others have told so much since that it is longer than it had been."""
    name = f"things-{uuid7().hex}"
    with backing(tmp_path, servers=("nats",)) as broker:
        things.nats_url = broker.addresses.nats_url

        def set_back(copied: Path, to: Path) -> None:
            broker.kill("nats")
            shutil.rmtree(to, ignore_errors=True)
            shutil.copytree(copied, to)
            broker.start("nats")

        async with traffic_of(things), traffic_of(things, Consumer(name, {Thing: things.fold})):
            await things.publish(*range(5))
            await things.until_seen(5)
            await until(partial(all_published, things))
        set_back(store := tmp_path / "nats" / "jetstream", tmp_path / "copy")
        async with traffic_of(things):
            async with traffic_of(things, Consumer(name, {Thing: things.fold})):
                await things.publish(*range(5, 8))
                await things.until_seen(8)
            await things.publish(8, 9)
            await until(partial(all_published, things))
        set_back(tmp_path / "copy", store)
        others = await connect(things.nats_url, "others")
        for _ in range(20):
            await others.jetstream().publish("portal.others.thing.happened.v1", b"{}")
        await others.close()
        async with traffic_of(things), traffic_of(things, Consumer(name, {Thing: things.fold})):
            await things.publish(10)
            assert await things.until_seen(11) == list(range(11))


async def test_what_ends_by_a_time_limit_again_and_again_is_set_aside_once_it_had_time_to_pass(
    things: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was well all the while: it took what came before, and the letter."""
    things.slow = {2, 4}
    async with traffic_of(things, Consumer(f"things-{uuid7().hex}", {Thing: things.fold})):
        await things.publish_together(1, 2, 3)
        assert await things.until_seen(1) == [1]
        things.slow = {4}
        assert await things.until_seen(3) == [1, 2, 3]
        monkeypatch.setattr("shared.inbox.PATIENCE_SECONDS", 1.0)
        await things.publish_together(4, 5)
        assert await things.until_seen(4) == [1, 2, 3, 5]
    [letter] = await things.letters()
    assert b'"number":4' in letter.event
    assert "statement timeout" in letter.reason


async def test_a_full_stream_takes_nothing_small_before_something_large(things: Rig) -> None:
    operator = await connect(things.nats_url, "operator")
    async with traffic_of(things, Consumer(f"things-{uuid7().hex}", {Thing: things.fold})):
        await things.publish(0)
        await things.until_seen(1)
        held = (await operator.jetstream().stream_info(STREAM)).state.bytes
        await stream_of(operator, max_bytes=held + 4000)
        await asyncio.sleep(2 * BELIEVE_SECONDS)
        async with things.database.uow(SYSTEM) as db:
            for number, size in enumerate((0, 10_000, 0), 1):
                event = Thing(number=number, text="x" * size)
                await outbox.append(db, SYSTEM, event, client_id=None, aggregate_id=uuid7())
        await things.until_seen(2)
        await asyncio.sleep(1)
        assert await things.seen() == [0, 1]
        await stream_of(operator)
        assert await things.until_seen(4) == [0, 1, 2, 3]
    await operator.close()


async def all_published(rig: Rig) -> bool:
    return await oldest_unpublished(rig.database) == 0


async def test_late_work_is_shown_while_the_stream_is_full_and_only_then(things: Rig) -> None:
    operator = await connect(things.nats_url, "operator")
    failed = FAILED.labels("things")._value.get
    async with traffic_of(things) as traffic:
        await things.publish(1)
        await until(lambda: is_on_time(traffic, outbox=True))
        before = failed()
        await stream_of(operator, max_bytes=1)
        await things.publish(2)
        await until(lambda: is_on_time(traffic, outbox=False))
        assert failed() > before
        await stream_of(operator)
        await until(lambda: is_on_time(traffic, outbox=True))
    await operator.close()


async def test_what_is_not_folded_in_time_is_shown_until_it_is(things: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LATE_SECONDS", 0.5)
    consumer, go_on = Consumer(f"things-{uuid7().hex}", {Thing: lambda _db, _told: go_on.wait()}), asyncio.Event()
    async with traffic_of(things, consumer) as traffic:
        await things.publish(1)
        await until(lambda: is_on_time(traffic, **{f"inbox {consumer.name}": False}))
        go_on.set()
        await until(lambda: is_on_time(traffic, **{f"inbox {consumer.name}": True}))


async def test_a_stream_that_came_in_the_place_of_another_is_made_as_it_should_be(things: Rig) -> None:
    """By a broker that was set up anew, or by hand: what was ensured of the one before holds for this one no more."""
    operator = await connect(things.nats_url, "operator")
    other = stream_config(1).evolve(max_msg_size=1_000)
    async with traffic_of(things) as traffic:
        await until(lambda: works(traffic))
        for _ in range(20):  # the keeper may be quicker, and then has made its own
            await operator.jetstream().delete_stream(STREAM)
            with suppress(APIError):
                await operator.jetstream().add_stream(other)
                break
        await until(lambda: is_as_it_should_be(operator))
    await operator.close()


async def works(traffic: Traffic) -> bool:
    return traffic.works


async def is_as_it_should_be(operator: Client) -> bool:
    config = (await operator.jetstream().stream_info(STREAM)).config
    return config.max_msg_size == stream_config(1).max_msg_size


@pytest.mark.parametrize(
    ("source", "kind", "publisher", "may"),
    [
        ("identity", "client_created", "identity", True),
        ("identity", "client_created", "projects", False),
        ("projects", "client_created", "projects", False),
        ("projects", "of_a_newer_version", "projects", True),
        ("activity", "webhook_created", "activity", True),  # it was activity's
        ("identity", "webhook_created", "activity", False),
        ("projects", "webhook_created", "projects", False),
    ],
)
def test_a_service_tells_what_is_its_own_to_tell(source: str, kind: str, publisher: str, may: bool) -> None:
    told = Event(id=uuid7(), source=source_of(source), type=kind, subject=uuid7(), time=now(), data=Thing(number=1))
    assert comes_from(told, publisher) is may


async def is_on_time(traffic: Traffic, **parts: bool) -> bool:
    return (await traffic.look()).items() >= parts.items()


def test_the_oldest_event_counts_from_when_it_was_seen_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(monkeypatch, delivery)
    waiting, ages = Waiting(), list[float]()
    for second, last, folded in [(0, 5, 5), (1, 9, 5), (2, 12, 7), (3, 12, 9), (4, 12, 0), (5, 12, 12), (6, 13, 12)]:
        clock.ahead = second
        ages.append(round(waiting.note(last, folded)))
    assert ages == [0, 0, 1, 1, 2, 0, 0]
    assert (waiting.is_over(12), waiting.is_over(13)) == (True, False)


async def test_a_stopped_holder_loses_relay_and_fold_to_a_process_that_works(
    things: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.LEASE_SECONDS", 2.0)
    name = f"things-{uuid7().hex}"
    holder = Part(hold, things.database.dsn, things.nats_url, name)
    holder.start()
    await things.publish(1, 2)
    await things.until_seen(2)
    async with traffic_of(things, Consumer(name, {Thing: things.fold})):
        await asyncio.sleep(3)
        await things.publish(3)
        await things.until_seen(3)
        assert holder.runs, "nobody who works loses anything"
        os.kill(holder.pid, signal.SIGSTOP)
        await things.publish(4, 5)
        assert await things.until_seen(5) == [1, 2, 3, 4, 5]
        os.kill(holder.pid, signal.SIGCONT)
        await things.publish(6, 7)
        assert await things.until_seen(7) == [1, 2, 3, 4, 5, 6, 7]
    holder.kill()


def hold(dsn: str, nats_url: str, name: str) -> None:
    """Relay and consumer in a process of its own, until killed."""

    async def work() -> None:
        rig = Rig(Database(dsn), nats_url, "")
        await rig.database.start()
        async with traffic_of(rig, Consumer(name, {Thing: rig.fold})):
            await asyncio.Event().wait()

    asyncio.run(work())


async def test_the_stream_keeps_what_one_consumer_still_has_to_fold(things: Rig) -> None:
    """One that hears everything, one that hears nothing of this, and one that is a while behind, and then is not."""
    operator = await connect(things.nats_url, "operator")
    retention = Retention()

    async def keep(_connection: asyncpg.Connection, _deliveries: Sequence[Delivery]) -> None: ...

    async def first_after_looks() -> int:
        for _ in range(KEEP_LOOKS):
            await retention.look(operator)
        return (await operator.jetstream().stream_info(STREAM)).state.first_seq

    everything = Consumer(f"all-{uuid7().hex}", every=keep)
    slow, deaf = (
        Consumer(f"slow-{uuid7().hex}", {Thing: things.fold}),
        Consumer(f"deaf-{uuid7().hex}", {Other: things.fold}),
    )
    await forget_durables(operator)
    begin = (await operator.jetstream().stream_info(STREAM)).state.last_seq + 1
    async with traffic_of(things, slow, deaf):
        await things.publish(1, 2)
        await things.until_seen(2)
        assert await first_after_looks() == begin, "whoever is to hear everything has not come yet"
    async with traffic_of(things, everything):
        await things.publish(3, 4)
        await until(lambda: is_on_time(Traffic("things", things.database, [], things.nats_url), outbox=True))
        await until(lambda: folded_all(everything, operator))
        assert await first_after_looks() == begin + 2, "one consumer is away"
        async with traffic_of(things, slow, deaf):
            assert await things.until_seen(4) == [1, 2, 3, 4]
            await until(lambda: folded_all(slow, operator))
        told = PUBLISHED.labels("things")._value.get
        before = told()
        assert await first_after_looks() == begin + 4
        await asyncio.sleep(3 * BELIEVE_SECONDS)
        await things.publish(5)
        await until(partial(all_published, things))
        assert told() == before + 1, "what was removed because it was folded is not told again"
    await operator.close()


async def test_what_was_folded_an_hour_ago_goes_and_nothing_newer(things: Rig) -> None:
    """A database that loses its last commits folds them again: they are still in the stream."""

    async def keep(_connection: asyncpg.Connection, _deliveries: Sequence[Delivery]) -> None: ...

    async def first_after(looks: int) -> int:
        for _ in range(looks):
            await retention.look(operator)
        return (await operator.jetstream().stream_info(STREAM)).state.first_seq

    async def fold(*numbers: int) -> int:
        await things.publish(*numbers)
        await until(partial(all_published, things))
        await until(lambda: folded_all(everything, operator))
        return (await operator.jetstream().stream_info(STREAM)).state.last_seq

    operator, retention = await connect(things.nats_url, "operator"), Retention()
    everything = Consumer(f"all-{uuid7().hex}", every=keep)
    await forget_durables(operator)
    begin = (await operator.jetstream().stream_info(STREAM)).state.last_seq + 1
    async with traffic_of(things, everything):
        little = await fold(1, 2)
        assert await first_after(1) <= begin
        more = await fold(3, 4)
        assert await first_after(KEEP_LOOKS - 2) <= begin
        assert await first_after(1) == little + 1, "what was folded at the first look, and no more"
        assert await first_after(1) == more + 1
    await operator.close()


async def forget_durables(client: Client) -> None:
    """Those of other tests, which fold nothing any more."""
    for durable in await client.jetstream().consumers_info(STREAM):
        await client.jetstream().delete_consumer(STREAM, durable.name)


async def folded_all(consumer: Consumer, client: Client) -> bool:
    last = (await client.jetstream().stream_info(STREAM)).state.last_seq
    return await consumer.folded(client, last) == last
