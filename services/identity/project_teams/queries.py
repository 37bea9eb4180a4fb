"""Reading who of the staff is in which project's team, and how to reach them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from shared.actor import Actor

# $2 is the tenant, null for who acts within none; $3 the projects whose content may be read, null for all.
_TEAMS = """
    select id, team, hidden_fields from known_projects
    where id = any($1) and team <> '{}'
      and ($2::uuid is null or client_id = $2 and not private and not 'team' = any(hidden_fields))
      and ($3::uuid[] is null or id = any($3))
    order by id
"""
_STAFF = "select id, first_name, last_name, email, phone, active from people where kind = 'staff' and id = any($1)"


class StaffInTeam(msgspec.Struct, frozen=True):
    """Somebody of the staff in a project's team. `email` and `phone` are null of who is no longer active, and within a
    client from which the project keeps them. `active` is there for the company only.
    """

    project_id: UUID
    person_id: UUID
    name: str
    email: str | None
    phone: str | None
    active: bool | UnsetType = UNSET


async def list_teams(
    connection: asyncpg.Connection, actor: Actor, project_ids: Collection[UUID]
) -> list[asyncpg.Record]:
    """The teams the actor may know of: a row for each project, with the ids of its staff and what it hides."""
    tenant = None if actor.sees_all_clients else actor.client_id
    return await connection.fetch(_TEAMS, project_ids, tenant, actor.readable_projects())


async def list_staff(
    connection: asyncpg.Connection, actor: Actor, teams: Collection[asyncpg.Record]
) -> list[StaffInTeam]:
    """Those of the staff whom `teams` name."""
    rows = await connection.fetch(_STAFF, [person_id for team in teams for person_id in team["team"]])
    people: dict[UUID, Any] = {row["id"]: row for row in rows}
    return [
        _member(actor, team, people[person_id])
        for team in teams
        for person_id in dict.fromkeys(team["team"])
        if person_id in people
    ]


def _member(actor: Actor, team: asyncpg.Record, person: asyncpg.Record) -> StaffInTeam:
    company = actor.sees_all_clients
    reached = person["active"] and (company or "contact_details" not in team["hidden_fields"])
    return StaffInTeam(
        project_id=team["id"],
        person_id=person["id"],
        name=f"{person['first_name']} {person['last_name']}".strip(),
        email=person["email"] if reached else None,
        phone=(person["phone"] or None) if reached else None,
        active=person["active"] if company else UNSET,
    )
