"""Appending to the audit log. Called by the fold alone, which is one at a time: a chain has one writer."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from services.activity.audit import queries
from services.activity.audit.chain import Link, extend
from services.activity.audit.devices import describe
from services.activity.audit.models import Author, Presence, Record

# Fields are named as columns are.
_APPEND = """
with added as (insert into audit select * from json_populate_recordset(null::audit, $1)),
     seen as (
        insert into known_sessions select * from json_populate_recordset(null::known_sessions, $2)
        on conflict (session_id) do nothing)
insert into known_actors select * from json_populate_recordset(null::known_actors, $3)
on conflict (id) do update set name = excluded.name where known_actors.name <> excluded.name
"""
USER_AGENT_LENGTH = 400


async def append(
    connection: asyncpg.Connection, records: Sequence[Record], presences: Sequence[Presence], authors: Sequence[Author]
) -> None:
    """Chain the records to what their clients have; keep where sessions came from, and whom the ids stand for."""
    heads = await queries.heads(connection, {record.client_id for record in records})
    added = [_row(link) for link in extend(heads, records)]
    seen = [_described(presence) for presence in presences]
    met = list({author.id: author for author in authors}.values())
    await connection.execute(_APPEND, *(msgspec.json.encode(rows).decode() for rows in (added, seen, met)))


def _row(link: Link) -> Mapping[str, Any]:
    row = msgspec.structs.asdict(link.record)
    return row | {"detail": msgspec.Raw(link.record.detail.encode()), "seq": link.seq, "hash": f"\\x{link.hash.hex()}"}


def _described(presence: Presence) -> Mapping[str, Any]:
    user_agent = presence.user_agent[:USER_AGENT_LENGTH]
    row = msgspec.structs.asdict(presence) | msgspec.structs.asdict(describe(user_agent))
    return row | {"user_agent": user_agent}
