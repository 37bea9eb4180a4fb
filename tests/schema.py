"""Compares what the revisions of a service make with what its models believe."""

from collections.abc import Collection
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from shared.orm import Base


def tables_of(service: str) -> set[str]:
    """The tables of the service's models, which its `app` imports."""
    mappers = Base.registry.mappers
    return {each.local_table.name for each in mappers if each.class_.__module__.startswith(f"services.{service}.")}


async def differences(url: str, service: str, tables: Collection[str]) -> list[object]:
    """Of these tables in columns, types and nullability; constraints and indexes belong to the revisions alone. `url`:
    the administrator's, of a database with the service in it.
    """

    def compare(connection: Connection) -> list[object]:
        connection.exec_driver_sql(f"set search_path = {service}")
        options: dict[str, Any] = {
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name in tables,
        }
        options["include_object"] = lambda thing, _name, kind, _reflected, _other: (
            kind == "column" or (kind == "table" and thing.name in tables)
        )
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found
