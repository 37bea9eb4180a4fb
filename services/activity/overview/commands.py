"""Keeping one row per thing. Called by the fold alone; a stale version never overwrites a newer one."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.activity.overview.models import Bare, Thing

_FIELDS = [field for field in Thing.__struct_fields__ if field not in ("client_id", "id", "publisher", "at")]

# Who reads the entries about a deleted thing is who last read it: its last event may say no more of that.
_LASTING = {
    "private": "excluded.private or excluded.deleted and overview.private",
    **{
        field: f"case when excluded.deleted then overview.{field} else excluded.{field} end"
        for field in ("reader_roles", "reader_people", "hides")
    },
}

_TAKEN = ", ".join(f"{field} = {_LASTING.get(field, f'excluded.{field}')}" for field in _FIELDS)

# Fields are named as columns are. What is published again has the known version, and makes nothing newer. A thing
# belongs to the service that published it first. Answered is of which projects, and of which things beside them, the
# client sees more or less now.
_KEEP = f"""
with told as materialized (select * from json_populate_recordset(null::overview, $1)),
     known as (select o.id, o.private, o.hides from told join overview o using (client_id, id)),
     kept as (
        insert into overview select * from told
        on conflict (client_id, id) do update set
            {_TAKEN}, at = greatest(overview.at, excluded.at)
        where overview.version <= excluded.version and overview.publisher = excluded.publisher
        returning id, client_id, project_id, private, hides)
select distinct coalesce(kept.project_id, id) as about, kept.client_id from kept join known using (id)
where (kept.private, kept.hides) is distinct from (known.private, known.hides)
"""  # noqa: S608  (our own text)

# The version is taken as well: what is published again has it, and completes the row.
_CORRECT = """
update overview set private = told.private, hides = coalesce(told.hides, overview.hides), version = told.version
from json_populate_recordset(null::overview, $1) as told
where overview.client_id = told.client_id and overview.id = told.id
    and overview.publisher = told.publisher and overview.version < told.version
returning coalesce(overview.project_id, overview.id) as about, overview.client_id
"""


async def keep(connection: asyncpg.Connection, things: Sequence[Thing]) -> dict[UUID, UUID]:
    """Store things as their events tell them, of each the newest version.

    Answers the projects, and things of none, (with their clients) of which the client sees more or less than before.
    """
    newest: dict[UUID, Thing] = {}
    for thing in things:
        known = newest.get(thing.id)
        if known is None or known.version <= thing.version:
            newest[thing.id] = thing if known is None else msgspec.structs.replace(thing, at=max(known.at, thing.at))
    if not newest:
        return {}
    rows = await connection.fetch(_KEEP, msgspec.json.encode(list(newest.values())).decode())
    return {row["about"]: row["client_id"] for row in rows}


async def correct(connection: asyncpg.Connection, told: Sequence[Bare]) -> dict[UUID, UUID]:
    """Take from events without a summary what decides who sees a known thing. What is not known stays unknown.

    Answers the projects, and things of none, (with their clients) concerned.
    """
    newest = {each.id: each for each in sorted(told, key=lambda each: each.version)}
    if not newest:
        return {}
    rows = await connection.fetch(_CORRECT, msgspec.json.encode(list(newest.values())).decode())
    return {row["about"]: row["client_id"] for row in rows}
