"""Looks into a database from beside: the connections for them are kept, as opening one costs more than most looks."""

from typing import Any

import asyncpg


class Looks:
    """Single statements in one database, in sessions with these settings. Made for the event loop of all tests."""

    def __init__(self, url: str, **settings: str) -> None:
        self._url = url
        self._settings = settings
        self._pool: asyncpg.Pool | None = None

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """The rows of a statement. Where a kept connection turns out to be dead, it is sent by a new one."""
        if self._pool:
            try:
                return await self._pool.fetch(statement, *values)
            except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, OSError):
                self._pool.terminate()
        self._pool = await asyncpg.create_pool(self._url, min_size=0, max_size=4, server_settings=self._settings)
        return await self._pool.fetch(statement, *values)

    async def close(self) -> None:
        if self._pool:
            await self._pool.close()
            self._pool = None
