"""Keeping what is known of clients. `changed` of one is the position of the last event that its overview depends on."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.activity.kpis.models import ClientFact

_LEARN = """
insert into known_clients (client_id, name, active, created_at, changed)
select client_id, name, active, at, position
from json_to_recordset($1) as fact (client_id uuid, name text, active boolean, at timestamptz, position bigint)
on conflict (client_id) do update set
    name = case when excluded.name = '' then known_clients.name else excluded.name end,
    active = coalesce(excluded.active, known_clients.active),
    created_at = least(known_clients.created_at, excluded.created_at),
    changed = excluded.changed
"""


async def learn(connection: asyncpg.Connection, facts: Sequence[tuple[int, ClientFact]]) -> None:
    """Store facts, each with its position, in order. Answers kept about their clients are outdated from then on."""
    known: dict[UUID, ClientFact] = {}
    for _, fact in facts:
        first = known.get(fact.client_id, fact)
        known[fact.client_id] = ClientFact(
            client_id=fact.client_id,
            at=min(first.at, fact.at),
            name=fact.name or first.name,
            active=first.active if fact.active is None else fact.active,
        )
    last = {fact.client_id: position for position, fact in facts}
    rows = [{**msgspec.structs.asdict(fact), "position": last[client_id]} for client_id, fact in known.items()]
    if rows:
        await connection.execute(_LEARN, msgspec.json.encode(rows).decode())
