"""Databases of a service as an earlier version of it left them."""

from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.migrations.runner import alembic_config, prepare
from tests.conftest import PASSWORD, Cluster


async def database_at(cluster: Cluster, service: str, revision: str) -> str:
    """A new database with the schema as of that revision; the administrator's URL."""
    url = cluster.admin_of(await cluster.create_bare("source"))  # for the database alone: the schema is another
    await prepare(url, service, PASSWORD)
    await upgrade(url, service, revision)
    return url


async def upgrade(url: str, service: str, revision: str) -> None:
    """Bring the schema to that revision, as its owner."""

    def run(connection: Connection) -> None:
        config = alembic_config(service)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for statement in (f"set role {service}_owner", f"set search_path = {service}"):
            await connection.execute(text(statement))
        await connection.run_sync(run)
    await engine.dispose()
