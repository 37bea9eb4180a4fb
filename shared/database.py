"""PostgreSQL: the unit of work and the read-only view, each one transaction with the tenant set inside it.

The tenant is set transaction-locally, never on the connection (docs/decisions/0003): a pooled connection carries
nothing over. Row-level security is the second lock; every query also names its tenant. Callers who may see all clients
act as the service's `_staff` role for the transaction, so that a tenant's policy stays a plain equality the planner
can use an index for. Who delivers events acts as its `_relay` role (docs/decisions/0090).
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any, cast

import asyncpg
import structlog
from sqlalchemy import event
from sqlalchemy.engine import AdaptedConnection, Connection, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from shared.actor import SYSTEM, Actor
from shared.errors import DomainError

Db = AsyncSession
UnitOfWork = Callable[[Actor], AbstractAsyncContextManager[Db]]
"""`async with uow(actor) as db:` one transaction; commits at the end, so before the answer is made."""

ReadOnly = Callable[[Actor], AbstractAsyncContextManager[asyncpg.Connection]]
"""`async with read(actor) as connection:` one read-only transaction past the ORM (docs/decisions/0004)."""

CONNECT_TIMEOUT = 2
STATEMENT_TIMEOUT = 5
"""As long as PostgreSQL lets a statement of these roles run. Where it cannot say so any more, this ends the wait."""
LEASE_SECONDS = 10.0
"""Who holds a lock and does nothing on its connection for so long has lost it, if another process wants it."""

BY_KEY = "set plan_cache_mode = force_generic_plan" + "".join(
    f"; set enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")
)
"""For a connection that finds single rows by their keys: a plan from when a table was small would read all of it."""
_TRY_LOCK = "select pg_try_advisory_lock(hashtextextended($1, 0))"
_EVICT = """
select pg_terminate_backend(holder.pid) from pg_locks held join pg_stat_activity holder using (pid)
where held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.database = (select oid from pg_database where datname = current_database())
    and (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended($1, 0)
    and holder.usename = session_user and holder.state_change < clock_timestamp() - make_interval(secs => $2)"""

log = structlog.get_logger("database")

_PASSING = ("08", "28", "40", "53", "55P03", "57")
"""SQLSTATE classes of what passes: connections, who may connect, collisions, resources, locks, and restarts."""
_NO_ROOM = ("22003", "22007", "22008", "22021", "22P05")


def out_of_reach(error: BaseException) -> bool:
    """Whether PostgreSQL could not serve just now, as opposed to refusing this one statement for good."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and out_of_reach(error.orig))
    if isinstance(error, OSError | PoolTimeout | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return not isinstance(error, ValueError)  # asyncpg's word for an argument that it cannot send
    return str(getattr(error, "sqlstate", None) or "").startswith(_PASSING)


def cannot_be_stored(error: BaseException) -> bool:
    """Whether a value was sent that PostgreSQL has no room for: a number or a date out of range, a NUL in a text."""
    if isinstance(error, DBAPIError) and error.orig:
        return cannot_be_stored(error.orig.__cause__ or error.orig)
    return isinstance(error, asyncpg.DataError) or getattr(error, "sqlstate", None) in _NO_ROOM


class TenantSession(Session):
    """A session whose every transaction begins by naming its tenant."""


def tenant_context(actor: Actor, staff_role: str) -> str:
    """The statement row-level security rests on. An actor without a tenant sees no rows.

    Values are of our own making (a UUID's text, a role's name), so they may stand in the text.
    """
    if actor.sees_all_clients:
        return f"set local role {staff_role}"
    return f"select set_config('app.client_id', '{actor.client_id or ''}', true)"


@event.listens_for(TenantSession, "after_begin")
def _set_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.exec_driver_sql(session.info["tenant"])


def _ask(connection: AdaptedConnection, *_: object) -> None:
    """Whether it is alive, before it is used. SQLAlchemy's own way makes a transaction of that: three round trips."""
    try:
        connection.run_async(lambda driver: driver.execute("select 1"))
    except Exception as error:
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError from error  # the pool opens another one
        raise


class Database:
    """The connections of one service, all of its runtime role."""

    def __init__(self, url: str, *, pool: int = 6) -> None:
        parsed = make_url(url)
        self.dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        service = (parsed.username or "").removesuffix("_app")
        self.staff_role, self.relay_role = f"{service}_staff", f"{service}_relay"
        self._patience: dict[str, Any] = {"timeout": CONNECT_TIMEOUT, "command_timeout": STATEMENT_TIMEOUT}
        self.engine = create_async_engine(
            parsed.set(drivername="postgresql+asyncpg"),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT,
            hide_parameters=True,  # what people sent does not belong in a log
            connect_args=self._patience,
        )
        event.listen(self.engine.sync_engine, "checkout", _ask)
        self._sessions = async_sessionmaker(self.engine, sync_session_class=TenantSession, expire_on_commit=False)
        self._pool_size = pool

    async def start(self) -> None:
        """Make the read pool, on the loop that will use it. No connection yet: PostgreSQL may be on its way up."""
        self._pool = await asyncpg.create_pool(
            self.dsn, min_size=0, max_size=self._pool_size, reset=_nothing_to_reset, **self._patience
        )

    async def stop(self) -> None:
        """Close every connection."""
        self._pool.terminate()
        await self.engine.dispose()

    @asynccontextmanager
    async def uow(self, actor: Actor) -> AsyncGenerator[Db]:
        """One transaction as `actor`. Raises what the statements raise, and then nothing was stored."""
        if joined := _joined.get():
            async with joined.as_(tenant_context(actor, self.staff_role)), joined.db.begin_nested():
                yield joined.db
            return
        async with self._sessions(info={"tenant": tenant_context(actor, self.staff_role)}) as db, db.begin():
            yield db

    @asynccontextmanager
    async def delivering(self) -> AsyncGenerator[Db]:
        """One transaction as who delivers events."""
        async with self._sessions(info={"tenant": tenant_context(SYSTEM, self.relay_role)}) as db, db.begin():
            yield db

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncGenerator[asyncpg.Connection]:
        """One read-only transaction as `actor` on a driver connection (SQL text, `$1` parameters)."""
        if joined := _joined.get():
            async with joined.as_(tenant_context(actor, self.staff_role)):
                yield await driver(joined.db)
            return
        begin = f"begin read only; {tenant_context(actor, self.staff_role)}"  # one round trip
        # A timer costs more than what it guards where a connection is at hand, or has just done what it was asked.
        connection = await self._pool.acquire(timeout=None if self._pool.get_idle_size() else CONNECT_TIMEOUT)
        patience: float | None = CONNECT_TIMEOUT
        try:
            await connection.execute(begin)
            yield cast("asyncpg.Connection", connection)
        except DomainError:  # "not found" is an everyday answer
            await connection.execute("commit")
            raise
        else:
            await connection.execute("commit")
            patience = None
        finally:  # After a failure the pool rolls back, and says so in the log, before the connection is used again.
            await self._pool.release(connection, timeout=patience)

    @asynccontextmanager
    async def joined(self, actor: Actor) -> AsyncGenerator[tuple[asyncpg.Connection, Callable[[], None]]]:
        """One transaction for everything that happens inside: units of work are parts of it, reads see what they did.

        Yields its driver connection, and what has it roll back at its end.
        """
        tenant = tenant_context(actor, self.staff_role)
        async with self._sessions(info={"tenant": tenant}) as db, db.begin() as transaction:
            joined = _Joined(db, tenant)
            token = _joined.set(joined)
            try:
                yield await driver(db), joined.give_up
            finally:
                _joined.reset(token)
            if joined.given_up:
                await transaction.rollback()

    @asynccontextmanager
    async def exclusive(self, lock: str) -> AsyncGenerator["ExclusiveConnection | None"]:
        """A connection holding the advisory lock `lock`, or None if another process holds it.

        Lock and work share one connection: whoever lost the lock lost the means to commit as well.
        """
        async with self.engine.connect() as connection:
            held = cast("asyncpg.Connection", (await connection.get_raw_connection()).driver_connection)
            holds = True  # also who ends while it asks, for all anybody knows
            try:
                if holds := await take_lock(held, lock):
                    await held.execute(BY_KEY)
                yield ExclusiveConnection(connection, self._sessions, self.relay_role) if holds else None
            finally:
                # The lock ends with the connection's session: that one must not go back to the pool.
                if holds:
                    await connection.invalidate()


class _Joined:
    """A transaction that units of work and reads take part in, each as its own actor."""

    def __init__(self, db: Db, tenant: str) -> None:
        self.db = db
        self.given_up = False
        self._tenant = tenant

    def give_up(self) -> None:
        self.given_up = True

    @asynccontextmanager
    async def as_(self, tenant: str) -> AsyncGenerator[None]:
        before, self._tenant = self._tenant, tenant
        await self._act()
        try:
            yield
        except Exception:
            self._tenant = before  # with a statement that failed, nothing more can be said in this transaction
            raise
        self._tenant = before
        await self._act()

    async def _act(self) -> None:
        self.db.sync_session.info["tenant"] = self._tenant
        await (await driver(self.db)).execute(f"set local role none; {self._tenant}")


_joined: ContextVar[_Joined | None] = ContextVar("joined", default=None)


class ExclusiveConnection:
    """Transactions, one after the other, on the connection that holds an advisory lock."""

    def __init__(self, connection: AsyncConnection, sessions: async_sessionmaker[Db], relay_role: str) -> None:
        self._connection = connection
        self._sessions = sessions
        self._tenant = tenant_context(SYSTEM, relay_role)

    async def renew(self) -> None:
        """Show that somebody is there: to be called at least every few seconds (`take_lock`)."""
        raw = await self._connection.get_raw_connection()
        await cast("asyncpg.Connection", raw.driver_connection).execute("select 1")

    @asynccontextmanager
    async def uow(self) -> AsyncGenerator[Db]:
        """One transaction as who delivers events, and so as the portal itself."""
        async with self._sessions(bind=self._connection, info={"tenant": self._tenant}) as db, db.begin():
            yield db

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[asyncpg.Connection]:
        """The same past the ORM, for who works in batches: less than half the time."""
        raw = await self._connection.get_raw_connection()
        connection = cast("asyncpg.Connection", raw.driver_connection)
        await connection.execute(f"begin; {self._tenant}")
        try:
            yield connection
        except Exception:
            await connection.execute("rollback")
            raise
        await connection.execute("commit")


async def take_lock(connection: asyncpg.Connection, lock: str) -> bool:
    """Whether the connection holds the advisory lock `lock` now, until it ends.

    A process that was stopped, or whose machine is gone, holds its locks for as long as PostgreSQL believes in its
    connection. One on which nothing was asked for `LEASE_SECONDS` is ended here, and the lock is free for the next try;
    whoever was only slow cannot commit on it any more.
    """
    if await connection.fetchval(_TRY_LOCK, lock):
        return True
    for _ in await connection.fetch(_EVICT, lock, LEASE_SECONDS):
        log.error("database.holder_ended", lock=lock)
    return False


async def driver(db: Db) -> asyncpg.Connection:
    """The driver connection under `db`, inside the same transaction: for statements the ORM would only slow down.

    What the session still holds back is written first, so that such a statement sees it.
    """
    await db.flush()
    raw = await (await db.connection()).get_raw_connection()
    return cast("asyncpg.Connection", raw.driver_connection)


async def _nothing_to_reset(_connection: Any) -> None:
    """Settings are transaction-local and nothing else is ever set, so the usual reset round trip is not needed."""
