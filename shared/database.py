"""PostgreSQL: the unit of work and the read-only view, each one transaction with the tenant set inside it.

The tenant is set transaction-locally, never on the connection (docs/decisions/0003): a pooled connection carries
nothing over. Row-level security is the second lock; every query also names its tenant.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from shared.actor import SYSTEM, Actor

Db = AsyncSession
UnitOfWork = Callable[[Actor], AbstractAsyncContextManager[Db]]
"""`async with uow(actor) as db:` one transaction; commits at the end, so before the answer is made."""

ReadOnly = Callable[[Actor], AbstractAsyncContextManager[asyncpg.Connection]]
"""`async with read(actor) as connection:` one read-only transaction past the ORM (docs/decisions/0004)."""

_SET_TENANT = text("select set_config('app.client_id', :client, true), set_config('app.all_clients', :all, true)")
_TRY_LOCK = text("select pg_try_advisory_lock(hashtextextended(:lock, 0))")
CONNECT_TIMEOUT = 2


class TenantSession(Session):
    """A session whose every transaction begins by naming its tenant."""


def tenant_settings(actor: Actor) -> dict[str, str]:
    """The two settings row-level security reads. An actor with neither sees no rows."""
    return {"client": str(actor.client_id or ""), "all": "on" if actor.sees_all_clients else ""}


@event.listens_for(TenantSession, "after_begin")
def _set_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.execute(_SET_TENANT, session.info["tenant"])


class Database:
    """The connections of one service, all of its runtime role."""

    def __init__(self, url: str, *, pool: int = 6) -> None:
        parsed = make_url(url)
        self.dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self.engine = create_async_engine(
            parsed.set(drivername="postgresql+asyncpg"),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT,
            pool_pre_ping=True,
            connect_args={"timeout": CONNECT_TIMEOUT},
        )
        self._sessions = async_sessionmaker(self.engine, sync_session_class=TenantSession, expire_on_commit=False)
        self._pool = asyncpg.create_pool(
            self.dsn, min_size=0, max_size=pool, timeout=CONNECT_TIMEOUT, reset=_nothing_to_reset
        )

    async def start(self) -> None:
        """Make the read pool ready. Opens no connection, so PostgreSQL may still be on its way up."""
        await self._pool

    async def stop(self) -> None:
        """Close every connection."""
        self._pool.terminate()
        await self.engine.dispose()

    @asynccontextmanager
    async def uow(self, actor: Actor) -> AsyncGenerator[Db]:
        """One transaction as `actor`. Raises what the statements raise, and then nothing was stored."""
        async with self._sessions(info={"tenant": tenant_settings(actor)}) as db, db.begin():
            yield db

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncGenerator[asyncpg.Connection]:
        """One read-only transaction as `actor` on a driver connection (SQL text, `$1` parameters)."""
        tenant = tenant_settings(actor)
        # One round trip. Both values are of our own making (a UUID's text, 'on' or ''), so quoting is safe.
        begin = (
            f"begin read only; select set_config('app.client_id', '{tenant['client']}', true),"
            f" set_config('app.all_clients', '{tenant['all']}', true)"
        )
        async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            await connection.execute(begin)
            yield cast("asyncpg.Connection", connection)
            await connection.execute("commit")
            # On any way out but this one the pool rolls back before the connection is used again.

    @asynccontextmanager
    async def exclusive(self, lock: str) -> AsyncGenerator["ExclusiveConnection | None"]:
        """A connection holding the advisory lock `lock`, or None if another process holds it.

        Lock and work share one connection: whoever lost the lock lost the means to commit as well.
        """
        async with self.engine.connect() as connection:
            took = await connection.scalar(_TRY_LOCK, {"lock": lock})
            await connection.commit()
            if not took:
                yield None
                return
            try:
                yield ExclusiveConnection(connection)
            finally:
                # The lock ends with the connection's session: that one must not go back to the pool.
                await connection.invalidate()


class ExclusiveConnection:
    """Transactions, one after the other, on the connection that holds an advisory lock."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def uow(self) -> AsyncGenerator[Db]:
        """One transaction as the portal itself."""
        async with (
            AsyncSession(
                self._connection,
                sync_session_class=TenantSession,
                expire_on_commit=False,
                info={"tenant": tenant_settings(SYSTEM)},
            ) as db,
            db.begin(),
        ):
            yield db


async def driver(db: Db) -> asyncpg.Connection:
    """The driver connection under `db`, inside the same transaction: for statements the ORM would only slow down."""
    raw = await (await db.connection()).get_raw_connection()
    return cast("asyncpg.Connection", raw.driver_connection)


async def _nothing_to_reset(_connection: Any) -> None:
    """Settings are transaction-local and nothing else is ever set, so the usual reset round trip is not needed."""
