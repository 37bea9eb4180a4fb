"""The tenant lives and dies with its transaction, whatever happens to the request."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.actor import SYSTEM, Actor
from shared.clock import uuid7
from shared.database import Database, out_of_reach, take_lock
from shared.migrations.tables import fill_in, tenant_policy
from tests.conftest import PASSWORD, Cluster

TENANTS = [uuid7() for _ in range(4)]
ABORTS = 5_000


def person_of(client_id: UUID) -> Actor:
    return Actor(id=uuid7(), kind="client", client_id=client_id)


@pytest.fixture(scope="module")
async def notes_url(cluster: Cluster) -> str:
    """A database with one tenant table `notes` holding one row for each tenant."""
    url = await cluster.create_bare("notes")
    connection = await asyncpg.connect(cluster.admin_of(url))
    await connection.execute("set role notes_owner; set search_path = notes")
    await connection.execute("create table notes (client_id uuid not null, body text not null)")
    for statement in tenant_policy("notes"):
        await connection.execute(fill_in(statement, "notes"))
    await connection.execute("set role postgres")
    await connection.executemany("insert into notes values ($1, $2)", [(each, f"of {each}") for each in TENANTS])
    await connection.close()
    assert PASSWORD in url
    return url


@pytest.fixture
async def database(notes_url: str) -> AsyncIterator[Database]:
    database = Database(notes_url, pool=3)
    await database.start()
    yield database
    await database.stop()


async def test_a_tenant_sees_its_own_rows_in_both_kinds_of_transaction(database: Database) -> None:
    for tenant in TENANTS:
        async with database.uow(person_of(tenant)) as db:
            assert list(await db.scalars(text("select client_id from notes"))) == [tenant]
        async with database.read(person_of(tenant)) as connection:
            assert [row["client_id"] for row in await connection.fetch("select client_id from notes")] == [tenant]


async def test_nobody_sees_nothing_on_a_fresh_connection_and_on_a_used_one(database: Database, notes_url: str) -> None:
    fresh = await asyncpg.connect(notes_url)
    assert await fresh.fetchval("select count(*) from notes") == 0
    await fresh.close()
    for actor in (person_of(TENANTS[0]), Actor()):
        async with database.uow(actor) as db:
            assert await db.scalar(text("select count(*) from notes")) == (1 if actor.client_id else 0)
        async with database.read(actor) as connection:
            assert await connection.fetchval("select count(*) from notes") == (1 if actor.client_id else 0)


async def rows_without_a_tenant(database: Database) -> int:
    """What every pooled connection of both pools shows when nobody says whose rows are wanted."""
    seen = 0
    async with AsyncExitStack() as stack:
        for _ in range(3):
            driver = await stack.enter_async_context(database._pool.acquire())
            seen += await driver.fetchval("select count(*) from notes")
            connection = await stack.enter_async_context(database.engine.connect())
            seen += await connection.scalar(text("select count(*) from notes"))
    return seen


async def test_a_connection_given_back_carries_no_tenant(database: Database) -> None:
    for tenant in TENANTS * 3:
        async with database.uow(person_of(tenant)) as db, database.read(SYSTEM) as connection:
            await db.scalar(text("select count(*) from notes"))
            await connection.fetchval("select count(*) from notes")
    assert await rows_without_a_tenant(database) == 0


async def test_staff_and_the_portal_itself_see_all(database: Database) -> None:
    for actor in (SYSTEM, Actor(id=uuid7(), kind="staff")):
        async with database.uow(actor) as db:
            assert await db.scalar(text("select count(*) from notes")) == len(TENANTS)


async def test_a_row_of_another_tenant_cannot_be_written(database: Database) -> None:
    with pytest.raises(Exception, match="row-level security"):
        async with database.uow(person_of(TENANTS[0])) as db:
            await db.execute(text("insert into notes values (:other, 'x')"), {"other": TENANTS[1]})


async def test_a_read_only_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.read(SYSTEM) as connection:
            await connection.execute("insert into notes values ($1, 'x')", TENANTS[0])


async def test_a_failed_read_leaves_a_usable_connection(database: Database) -> None:
    for _ in range(10):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with database.read(person_of(TENANTS[0])) as connection:
                await connection.fetch("select 1/0")
    async with database.read(Actor()) as connection:
        assert await connection.fetchval("select count(*) from notes") == 0


async def test_a_kept_connection_that_ended_is_replaced(database: Database, notes_url: str, cluster: Cluster) -> None:
    async with database.uow(SYSTEM) as db:
        ended = await db.scalar(text("select pg_backend_pid()"))
    admin = await asyncpg.connect(cluster.admin_of(notes_url))
    assert await admin.fetchval("select pg_terminate_backend($1, 10000)", ended)
    await admin.close()
    async with database.uow(SYSTEM) as db:
        assert await db.scalar(text("select pg_backend_pid()")) != ended


async def test_aborted_requests_never_carry_a_tenant_over(database: Database) -> None:
    """T4: thousands of requests cancelled at any moment, on a pool of three, and not one foreign row."""
    foreign: list[UUID] = []
    finished = 0

    async def ask(tenant: UUID, writes: bool) -> None:
        nonlocal finished
        if writes:
            async with database.uow(person_of(tenant)) as db:
                rows = list(await db.scalars(text("select client_id from notes, pg_sleep(0.0005)")))
        else:
            async with database.read(person_of(tenant)) as connection:
                rows = [row[0] for row in await connection.fetch("select client_id from notes, pg_sleep(0.0005)")]
        foreign.extend(row for row in rows if row != tenant)
        finished += 1

    async def abort_some(chance: random.Random, count: int) -> None:
        for _ in range(count):
            task = asyncio.create_task(ask(chance.choice(TENANTS), chance.random() < 0.5))
            await asyncio.sleep(chance.uniform(0, 0.006))
            task.cancel()
            await asyncio.wait([task])

    await asyncio.gather(*(abort_some(random.Random(seed), ABORTS // 10) for seed in range(10)))
    assert foreign == []
    assert await rows_without_a_tenant(database) == 0
    await asyncio.gather(*(ask(tenant, writes) for tenant in TENANTS * 10 for writes in (True, False)))
    assert foreign == []
    assert finished >= 80
    async with database.uow(SYSTEM) as db:
        stuck = "select count(*) from pg_stat_activity where usename = 'notes_app' and state like 'idle in%'"
        assert await db.scalar(text(stuck)) == 0


async def test_an_argument_that_cannot_be_sent_is_no_outage(database: Database) -> None:
    """The driver has two errors of that name; one is also an error of the connection."""
    async with database.read(SYSTEM) as connection:
        with pytest.raises(asyncpg.DataError) as refusal:
            await connection.fetchval("select $1::bigint", 2**63)
    assert not out_of_reach(refusal.value)
    of_the_connection = asyncpg.InterfaceError.__subclasses__()
    [unsendable] = [kind for kind in of_the_connection if kind.__name__ == "DataError"]
    assert not out_of_reach(unsendable("x"))


PASSING = ["57P03", "57P01", "57014", "08006", "53300", "40P01", "55P03"]
FINAL = ["23505", "42501", "22P02", "P0001"]


@pytest.mark.parametrize("state", PASSING + FINAL)
def test_a_restart_is_told_from_a_refusal(state: str) -> None:
    """An event must not become a dead letter, nor a request a 500, because PostgreSQL was starting up."""
    plain = asyncpg.PostgresError("x")
    plain.sqlstate = state
    assert out_of_reach(plain) is (state in PASSING)
    assert out_of_reach(DBAPIError("select", {}, plain)) is (state in PASSING)


async def test_who_ends_while_asking_for_a_lock_keeps_it_from_nobody(
    database: Database, notes_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may be theirs by then. With its connection back in the pool, used by others and so never idle, it would
    be nobody's for as long as the process lives, and what is consumed under it would stand still.
    """

    async def ended(connection: asyncpg.Connection, lock: str) -> bool:
        assert await take_lock(connection, lock)
        raise asyncio.CancelledError

    monkeypatch.setattr("shared.database.LEASE_SECONDS", 3600.0)
    with monkeypatch.context() as patch, pytest.raises(asyncio.CancelledError):
        patch.setattr("shared.database.take_lock", ended)
        async with database.exclusive("consumer:notes"):
            pass
    other = Database(notes_url)
    await other.start()
    try:
        async with asyncio.timeout(20):
            while not await _gets(other, "consumer:notes"):
                await asyncio.sleep(0.05)
    finally:
        await other.stop()


async def _gets(database: Database, lock: str) -> bool:
    async with database.exclusive(lock) as held:
        return held is not None
