"""Outbox, relay and inbox against the real PostgreSQL and NATS, through a service small enough to see whole."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import text

from ops.stack.backing import Backing
from shared import dead_letters, outbox
from shared.actor import SYSTEM
from shared.background import Background
from shared.broker import connect
from shared.clock import uuid7
from shared.database import Database, Db
from shared.delivery import Traffic
from shared.events import EventData
from shared.inbox import Consumer, Delivery
from shared.relay import Relay
from tests.conftest import Cluster


class Thing(EventData, frozen=True):
    type: ClassVar[str] = "thing"
    subject: ClassVar[str] = "things.thing.happened.v1"
    number: int


class Rig:
    """One database with outbox and inbox, its relay, and a consumer that writes what it saw into `seen`."""

    def __init__(self, database: Database, nats_url: str) -> None:
        self.database = database
        self.nats_url = nats_url
        self.poison: set[int] = set()

    async def fold(self, db: Db, delivery: Delivery) -> None:
        number = delivery.event.data.number
        if number in self.poison:
            raise ValueError(f"{number} is poison")
        await db.execute(
            text("insert into seen (position, number) values (:p, :n)"), {"p": delivery.position, "n": number}
        )

    async def publish(self, *numbers: int) -> None:
        for number in numbers:
            async with self.database.uow(SYSTEM) as db:
                await outbox.append(db, SYSTEM, Thing(number=number), client_id=None, aggregate_id=uuid7())

    async def seen(self) -> list[int]:
        async with self.database.uow(SYSTEM) as db:
            return list(await db.scalars(text("select number from seen order by position")))

    async def until_seen(self, count: int) -> list[int]:
        async with asyncio.timeout(60):
            while len(found := await self.seen()) < count:
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def rig(servers: Backing, cluster: Cluster, streams: None) -> AsyncIterator[Rig]:
    url = await cluster.create_bare("things")
    rig = Rig(database := Database(url), servers.addresses.nats_url)
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
    client = await connect(rig.nats_url, "operator")
    letters = [
        letter for letter in await dead_letters.list_dead_letters(client) if letter.consumer.startswith("things")
    ]
    assert [letter.reason for letter in letters] == ["ValueError('3 is poison')"]
    rig.poison = set()
    await dead_letters.replay(client, letters[0])
    assert await rig.until_seen(5) == [1, 2, 4, 5, 3]
    assert not await dead_letters.list_dead_letters(client)
    await client.close()


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


@pytest.mark.parametrize("how", ["closed", "deaf"])
async def test_a_connection_that_is_dead_without_knowing_is_replaced(
    servers: Backing, cluster: Cluster, streams: None, how: str
) -> None:
    """As nats-py may end up when a broker comes and goes: connected by its own account, and nobody reads or writes."""
    rig = Rig(Database(await cluster.create_bare("things")), servers.addresses.nats_url)
    await rig.database.start()
    consumer = Consumer(f"things-{uuid7().hex}", {Thing: rig.fold})
    kept, traffic = Background(), Traffic("things", rig.database, [consumer], rig.nats_url)
    async with kept.keep("broker", lambda: traffic.run(kept)):
        await rig.publish(1)
        await rig.until_seen(1)
        client = traffic.client
        assert client
        for task in (client._reading_task, client._ping_interval_task, *([client._flusher_task] * (how == "closed"))):
            task.cancel()
        if how == "closed":
            client._transport.close()
        await asyncio.sleep(0)
        assert client.is_connected
        await rig.publish(2)
        assert await rig.until_seen(2) == [1, 2]
        assert traffic.client is not client
    await rig.database.stop()
