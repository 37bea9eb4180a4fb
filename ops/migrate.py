"""The portal's database: created when missing, then every service's roles, schema and revisions."""

import asyncio
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL, make_url

from ops.stack.addresses import ADMIN_VARIABLE
from ops.stack.errors import StackError
from shared.migrations.runner import migrate

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30


async def migrate_all(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Bring the schemas of the services in `passwords` (name to runtime role's password) up to date."""
    await ensure_database(admin_url)
    for service, password in passwords.items():
        await migrate(admin_url, service, password)


async def migrate_from_environment(services: Collection[str]) -> None:
    """The same for an operator: PORTAL_DATABASE_ADMIN_URL, and PORTAL_DATABASE_PASSWORD_<SERVICE> for each service.

    Either may be a file's name in the variable with `_FILE` behind it. No names mean all services.
    """
    unknown = set(services) - set(services_with_schema())
    if unknown:
        raise StackError(f"{', '.join(sorted(unknown))} has no schema.", f"Choose of {services_with_schema()}.")
    chosen = services or services_with_schema()
    passwords = {name: setting(f"PORTAL_DATABASE_PASSWORD_{name.upper()}") for name in chosen}
    await migrate_all(setting(ADMIN_VARIABLE), passwords)


def services_with_schema() -> list[str]:
    """The services that own tables."""
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/migrations"))


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


def runtime_url(admin_url: str, service: str, password: str) -> str:
    """The address a service uses: the same database as its own role."""
    url = make_url(admin_url).set(username=f"{service}_app", password=password)
    return url.render_as_string(hide_password=False)


def setting(name: str) -> str:
    """A variable's value, or the content of the file it names with `_FILE` behind it. Raises `StackError`."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    if value := os.environ.get(name):
        return value
    raise StackError(f"{name} is not set.", "See deploy/env.")


async def _connect(url: URL) -> asyncpg.Connection:
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await asyncpg.connect(dsn, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.5)
