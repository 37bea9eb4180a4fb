"""What the revisions make is what the models believe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

import services.notifications.app  # noqa: F401  (imports every model)
from shared.orm import Base
from tests.conftest import Cluster

TABLES = {
    mapper.local_table.name
    for mapper in Base.registry.mappers
    if mapper.class_.__module__.startswith("services.notifications")
}


async def test_tables_and_models_are_the_same(cluster: Cluster) -> None:
    """Columns, types and nullability; constraints and indexes belong to the revisions alone."""

    def differences(connection: Connection) -> list[object]:
        connection.exec_driver_sql("set search_path = notifications")
        options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in TABLES}
        options["include_object"] = lambda thing, _name, kind, _reflected, _other: (
            kind == "column" or (kind == "table" and thing.name in TABLES)
        )
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    assert {"choices", "webhooks", "webhook_secrets", "webhook_deliveries"} == TABLES
    url = cluster.admin_of(await cluster.create("notifications"))
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
