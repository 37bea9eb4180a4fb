"""From a commit to the feed, with everything dying on the way: nothing lost, nothing twice, in order (E1 to E6)."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg
import msgspec

from ops import dead_letters
from ops.stack.backing import Backing
from services.activity.audit.verify import verify
from shared import outbox
from shared.actor import SYSTEM
from shared.broker import STREAM, connect, ensure_stream
from shared.clock import now, uuid7
from shared.database import Database
from shared.events import Event
from shared.inbox import DEAD
from shared.relay import Relay
from shared.testing.claims import Signer
from tests.activity.build import ACME, milestone_created, project_created
from tests.activity.chaos import Follower, kill_everything
from tests.activity.parts import relay, write
from tests.activity.process import Part, service
from tests.activity.rig import Rig, empty_streams, publisher
from tests.activity.sse import Browser
from tests.conftest import Cluster

PROJECT = uuid7()
SUBJECT = "portal.projects.milestone.created.v1"
OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
"""How many connections to this database there are besides the one that asks."""


async def test_a_change_and_its_event_commit_together_or_not_at_all(cluster: Cluster) -> None:
    """E1: kill -9 at random moments of more than 500 writes."""
    url = await cluster.create_bare("source")
    connection = await asyncpg.connect(url, server_settings={"role": "source_relay"})
    rng = random.Random(1)
    written = 0
    while written < 500:
        writer = Part(write, url)
        writer.start()
        async with asyncio.timeout(30):
            while await connection.fetchval("select count(*) from seen") < written + 100:
                await asyncio.sleep(rng.random() * 0.02)
        writer.kill()
        async with asyncio.timeout(30):  # a commit that was sent before the end is still carried out
            while await connection.fetchval(OTHERS):
                await asyncio.sleep(0.01)
        written = await connection.fetchval("select count(*) from seen")
    rows = {f"{row['position']}-{row['number']}" for row in await connection.fetch("select * from seen")}
    events = {row[0] for row in await connection.fetch("select event -> 'data' ->> 'name' from outbox")}
    await connection.close()
    assert len(rows) == written
    assert rows == events


async def commit(database: Database, milestone: UUID, versions: range, committed: list[UUID]) -> None:
    """One writer with an aggregate of its own: its versions in order."""
    for version in versions:
        async with database.uow(SYSTEM) as db:
            event = await outbox.append(
                db, SYSTEM, milestone_created(PROJECT, str(version), version), client_id=ACME, aggregate_id=milestone
            )
        committed.append(event)
        await asyncio.sleep(0.02)


async def test_nothing_is_lost_or_shown_twice_while_everything_is_killed(
    servers: Backing, cluster: Cluster, signer: Signer, tmp_path: Path
) -> None:
    """E2: broker, relays and consumer die three times each, at random, while events keep being committed."""
    await empty_streams(servers)
    source = Database(await cluster.create_bare("source"))
    await source.start()
    target = await cluster.create("activity")
    relays = [Part(relay, source.dsn, servers.addresses.nats_url) for _ in range(2)]
    committed: list[UUID] = []
    milestones = [uuid7() for _ in range(4)]
    async with (
        AsyncExitStack() as ended,
        service(servers, signer, target, tmp_path) as activity,
        aiohttp.ClientSession() as http,
    ):
        follower = Follower(Browser(activity.url, signer, http))
        following = asyncio.create_task(follower.run())
        for each in relays:
            each.start()
            ended.callback(each.kill)  # whatever comes: the tests behind this one have the same broker
        writers = asyncio.gather(*(commit(source, each, range(1, 101), committed) for each in milestones))
        await kill_everything(random.Random(2), servers, activity, relays)
        await writers
        connection = await asyncpg.connect(cluster.admin_of(target), server_settings={"search_path": "activity"})
        async with asyncio.timeout(60):
            while await connection.fetchval("select count(*) from feed") < 400 or len(follower.shown) < 400:
                assert not following.done(), following.result()
                await asyncio.sleep(0.05)
        following.cancel()
        feed = await connection.fetch("select id, target_id, facts->>'name' as name from feed order by position")
        audited = {row[0] for row in await connection.fetch("select event_id from audit")}
        await connection.close()
    await source.stop()
    assert Counter(row["id"] for row in feed) == Counter(committed)
    assert audited == set(committed)
    assert follower.shown == [str(row["id"]) for row in feed]
    for milestone in milestones:
        versions = [int(row["name"]) for row in feed if row["target_id"] == milestone]
        assert versions == list(range(1, 101))
    assert await verify(target) == []


async def test_commits_that_overtake_each_other_are_all_told_and_each_thing_s_in_order(
    servers: Backing, cluster: Cluster
) -> None:
    """E3 and E4: 16 writers with random delays before their commits; two relays that find something waiting."""
    await empty_streams(servers)
    rng = random.Random(3)
    committed: dict[UUID, list[UUID]] = {uuid7(): [] for _ in range(16)}
    async with publisher(servers, cluster, relays=0) as source:
        gate = asyncio.Semaphore(6)  # the pool's size

        async def write(about: UUID) -> None:
            for version in range(1, 21):
                async with gate, source.database.uow(SYSTEM) as db:
                    event = await outbox.append(
                        db, SYSTEM, project_created(str(version), version), client_id=ACME, aggregate_id=about
                    )
                    await asyncio.sleep(rng.random() * 0.03)
                committed[about].append(event)

        writing = asyncio.gather(*map(write, committed))
        while sum(map(len, committed.values())) < 100:
            await asyncio.sleep(0.01)
        relays = [asyncio.create_task(Relay("source", source.database, source.client).run()) for _ in range(2)]
        await writing
        async with asyncio.timeout(30):
            while await source.published() < 320:
                await asyncio.sleep(0.02)
        for each in relays:
            each.cancel()
        await asyncio.wait(relays)
        told = await everything(servers)
    assert len(told) == 320
    for about, events in committed.items():
        assert [event.id for event in told if event.subject == about] == events


async def everything(servers: Backing) -> list[Event[msgspec.Raw]]:
    """The whole stream, in order."""
    client = await connect(servers.addresses.nats_url, "tests")
    jetstream = client.jetstream()
    state = (await jetstream.stream_info(STREAM)).state
    messages = [await jetstream.get_msg(STREAM, seq) for seq in range(state.first_seq, state.last_seq + 1)]
    await client.close()
    return [msgspec.json.decode(message.data or b"", type=Event[msgspec.Raw]) for message in messages]


async def again(servers: Backing, body: bytes, count: int = 1) -> None:
    """Publish an event anew under message ids the broker has never seen, as after its duplicate window."""
    client = await connect(servers.addresses.nats_url, "tests")
    for _ in range(count):
        await client.jetstream().publish(SUBJECT, body, headers={"Nats-Msg-Id": str(uuid7())})
    await client.close()


async def newest(rig: Rig) -> bytes:
    """The newest event of the stream, as published."""
    last = await rig.source.client.jetstream().get_last_msg(STREAM, SUBJECT)
    return last.data or b""


async def test_an_event_published_again_later_is_one_entry(rig: Rig, servers: Backing) -> None:
    """E5: again at once, twice in one batch, and after the stream was purged."""
    event = await rig.publish(milestone_created(PROJECT, "Once"), uuid7())
    await rig.settle()
    body = await newest(rig)
    await again(servers, body, 3)
    await rig.settle()
    await rig.source.client.jetstream().purge_stream(STREAM)
    await again(servers, body, 2)
    after = await rig.publish(milestone_created(PROJECT, "After"), uuid7())
    await rig.settle()
    assert (await rig.ids())[-2:] == [event, after]
    assert (await rig.sql("select count(*) from audit where event_id = $1", event))[0][0] == 1


async def until_told(rig: Rig, event: UUID) -> None:
    """Wait for an entry, where positions of the stream say nothing."""
    async with asyncio.timeout(30):
        while event not in await rig.ids():
            await asyncio.sleep(0.05)


async def positions(rig: Rig) -> list[int]:
    return [row[0] for row in await rig.sql("select position from feed order by at, position")]


async def test_a_stream_that_was_lost_goes_on_behind_what_was_folded(rig: Rig, servers: Backing) -> None:
    """The broker lost its disk: it counts from one, the feed and the ids of the live stream do not."""
    before = [await rig.publish(milestone_created(PROJECT, f"Before {number}"), uuid7()) for number in range(5)]
    await rig.settle()
    body = await newest(rig)
    jetstream = rig.source.client.jetstream()
    await jetstream.delete_stream(STREAM)
    await ensure_stream(jetstream, 1)
    await again(servers, body)
    after = [await rig.publish(milestone_created(PROJECT, f"After {number}"), uuid7()) for number in range(3)]
    await until_told(rig, after[-1])
    assert (await rig.ids())[-8:] == before + after
    assert await positions(rig) == sorted(await positions(rig))


async def test_a_broker_restored_to_earlier_goes_on_behind_what_was_folded(rig: Rig) -> None:
    """A backup of the broker older than ours: its numbers were used before, for events we have."""
    await rig.publish(milestone_created(PROJECT, "Before"), uuid7())
    await rig.settle()
    await rig.sql("update feed set position = position + 50 where position = (select max(position) from feed)")
    await rig.sql("update inbox_positions set position = position + 50")
    await rig.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid()"
    )
    after = await rig.publish(milestone_created(PROJECT, "After"), uuid7())
    await until_told(rig, after)
    assert (await rig.ids())[-1] == after
    assert await positions(rig) == sorted(await positions(rig))


async def test_poison_blocks_nobody_and_can_be_replayed_after_a_fix(rig: Rig, servers: Backing) -> None:
    """E6: two that cannot be read, one that breaks its contract, one the database refuses, among 600 others."""
    before, refused = DEAD.labels("activity")._value.get(), len(await rig.ids())
    await rig.sql("alter table feed add constraint fixed_later check (facts->>'name' not like '%Poison%')")
    broken = msgspec.json.encode(
        Event[dict[str, str]](
            id=uuid7(),
            source="/services/projects",
            type="milestone_created",
            subject=PROJECT,
            time=now(),
            data={"name": "x"},
        )
    )
    poison = uuid7()
    for number in range(6):
        await rig.publish_all([(milestone_created(PROJECT, f"Good {number}-{each}"), uuid7()) for each in range(100)])
        if number == 1:
            await again(servers, b"\xff{not json")
        if number == 2:
            await again(servers, broken.replace(b'"x"}', b"[" * 60_000 + b"]" * 60_000 + b"}"))
        if number == 3:
            await again(servers, broken)
        if number == 4:
            await rig.publish(milestone_created(PROJECT, "Poison"), poison)
    await rig.settle()
    assert len(await rig.ids()) == refused + 600
    letters = await dead_letters_of(rig)
    assert [(letter.consumer, letter.reason.partition("(")[0]) for letter in letters] == [
        ("activity", "DecodeError"),
        ("activity", "RecursionError"),
        ("activity", "ValidationError"),
        ("activity", "CheckViolationError"),
    ]
    assert DEAD.labels("activity")._value.get() == before + 4

    await rig.sql("alter table feed drop constraint fixed_later")
    async with administrator(rig) as connection:
        await dead_letters.replay(connection, rig.source.client, letters[3])
    await again(servers, letters[3].event, 2)
    await rig.settle()
    [entry] = await rig.sql("select facts->>'name' as name from feed where target_id = $1", poison)
    assert "Poison" in entry["name"]
    assert await dead_letters_of(rig) == letters[:3]
    assert await verify(rig.admin_url) == []


async def dead_letters_of(rig: Rig) -> list[dead_letters.DeadLetter]:
    async with administrator(rig) as connection:
        return await dead_letters.list_dead_letters(connection)


@asynccontextmanager
async def administrator(rig: Rig) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(rig.admin_url, server_settings={"search_path": "activity"})
    try:
        yield connection
    finally:
        await connection.close()
