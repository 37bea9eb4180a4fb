"""What relay and fold carry when there is no end of events, each beside the barest way to do the same."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from ops.stack.backing import Backing
from services.activity.consumers import consumer
from shared import outbox
from shared.actor import SYSTEM
from shared.broker import STREAM, connect, ensure_stream
from shared.clock import now, uuid7
from shared.contracts.projects import MilestoneCompleted
from shared.contracts.summary import Summary
from shared.database import Database
from shared.relay import Relay
from tests.bench.report import Row
from tests.conftest import Cluster

EVENTS, CLIENTS = 10_000, 200
WINDOW = 256


async def databases(servers: Backing) -> tuple[str, str]:
    """A publisher's database and activity's, new ones, and an empty stream; the URLs of their runtime roles."""
    admin = make_url(servers.addresses.database_admin_url).set(database="postgres")
    cluster = Cluster(admin.render_as_string(hide_password=False))
    client = await connect(servers.addresses.nats_url, "bench")
    await ensure_stream(client.jetstream(), 1)
    await client.jetstream().purge_stream(STREAM)
    await client.close()
    return await cluster.create_bare("source"), await cluster.create("activity")


def fact(rng: random.Random) -> MilestoneCompleted:
    """Something that happened to some milestone."""
    today, project_id = now().date(), UUID(int=rng.getrandbits(128))
    return MilestoneCompleted(
        project_id=project_id,
        project_name="Website relaunch",
        name="Design approved",
        target_on=today,
        completed_on=today,
        version=2,
        summary=Summary(
            kind="milestone",
            title="Design approved",
            status="completed",
            version=2,
            made_on=today,
            project_id=project_id,
            due_on=today,
            done_on=today,
        ),
    )


async def throughput(servers: Backing) -> list[Row]:
    """The same events through the relay, then through the fold: what each carries when there is no end of them."""
    source_url, target_url = await databases(servers)
    source, target = Database(source_url), Database(target_url)
    broker = await connect(servers.addresses.nats_url, "bench")
    for database in (source, target):
        await database.start()
    rng = random.Random(1)
    async with source.uow(SYSTEM) as db:
        for _ in range(EVENTS):
            await outbox.append(db, SYSTEM, fact(rng), client_id=UUID(int=rng.randrange(CLIENTS)), aggregate_id=uuid7())
    reader = await asyncpg.connect(source.dsn, server_settings={"role": source.relay_role})
    bodies = [row[0].encode() for row in await reader.fetch("select event from outbox order by seq")]
    done = "select count(*) = 0 from outbox where published_at is null"
    relayed = await _rate(Relay("source", source, broker).run, lambda: reader.fetchval(done))
    follower = await asyncpg.connect(target.dsn)
    await follower.execute("set role activity_staff")
    done = f"select count(*) >= {EVENTS} from feed"
    folded = await _rate(lambda: consumer().run(target, broker), lambda: follower.fetchval(done))
    rows = [
        Row("relay, outbox to acknowledged", relayed, "/s", await _publish_floor(servers, bodies)),
        Row(
            "fold, broker to feed, audit and figures", folded, "/s", await _insert_floor(target), "500/s", folded >= 500
        ),
    ]
    await asyncio.gather(reader.close(), follower.close(), broker.close(), source.stop(), target.stop())
    return rows


async def _rate(work: Callable[[], Any], done: Callable[[], Any]) -> float:
    """Events a second of a worker that runs for ever, until `done` says so."""
    begun = time.monotonic()
    task = asyncio.ensure_future(work())
    while not await done():
        await asyncio.sleep(0.05)
    seconds = time.monotonic() - begun
    task.cancel()
    await asyncio.wait([task])
    return EVENTS / seconds


async def _publish_floor(servers: Backing, bodies: list[bytes]) -> float:
    """The same bodies to the same broker, as many in flight, and no database."""
    broker = await connect(servers.addresses.nats_url, "floor")
    jetstream = broker.jetstream()
    await jetstream.purge_stream(STREAM)
    begun = time.monotonic()
    for start in range(0, len(bodies), WINDOW):
        window = bodies[start : start + WINDOW]
        await asyncio.gather(*[await jetstream.publish_async("portal.bench", body) for body in window])
    seconds = time.monotonic() - begun
    await broker.close()
    return len(bodies) / seconds


async def _insert_floor(target: Database) -> float:
    """The same number of rows into a table with two indexes, one transaction for each full batch of the consumer."""
    connection = await asyncpg.connect(target.dsn)
    await connection.execute("set role activity_staff")
    rows = await connection.fetch("select * from feed order by position limit $1", EVENTS)
    width = len(rows[0])
    statement = f"insert into feed values ({', '.join(f'${number + 1}' for number in range(width))})"
    begun = time.monotonic()
    for start in range(0, EVENTS, 128):
        batch = [(row[0] + 10 * EVENTS, *row[1:]) for row in rows[start : start + 128]]
        async with connection.transaction():
            await connection.executemany(statement, batch)
    seconds = time.monotonic() - begun
    await connection.close()
    return EVENTS / seconds
