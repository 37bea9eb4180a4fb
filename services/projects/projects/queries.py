"""Projects as callers see them, and the rows that commands change. List and detail go past the ORM (decision 0004)."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from asyncpg import Connection, Record
from msgspec import UNSET, UnsetType
from sqlalchemy import select

from services.projects.milestones.queries import MilestoneView, PhaseView, list_milestones, phases_of
from services.projects.milestones.schedule import progress
from services.projects.projects.models import FeedbackOnly, KnownClient, Project, Status, StatusFilter
from services.projects.visibility import Hideable, looks_behind, seen_by
from shared.actor import Actor
from shared.contracts.projects import ProjectUpdated
from shared.database import Db, driver
from shared.errors import NotFound
from shared.pagination import Order, Orders, Page


def _orders(ends_on: str) -> Orders:
    return Orders(
        "-created_at",
        created_at="''",  # ids are in the order in which projects are created
        name="sort_key",
        client_name="select c.sort_key from known_clients c where c.id = projects.client_id",
        status="case status when 'delayed' then '4' when 'at_risk' then '3' when 'on_track' then '2' else '1' end",
        ends_on=f"coalesce(to_char({ends_on}, 'YYYY-MM-DD'), {{none}})",
    )


ORDERS = _orders("ends_on")
# An end that a project hides does not decide its place either (decision 0086).
_ORDERS_WITHIN = _orders("case when not 'ends_on' = any(hidden_fields) then ends_on end")

# First the rows that are asked for, then what belongs to each: no more milestones are read than are shown. Private
# milestones count in no figure, whoever asks: staff and the client see one and the same progress.
_CARDS = """
select p.*, p.team::text as people, c.name as client_name,
    plan.total as milestones_total, plan.completed as milestones_completed,
    greatest(p.updated_at, plan.updated_at) as last_activity_at,
    next.id as next_id, next.name as next_name, next.target_on as next_target_on, next.phase
from ({rows}) p
join known_clients c on c.id = p.client_id
cross join lateral (
    select count(*) as total, count(m.completed_on) as completed, max(m.updated_at) as updated_at
    from milestones m
    where m.client_id = p.client_id and m.project_id = p.id and not m.private
) plan
left join lateral (
    select m.id, m.name, m.target_on, m.phase
    from milestones m
    where m.client_id = p.client_id and m.project_id = p.id and not m.private and m.completed_on is null
    order by m.target_on, m.id
    limit 1
) next on true
"""
_ONE = "select * from projects where {tenant} and id = $2"
_LISTED = """($2::uuid[] is null or id = any($2))
    and ($3::text is null or status = $3 or $3 = 'active' and status <> 'completed')
    and ($5::uuid[] is null or id = any($5))
    and ($4::text is null or found_by like all ((select wanted($4))::text[])
         or {searched} and description_found_by like all ((select wanted($4))::text[]))"""
_NOT_HIDDEN = "not 'description' = any(hidden_fields)"


def _list(actor: Actor, client_id: UUID | None, order: Order) -> str:
    tenant, listed = _tenant(actor, client_id), _LISTED.format(searched="true" if looks_behind(actor) else _NOT_HIDDEN)
    rows = order.rows("projects", f"{tenant} and {listed}", first=7)
    return _CARDS.format(rows=f"{rows} limit $6") + order.by


def _tenant(actor: Actor, client_id: UUID | None) -> str:
    """For who looks from within a client, for one client seen from outside, and for all of them: three texts, so that
    each gets a plan of its own.
    """
    if not looks_behind(actor):
        return "client_id = $1 and not private"
    return "client_id = $1" if client_id else "$1::uuid is null"


class Member(Hideable, frozen=True):
    """Somebody of the team, as a card shows them. `person_id` is there for staff: how they are called and reached today
    is asked of identity (`GET project-teams`); `name` is what they were called when they were chosen.
    """

    name: str
    role: str
    person_id: UUID | None = None


class TeamMember(Member, frozen=True):
    """Somebody of the team with ways to reach them."""

    hidden_by: ClassVar[Mapping[str, str]] = {"email": "contact_details", "phone": "contact_details"}
    email: str | None = None
    phone: str | None = None


class NextMilestone(msgspec.Struct, frozen=True):
    """The open milestone that is due first."""

    id: UUID
    name: str
    target_on: date


class _Project(Hideable, frozen=True, kw_only=True):
    hidden_by: ClassVar[Mapping[str, str]] = {
        **ProjectUpdated.hidden_by,
        **dict.fromkeys(("milestones_total", "milestones_completed"), "completion"),
    }
    id: UUID
    client_id: UUID
    client_name: str
    name: str
    description: str
    status: Status
    phase: str | None
    starts_on: date | None
    ends_on: date | None
    completion: int | None
    next_milestone: NextMilestone | None
    last_activity_at: datetime
    milestones_total: int | None
    milestones_completed: int | None
    private: bool | UnsetType


class ProjectCard(_Project, frozen=True, kw_only=True):
    """A project in a list.

    `completion` (0 to 100) is what staff set, or else the share of completed milestones; `phase` is that of the next
    milestone; `last_activity_at` is the last change of the project or of its plan. `private`, said to the company only:
    the client does not see it. Fields that the project keeps from its client are empty there, figures null.
    """

    team: list[Member]


class ProjectDetail(_Project, frozen=True, kw_only=True):
    """A project with everything that belongs to it.

    `fixed_completion` is what staff set by hand, null while `completion` follows from the milestones. `version` is that
    of the project itself, as in its `ETag`: a change of the plan leaves it alone. `hidden_fields`, said to the company
    only, are what the client does not see.
    """

    hidden_by: ClassVar[Mapping[str, str]] = {**_Project.hidden_by, "fixed_completion": "completion"}
    scope: str
    fixed_completion: int | None
    team: list[TeamMember]
    milestones: list[MilestoneView]
    phases: list[PhaseView]
    hidden_fields: list[str] | UnsetType
    version: int


_members = msgspec.json.Decoder(list[Member])
_team = msgspec.json.Decoder(list[TeamMember])


async def list_projects(
    connection: Connection,
    actor: Actor,
    *,
    client_id: UUID | None,
    status: StatusFilter | None,
    q: str | None,
    ids: list[UUID] | None,
    sort: str,
    cursor: str | None,
    limit: int,
) -> Page[ProjectCard]:
    """The projects whose content the actor may read.

    Raises `NotFound` for another client than the actor's own. `q` is looked for in name and description; with
    `ids` only these are listed.
    """
    if client_id and not actor.sees(client_id):
        raise NotFound
    tenant = client_id if actor.sees_all_clients else actor.client_id
    order = (ORDERS if looks_behind(actor) else _ORDERS_WITHIN).order(sort, cursor)
    filters = (tenant, actor.readable_projects(), status, q, ids, limit + 1)
    rows = await connection.fetch(_list(actor, client_id, order), *filters, *(order.place or ()))
    cards = [
        seen_by(actor, ProjectCard(**_fields(actor, row), team=_members.decode(row["people"])), row["hidden_fields"])
        for row in rows[:limit]
    ]
    return order.page(rows, limit, cards)


async def get_project(db: Db, actor: Actor, project_id: UUID) -> ProjectDetail:
    """One project with its plan. Raises `NotFound`, or `FeedbackOnly` where that is the actor's role."""
    connection = await driver(db)
    row = await _readable(connection, actor, project_id)
    hidden = row["hidden_fields"]
    milestones = await list_milestones(connection, actor, row["client_id"], project_id, hidden)
    detail = ProjectDetail(
        **_fields(actor, row),
        scope=row["scope"],
        fixed_completion=row["completion"],
        team=[seen_by(actor, member, hidden) for member in _team.decode(row["people"])],
        milestones=milestones,
        phases=_phases(actor, milestones, hidden),
        hidden_fields=hidden if looks_behind(actor) else UNSET,
        version=row["version"],
    )
    return seen_by(actor, detail, hidden)


async def list_phases(connection: Connection, actor: Actor, project_id: UUID) -> list[PhaseView]:
    """The phases of one project. Raises as `get_project` does."""
    row = await _readable(connection, actor, project_id)
    hidden = row["hidden_fields"]
    return _phases(actor, await list_milestones(connection, actor, row["client_id"], project_id, hidden), hidden)


def _phases(actor: Actor, milestones: list[MilestoneView], hidden: Collection[str]) -> list[PhaseView]:
    return [seen_by(actor, phase, hidden) for phase in phases_of(milestones)]


async def lock_project(db: Db, actor: Actor, project_id: UUID) -> Project:
    """A project to change: nobody else changes it or its plan until this transaction ends. Raises `NotFound`."""
    statement = select(Project).where(Project.id == project_id, Project.seen_by(actor)).with_for_update()
    project = await db.scalar(statement)
    if project is None:
        raise NotFound
    return project


async def get_client(db: Db, client_id: UUID) -> KnownClient:
    """A client this service has heard of. Raises `NotFound`."""
    client = await db.get(KnownClient, client_id)
    if client is None:
        raise NotFound
    return client


async def _readable(connection: Connection, actor: Actor, project_id: UUID) -> Record:
    statement = _CARDS.format(rows=_ONE.format(tenant=_tenant(actor, None)))
    row = await connection.fetchrow(statement, actor.client_id, project_id)
    if row is None:
        raise NotFound
    readable = actor.readable_projects()
    if readable is None or project_id in readable:
        return row
    raise FeedbackOnly if actor.role_in(project_id) == "feedback_only" else NotFound


def _fields(actor: Actor, row: Record) -> dict[str, Any]:
    following = row["next_id"] and NextMilestone(row["next_id"], row["next_name"], row["next_target_on"])
    return {
        "id": row["id"],
        "client_id": row["client_id"],
        "client_name": row["client_name"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "phase": row["phase"],
        "starts_on": row["starts_on"],
        "ends_on": row["ends_on"],
        "completion": _completion(row),
        "next_milestone": following,
        "last_activity_at": row["last_activity_at"],
        "milestones_total": row["milestones_total"],
        "milestones_completed": row["milestones_completed"],
        "private": row["private"] if looks_behind(actor) else UNSET,
    }


def _completion(row: Record) -> int:
    return (
        progress(row["milestones_completed"], row["milestones_total"])
        if row["completion"] is None
        else row["completion"]
    )
