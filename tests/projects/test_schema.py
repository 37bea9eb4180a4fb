"""What the revisions make is what the models believe, and every index of a tenant's table begins with its tenant."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.projects.milestones.models import Milestone
from shared.orm import Base
from tests.conftest import Cluster

TABLES = {"known_clients", "projects", "milestones", "milestone_dependencies"}


@pytest.fixture
async def url(cluster: Cluster) -> str:
    return cluster.admin_of(await cluster.create("projects"))


async def test_tables_and_models_are_the_same(url: str) -> None:
    """Columns, types and nullability; constraints and indexes belong to the revisions alone."""

    def differences(connection: Connection) -> list[object]:
        connection.exec_driver_sql("set search_path = projects")
        options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in TABLES}
        options["include_object"] = lambda thing, _name, kind, _reflected, _other: (
            kind == "column" or (kind == "table" and thing.name in TABLES)
        )
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    assert Milestone.__tablename__ in TABLES
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_indexes_begin_with_the_tenant(url: str) -> None:
    connection = await asyncpg.connect(url)
    indexes = await connection.fetch("select tablename, indexdef from pg_indexes where schemaname = 'projects'")
    await connection.close()
    found = [row["indexdef"].partition(" USING btree ")[2] for row in indexes if row["tablename"] in TABLES]
    assert len(found) >= 7
    assert {columns.split(",")[0].strip("()") for columns in found} == {"client_id", "id"}
    assert all(columns == "(id)" or columns.startswith("(client_id") for columns in found)
