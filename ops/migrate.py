"""The portal's database: created when missing, then every service's roles, schema and revisions."""

import asyncio
from collections.abc import Mapping

import asyncpg
from sqlalchemy.engine import URL, make_url

from ops.databases import plain_url
from ops.moving import move_webhooks
from shared.migrations.runner import migrate

PATIENCE_SECONDS = 30


async def migrate_all(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Bring the schemas of the services in `passwords` (name to runtime role's password) up to date."""
    await ensure_database(admin_url)
    for service, password in passwords.items():
        await migrate(admin_url, service, password)
    await move_webhooks(plain_url(admin_url))


async def ensure_database(admin_url: str) -> None:
    """Create the database that `admin_url` names, unless it is there. Waits a while for a server that still starts."""
    url = make_url(admin_url)
    try:
        await (await _connect(url)).close()
    except asyncpg.InvalidCatalogNameError:
        connection = await _connect(url.set(database="postgres"))
        try:
            await connection.execute('create database "{}"'.format((url.database or "").replace('"', '""')))
        except asyncpg.DuplicateDatabaseError:
            pass  # somebody was quicker
        finally:
            await connection.close()


async def _connect(url: URL) -> asyncpg.Connection:
    dsn = plain_url(url)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await asyncpg.connect(dsn, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.5)
