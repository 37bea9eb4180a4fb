"""Keeping what the figures are computed from. A stale version never overwrites a newer one (reliability: E4)."""

from collections.abc import Sequence

import asyncpg
from msgspec import UNSET

from services.activity.kpis.models import ClientFact, Fact, MilestoneFact, ProjectFact

_CLIENT = """
insert into known_clients (client_id, name, created_at, changed) values ($1, $2, $3, $4)
on conflict (client_id) do update set
    name = case when excluded.name = '' then known_clients.name else excluded.name end,
    changed = excluded.changed
"""
_PROJECT = """
insert into known_projects (client_id, id, version, name, since, completed_on) values ($1, $2, $3, $4, $5, $6)
on conflict (client_id, id) do update set
    version = excluded.version,
    name = excluded.name,
    since = least(known_projects.since, excluded.since),
    completed_on = case when excluded.completed_on is not null
        then coalesce(known_projects.completed_on, excluded.completed_on) end
where known_projects.version < excluded.version
"""
_MILESTONE = """
insert into known_milestones (client_id, id, version, project_id, name, target_on, completed_on)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (client_id, id) do update set
    version = excluded.version,
    name = excluded.name,
    target_on = excluded.target_on,
    completed_on = case when $8 then excluded.completed_on else known_milestones.completed_on end
where known_milestones.version < excluded.version
"""


async def learn(connection: asyncpg.Connection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Take over what events told, each with its position. The client's figures are to be computed anew from here on."""
    clients, projects, milestones = [], [], []
    for position, fact in facts:
        name = fact.name if isinstance(fact, ClientFact) else ""
        clients.append((fact.client_id, name, fact.at, position))
        if isinstance(fact, ProjectFact):
            projects.append((fact.client_id, fact.id, fact.version, fact.name, fact.since, fact.completed_on))
        elif isinstance(fact, MilestoneFact):
            milestones.append(_milestone(fact))
    for statement, rows in ((_CLIENT, clients), (_PROJECT, projects), (_MILESTONE, milestones)):
        if rows:
            await connection.executemany(statement, rows)


def _milestone(fact: MilestoneFact) -> tuple[object, ...]:
    says = fact.completed_on is not UNSET
    completed_on = fact.completed_on if says else None
    return (
        fact.client_id,
        fact.id,
        fact.version,
        fact.project_id,
        fact.name,
        fact.target_on,
        completed_on,
        says,
    )
