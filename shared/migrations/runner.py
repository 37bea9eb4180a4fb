"""Roles, schema and revisions of one service, brought up to date by an administrator's connection.

Four roles a service: `<service>_owner` (no login) owns the tables and runs the revisions; `<service>_app` (the runtime)
owns nothing, so forced row-level security binds it, and has its schema as search_path; `<service>_staff` (no login) is
what the runtime becomes for one transaction when the caller may see all clients (docs/decisions/0003);
`<service>_relay` (no login) is what it becomes to deliver events, and includes the rights of staff
(docs/decisions/0090).
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_NAME = re.compile(r"[a-z][a-z_]{1,30}")

CONNECTIONS = 48
"""Of one service: three processes with their pools, and half of what a server usually takes."""

_RUNTIME_LIMITS = {
    "search_path": "{service}",
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

_OPEN_TO_EVERYBODY = text(
    """select datname from pg_database
       where datname in ('postgres', 'template1') and pg_has_role(datdba, 'usage')
         and (has_database_privilege('public', oid, 'connect') or has_database_privilege('public', oid, 'temporary'))"""
)
"""The databases that come with a server, as far as the administrator may close them: a runtime role needs neither."""


async def migrate(admin_url: str, service: str, password: str) -> None:
    """Create what is missing and apply what is new; safe to repeat and to run from several places at once.

    `admin_url` names the database and a role that may create roles; `password` becomes the runtime role's.
    """
    await prepare(admin_url, service, password)
    async with _locked(admin_url) as connection:
        await connection.execute(text(f"set role {service}_owner"))
        await connection.execute(text(f"set search_path = {service}"))
        await connection.execute(text("set lock_timeout = '5s'"))
        await connection.commit()
        await connection.run_sync(_upgrade, service)
        await connection.commit()


@asynccontextmanager
async def _locked(admin_url: str) -> AsyncGenerator[AsyncConnection]:
    """A connection holding the one lock of all set-up work: roles live in catalogues that every service writes."""
    engine = create_async_engine(make_url(admin_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select pg_advisory_lock(hashtextextended('portal:migrate', 0))"))
            await connection.commit()
            yield connection
    finally:
        await engine.dispose()


async def prepare(admin_url: str, service: str, password: str) -> None:
    """The roles and the schema of a service, without its tables."""
    if not _NAME.fullmatch(service):
        raise ValueError(f"not a service name: {service!r}")
    async with _locked(admin_url) as connection:
        await _prepare(connection, service, password)


async def _prepare(connection: AsyncConnection, service: str, password: str) -> None:
    for kind, how in (("owner", "nologin"), ("app", "login"), ("staff", "nologin"), ("relay", "nologin")):
        role = f"{service}_{kind}"
        if not await connection.scalar(text("select 1 from pg_roles where rolname = :role"), {"role": role}):
            await connection.execute(text(f"create role {role} {how} nosuperuser nocreatedb nocreaterole nobypassrls"))
    quoted = await connection.scalar(text("select quote_literal(cast(:password as text))"), {"password": password})
    await connection.execute(text(f"alter role {service}_app password {str(quoted).replace(':', chr(92) + ':')}"))
    await connection.execute(text(f"grant {service}_owner to current_user"))
    await connection.execute(text(f"create schema if not exists {service} authorization {service}_owner"))
    await connection.execute(text(f"grant usage on schema {service} to {service}_app, {service}_staff"))
    # Not inherited: their policies must not apply to the runtime role unless that asks to be one of them.
    for kind in ("staff", "relay"):
        await connection.execute(text(f"grant {service}_{kind} to {service}_app with inherit false, set true"))
    await connection.execute(text(f"grant {service}_staff to {service}_relay with inherit true, set false"))
    await _bound(connection, f"{service}_app", service)
    await connection.commit()


async def _bound(connection: AsyncConnection, role: str, service: str) -> None:
    """Set the settings and limits of the runtime role, and undo what it changed about itself.

    PostgreSQL lets every role change its own settings (docs/decisions/0089); it cannot change the connection limit,
    the rights on databases and `temp_file_limit`.
    """
    database = await connection.scalar(text("select quote_ident(current_database())"))
    for scope in ("", f" in database {database}"):
        await connection.execute(text(f"alter role {role}{scope} reset all"))
    for name, value in _RUNTIME_LIMITS.items():
        await connection.execute(text(f"alter role {role} set {name} = '{value.format(service=service)}'"))
    await connection.execute(text(f"alter role {role} connection limit {CONNECTIONS}"))
    await connection.execute(text(f"revoke temporary on database {database} from public"))
    for name in await connection.scalars(_OPEN_TO_EVERYBODY):
        await connection.execute(text(f"revoke all on database {name} from public"))
    if await connection.scalar(text("select has_parameter_privilege(current_user, 'temp_file_limit', 'set')")):
        await connection.execute(text(f"alter role {role} set temp_file_limit = '1GB'"))


def alembic_config(service: str) -> Config:
    """Where alembic finds this environment and the service's revisions."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["service"] = service
    return config


def _upgrade(connection: Connection, service: str) -> None:
    config = alembic_config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
