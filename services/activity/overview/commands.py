"""Keeping one row per thing. Called by the fold alone; a stale version never overwrites a newer one."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.activity.overview.models import Thing

_FIELDS = [field for field in Thing.__struct_fields__ if field not in ("client_id", "id", "publisher", "at")]

# Fields are named as columns are. What is published again has the known version, and makes nothing newer. A thing
# belongs to the service that published it first.
_KEEP = f"""
insert into overview select * from json_populate_recordset(null::overview, $1)
on conflict (client_id, id) do update set
    {", ".join(f"{field} = excluded.{field}" for field in _FIELDS)}, at = greatest(overview.at, excluded.at)
where overview.version <= excluded.version and overview.publisher = excluded.publisher
"""  # noqa: S608  (our own text)


async def keep(connection: asyncpg.Connection, things: Sequence[Thing]) -> None:
    """Store things as their events tell them, of each the newest version."""
    newest: dict[UUID, Thing] = {}
    for thing in things:
        known = newest.get(thing.id)
        if known is None or known.version <= thing.version:
            newest[thing.id] = thing if known is None else msgspec.structs.replace(thing, at=max(known.at, thing.at))
    if newest:
        await connection.execute(_KEEP, msgspec.json.encode(list(newest.values())).decode())
