"""What is due is done once, in its order, by whichever process: against the real PostgreSQL, with deeds that write rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared import schedule
from shared.actor import SYSTEM, Actor
from shared.clock import now, uuid7
from shared.database import Database, Db
from shared.migrations.tables import due_table, fill_in
from shared.schedule import FAILED, FAILING, FIRST_PAUSE, LOOK_SECONDS, Moment, Scheduler, cancel, plan
from tests.clocks import living_ahead
from tests.conftest import Cluster

CALLS, QUIET = "calls", "quiet"
"""A schedule whose deeds are written down, and another one."""


class Rig:
    """A database with due moments, and what was done: a row for each deed, by the number of its key."""

    def __init__(self, url: str, admin_url: str) -> None:
        self.url = url
        self.admin_url = admin_url
        self.databases: list[Database] = []
        self.keys: list[UUID] = [uuid7() for _ in range(40)]
        self.fails: dict[UUID, Callable[[Db], Awaitable[None]]] = {}

    async def replica(self, stack: AsyncExitStack) -> tuple[Scheduler, Database]:
        """One more process, as far as the database can tell."""
        database = Database(self.url)
        await database.start()
        stack.push_async_callback(database.stop)
        return Scheduler({CALLS: self.write_down}), database

    async def write_down(self, db: Db, moment: Moment) -> None:
        """The deed. Those in `fails` do more in its transaction, and fail by it."""
        number = {"number": self.keys.index(moment.key)}
        await db.execute(
            text("insert into seen (position, number) select count(*), cast(:number as int) from seen"), number
        )
        if fail := self.fails.get(moment.key):
            await fail(db)

    async def sql(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement as an administrator."""
        connection = await asyncpg.connect(self.admin_url, server_settings={"search_path": "things"})
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    async def done(self) -> list[int]:
        """The numbers of those that were done, in order."""
        return [row["number"] for row in await self.sql("select number from seen order by position")]

    async def planned(self) -> dict[int, datetime]:
        """When which number is due."""
        return {self.keys.index(row["key"]): row["due_at"] for row in await self.sql("select * from due_moments")}


@pytest.fixture
async def rig(cluster: Cluster) -> Rig:
    url = await cluster.create_bare("things")
    rig = Rig(url, cluster.admin_of(url))
    connection = await asyncpg.connect(rig.admin_url)
    await connection.execute("set role things_owner; set search_path = things")
    for statement in due_table():
        await connection.execute(fill_in(statement, "things"))
    await connection.close()
    return rig


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def do_all(scheduler: Scheduler, database: Database) -> float:
    """Do what is due; the seconds until something may be."""
    while not (seconds := await scheduler.do_next(database)):
        pass
    return seconds


async def plan_at(rig: Rig, database: Database, *moments: tuple[int, timedelta]) -> None:
    """Have these numbers be due so much from now."""
    async with database.uow(SYSTEM) as db:
        for number, due in moments:
            await plan(db, CALLS, rig.keys[number], now() + due, client_id=None)


async def test_three_processes_do_each_once(rig: Rig, stack: AsyncExitStack) -> None:
    """They take what nobody else has in hand. One whose connection dies in the middle of it has done nothing."""
    replicas = [await rig.replica(stack) for _ in range(3)]
    dying = {rig.keys[number] for number in (0, 7, 21)}

    async def die(db: Db) -> None:
        await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    rig.fails = dict.fromkeys(dying, die)
    await plan_at(rig, replicas[0][1], *((number, timedelta(seconds=number - 60)) for number in range(40)))
    await asyncio.gather(*(do_all(*replica) for replica in replicas))
    assert sorted(await rig.done()) == [number for number in range(40) if rig.keys[number] not in dying]
    rig.fails = {}
    with living_ahead("+1m"):
        await asyncio.gather(*(do_all(*replica) for replica in replicas))
    assert sorted(await rig.done()) == list(range(40))
    assert await rig.planned() == {}


async def test_what_one_process_has_in_hand_keeps_no_other_waiting(rig: Rig, stack: AsyncExitStack) -> None:
    (one, first), (other, second) = [await rig.replica(stack) for _ in range(2)]
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def linger(_db: Db) -> None:
        in_hand.set()
        await go_on.wait()

    rig.fails = {rig.keys[0]: linger}
    await plan_at(rig, first, *((number, timedelta(seconds=number - 60)) for number in range(3)))
    lingering = asyncio.create_task(one.do_next(first))
    await in_hand.wait()
    assert await do_all(other, second) == LOOK_SECONDS
    assert await rig.done() == [1, 2]
    go_on.set()
    await lingering
    assert sorted(await rig.done()) == [0, 1, 2]


async def test_what_was_due_in_an_outage_is_done_in_its_order(rig: Rig, stack: AsyncExitStack) -> None:
    """What is to come is not, and no process looks again before it is due or something new may be."""
    scheduler, database = await rig.replica(stack)
    assert await do_all(scheduler, database) == LOOK_SECONDS
    days = [3, 1, 4, 9, 2]
    await plan_at(rig, database, *((number, -timedelta(days=ago)) for number, ago in enumerate(days)))
    await plan_at(rig, database, (10, timedelta(seconds=3)), (11, timedelta(hours=30)))
    seconds = await do_all(scheduler, database)
    assert await rig.done() == [3, 2, 0, 4, 1]
    assert 0 < seconds <= 3
    with living_ahead("+1d"):
        assert await do_all(scheduler, database) == LOOK_SECONDS
        assert await rig.done() == [3, 2, 0, 4, 1, 10]
    with living_ahead("+2d"):
        await do_all(scheduler, database)
    assert (await rig.done())[6:] == [11]


async def test_what_is_planned_again_moves_and_what_is_cancelled_is_not_done(rig: Rig, stack: AsyncExitStack) -> None:
    """With the transaction, or not at all."""
    scheduler, database = await rig.replica(stack)
    hour = timedelta(hours=1)
    await plan_at(rig, database, (1, -hour), (2, -hour), (3, -hour), (4, hour))
    await plan_at(rig, database, (1, hour))
    async with database.uow(SYSTEM) as db:
        await cancel(db, CALLS, rig.keys[2])
        await cancel(db, QUIET, rig.keys[3])
    with pytest.raises(RuntimeError):
        async with database.uow(SYSTEM) as db:
            await cancel(db, CALLS, rig.keys[4])
            await plan(db, CALLS, rig.keys[5], now() - hour, client_id=None)
            raise RuntimeError
    await do_all(scheduler, database)
    assert await rig.done() == [3]
    assert set(await rig.planned()) == {1, 4}


async def test_one_that_fails_is_tried_again_ever_later_and_holds_up_no_other(
    rig: Rig, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it fails for; one that does not end is ended. When it was due is known still."""
    scheduler, database = await rig.replica(stack)
    monkeypatch.setattr(schedule, "DEED_SECONDS", 0.5)

    async def refuse(_db: Db) -> None:
        raise ValueError

    async def break_it(db: Db) -> None:
        await db.execute(text("select 1 / 0"))

    async def never_end(_db: Db) -> None:
        await asyncio.Event().wait()

    rig.fails = {rig.keys[0]: refuse, rig.keys[1]: break_it, rig.keys[2]: never_end}
    before = FAILED.labels(CALLS)._value.get()
    await plan_at(rig, database, *((number, timedelta(seconds=number - 60)) for number in range(4)))
    due = await rig.planned()
    began = now()
    await do_all(scheduler, database)
    assert await rig.done() == [3]
    assert FAILED.labels(CALLS)._value.get() == before + 3
    assert FAILING._value.get() >= 60
    assert await rig.planned() == {number: due[number] for number in range(3)}
    rows = await rig.sql("select tries, try_at from due_moments")
    assert all(row["tries"] == 1 and row["try_at"] >= began + FIRST_PAUSE for row in rows)
    with living_ahead("+1m"):
        began = now()
        await do_all(scheduler, database)
        rows = await rig.sql("select tries, try_at from due_moments")
        assert all(row["tries"] == 2 and row["try_at"] >= began + 2 * FIRST_PAUSE for row in rows)
    rig.fails = {}
    with living_ahead("+2h"):
        assert await do_all(scheduler, database) == LOOK_SECONDS
    assert sorted(await rig.done()) == [0, 1, 2, 3]
    assert FAILING._value.get() == 0


async def test_what_was_planned_anew_while_it_failed_stays_as_it_was_planned(rig: Rig, stack: AsyncExitStack) -> None:
    scheduler, database = await rig.replica(stack)
    later = now() + timedelta(days=2)
    await plan_at(rig, database, (0, -timedelta(minutes=1)))
    [row] = await rig.sql("select * from due_moments")
    taken = Moment(row["schedule"], row["key"], row["client_id"], row["due_at"], row["tries"])
    async with database.uow(SYSTEM) as db:
        await plan(db, CALLS, rig.keys[0], later, client_id=None)
    await schedule._put_off(database, taken, ValueError())
    assert await do_all(scheduler, database) == LOOK_SECONDS
    [row] = await rig.sql("select due_at, try_at, tries from due_moments")
    assert tuple(row) == (later, later, 0)


async def test_a_schedule_that_is_not_known_here_waits_for_who_knows_it(rig: Rig, stack: AsyncExitStack) -> None:
    """As after going back to an older version."""
    scheduler, database = await rig.replica(stack)
    async with database.uow(SYSTEM) as db:
        await plan(db, QUIET, rig.keys[0], now() - timedelta(days=1), client_id=None)
    assert await do_all(scheduler, database) == LOOK_SECONDS
    assert (set(await rig.planned()), await rig.done()) == ({0}, [])


async def test_a_tenant_plans_and_cancels_its_own_alone(rig: Rig, stack: AsyncExitStack) -> None:
    scheduler, database = await rig.replica(stack)
    one, other = (Actor(id=uuid7(), kind="client", client_id=uuid7()) for _ in range(2))
    async with database.uow(one) as db:
        await plan(db, CALLS, rig.keys[0], now() - timedelta(hours=1), client_id=one.client_id)
    async with database.uow(other) as db:
        await cancel(db, CALLS, rig.keys[0])
    for client_id in (one.client_id, other.client_id):
        with pytest.raises(DBAPIError):
            async with database.uow(other) as db:
                await plan(db, CALLS, rig.keys[0], now() + timedelta(hours=1), client_id=client_id)
    await do_all(scheduler, database)
    assert await rig.done() == [0]
