"""Keeping what the figures are computed from. A stale version never overwrites a newer one."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from msgspec import UNSET

from services.activity.kpis.models import ClientFact, Fact, MilestoneFact, ProjectFact

_CLIENT = """
insert into known_clients (client_id, name, created_at, changed) values ($1, $2, $3, $4)
on conflict (client_id) do update set
    name = case when excluded.name = '' then known_clients.name else excluded.name end,
    changed = excluded.changed
"""
_PROJECT = f"""
with client as ({_CLIENT})
insert into known_projects (client_id, id, version, name, since, completed_on, private, hidden_fields)
values ($1, $5, $6, $7, $8, $9, $10, coalesce($11::text[], '{{}}'))
on conflict (client_id, id) do update set
    version = excluded.version,
    name = excluded.name,
    private = excluded.private,
    hidden_fields = coalesce($11::text[], known_projects.hidden_fields),
    since = least(known_projects.since, excluded.since),
    completed_on = case when excluded.completed_on is not null
        then coalesce(known_projects.completed_on, excluded.completed_on) end
where known_projects.version < excluded.version
"""  # noqa: S608  (our own text)
_MILESTONE = f"""
with client as ({_CLIENT})
insert into known_milestones (client_id, id, version, project_id, name, target_on, private, completed_on)
values ($1, $5, $6, $7, $8, $9, $10, $11)
on conflict (client_id, id) do update set
    version = excluded.version,
    name = excluded.name,
    target_on = excluded.target_on,
    private = excluded.private,
    completed_on = case when $12 then excluded.completed_on else known_milestones.completed_on end
where known_milestones.version < excluded.version
"""  # noqa: S608


async def learn(connection: asyncpg.Connection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Store facts from events, each with its position. The client's cached figures are outdated from then on."""
    rows: dict[str, list[tuple[object, ...]]] = {_CLIENT: [], _PROJECT: [], _MILESTONE: []}
    for position, fact in facts:
        statement, *values = _columns(fact)
        name = fact.name if isinstance(fact, ClientFact) else ""
        rows[statement].append((fact.client_id, name, fact.at, position, *values))
    for statement, each in rows.items():
        if each:
            await connection.executemany(statement, each)


def _columns(fact: Fact) -> tuple[Any, ...]:
    match fact:
        case ProjectFact():
            hidden = None if fact.hidden_fields is UNSET else fact.hidden_fields
            return _PROJECT, fact.id, fact.version, fact.name, fact.since, fact.completed_on, fact.private, hidden
        case MilestoneFact():
            says = fact.completed_on is not UNSET
            completed_on = fact.completed_on if says else None
            of_plan = (fact.version, fact.project_id, fact.name, fact.target_on, fact.private)
            return _MILESTONE, fact.id, *of_plan, completed_on, says
        case _:
            return (_CLIENT,)
