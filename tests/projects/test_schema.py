"""What the revisions make is what the models believe, and every index of a tenant's table begins with its tenant."""

import asyncpg
import pytest

import services.projects.app  # noqa: F401  (imports every model)
from tests.conftest import Cluster
from tests.schema import differences, tables_of

TABLES = {"known_clients", "projects", "milestones", "milestone_dependencies"}


@pytest.fixture
async def url(cluster: Cluster) -> str:
    return cluster.admin_of(await cluster.create("projects"))


async def test_tables_and_models_are_the_same(url: str) -> None:
    assert tables_of("projects") | {"milestone_dependencies"} == TABLES
    assert await differences(url, "projects", TABLES) == []


async def test_indexes_begin_with_the_tenant(url: str) -> None:
    connection = await asyncpg.connect(url)
    indexes = await connection.fetch("select tablename, indexdef from pg_indexes where schemaname = 'projects'")
    await connection.close()
    found = [row["indexdef"].partition(" USING btree ")[2] for row in indexes if row["tablename"] in TABLES]
    assert len(found) >= 7
    assert {columns.split(",")[0].strip("()") for columns in found} == {"client_id", "id"}
    assert all(columns == "(id)" or columns.startswith("(client_id") for columns in found)
