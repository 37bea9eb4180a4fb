"""Keeping the list of recorded sessions. Called by the fold alone; what was opened stands in the audit log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.activity.recordings.models import Visit

_VISITED = """
insert into recordings (client_id, session_id, position, actor_id, actor_kind, began_at, last_at, visits)
select client_id, session_id, min(position), (array_agg(actor_id))[1], min(actor_kind), min(at), max(at), count(*)
from json_to_recordset($1) as visit (client_id uuid, session_id uuid, position bigint, actor_id uuid, actor_kind text,
                                     at timestamptz)
group by client_id, session_id
on conflict (client_id, session_id) do update
set last_at = greatest(recordings.last_at, excluded.last_at), visits = recordings.visits + excluded.visits
"""
_ENDED = """
update recordings r set ended_at = e.at
from unnest($1::uuid[], $2::timestamptz[]) as e (session_id, at)
where r.session_id = e.session_id and r.ended_at is null
"""


async def learn(connection: asyncpg.Connection, visits: Sequence[Visit], over: Mapping[UUID, datetime]) -> None:
    """Count visits to their recordings, and note which of them are over: the sessions that ended, with when."""
    if visits:
        await connection.execute(_VISITED, msgspec.json.encode(visits).decode())
    if over:
        await connection.execute(_ENDED, list(over), list(over.values()))
