"""Milestones as callers see them, and the locked ones that commands change."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec
from asyncpg import Connection
from msgspec import UNSET, UnsetType
from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from services.projects.milestones.models import Milestone
from services.projects.milestones.schedule import Status, phase_status, progress, status_of, statuses
from services.projects.projects.models import Project
from services.projects.visibility import Hideable, looks_behind, seen_by
from shared.actor import Actor
from shared.clock import today
from shared.contracts.projects import MilestoneUpdated
from shared.database import Db, driver
from shared.errors import NotFound

_PLAN = """
select json_agg(step order by step.target_on, step.id)::text
from (
    select m.id, m.project_id, m.name, m.description, m.phase, m.starts_on, m.target_on, m.completed_on, m.version,
        m.private,
        array(
            select d.depends_on_id from milestone_dependencies d
            where (d.client_id, d.project_id, d.milestone_id) = (m.client_id, m.project_id, m.id)
            order by d.depends_on_id
        ) as depends_on
    from milestones m
    where m.client_id = $1 and m.project_id = $2 and {shown}
) step
"""
_PLAN_WITHIN = _PLAN.format(shown="not m.private and not m.project_private")
_PLAN_WHOLE = _PLAN.format(shown="true")
_ONE = _PLAN.format(shown="m.id = $3")
# The one that `schedule.statuses` finds at hand: what the client sees depends on nothing that it does not see, so all
# of the plan and the client's part of it have the same one.
_CURRENT = """
select m.id from milestones m
where m.client_id = $1 and m.project_id = $2 and m.completed_on is null and not m.private and not exists (
    select from milestone_dependencies d
    join milestones g on (g.client_id, g.project_id, g.id) = (d.client_id, d.project_id, d.depends_on_id)
    where (d.client_id, d.project_id, d.milestone_id) = (m.client_id, m.project_id, m.id) and g.completed_on is null
)
order by m.target_on, m.id limit 1
"""
_GROUND = """
with recursive ground (id) as (
    select m.id from milestones m where m.client_id = $1 and m.project_id = $2 and m.id = any($3)
    union
    select d.depends_on_id from milestone_dependencies d
    join ground on d.client_id = $1 and d.project_id = $2 and d.milestone_id = ground.id
)
select id from ground
"""


class MilestoneView(Hideable, frozen=True, kw_only=True):
    """A milestone; `status` follows from the dates by the rule of `schedule.statuses`, null where the project hides the
    progress.

    `private`, said to the company only: the client does not see it. What the project keeps from it is empty there.
    """

    hidden_by: ClassVar[Mapping[str, str]] = MilestoneUpdated.hidden_by

    id: UUID
    project_id: UUID
    name: str
    description: str
    phase: str | None
    starts_on: date | None
    target_on: date
    completed_on: date | None
    status: Status | None = None
    depends_on: list[UUID]
    private: bool | UnsetType
    version: int


class PhaseView(Hideable, frozen=True, kw_only=True):
    """A phase: the milestones that name it. `completion` is 0 to 100, from the first start to the last target date.

    Status and figures are null for a client that does not see the progress.
    """

    hidden_by: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("status", "completion", "milestones_total", "milestones_completed"), "completion"
    )
    name: str
    status: Status | None
    completion: int | None
    starts_on: date | None
    target_on: date
    milestones_total: int | None
    milestones_completed: int | None


_plan = msgspec.json.Decoder(list[MilestoneView])


async def list_milestones(
    connection: Connection, actor: Actor, client_id: UUID, project_id: UUID, hidden_fields: Collection[str]
) -> list[MilestoneView]:
    """The plan of a project, by target date: all of it, or what is shared with the client, without what is hidden."""
    statement = _PLAN_WHOLE if looks_behind(actor) else _PLAN_WITHIN
    plan = _plan.decode(await connection.fetchval(statement, client_id, project_id) or "[]")
    flag: dict[str, UnsetType] = {} if looks_behind(actor) else {"private": UNSET}
    standing = zip(plan, statuses(plan, today()), strict=True)
    views = (msgspec.structs.replace(milestone, status=status, **flag) for milestone, status in standing)
    return [seen_by(actor, view, hidden_fields) for view in views]


async def get_milestone(db: Db, actor: Actor, milestone: Milestone) -> MilestoneView:
    """How callers see a milestone that was just changed. Of the rest of the plan its status takes what is at hand."""
    project, connection = milestone.project, await driver(db)
    of_plan = project.client_id, project.id
    [view] = _plan.decode(await connection.fetchval(_ONE, *of_plan, milestone.id) or "[]")
    is_current = view.id == await connection.fetchval(_CURRENT, *of_plan)
    flag: dict[str, UnsetType] = {} if looks_behind(actor) else {"private": UNSET}
    standing = msgspec.structs.replace(view, status=status_of(view, today(), is_current=is_current), **flag)
    return seen_by(actor, standing, project.hidden_fields)


def phases_of(plan: list[MilestoneView]) -> list[PhaseView]:
    """The phases of a plan, in the order in which their first milestones are due. Private ones make none."""
    phases: dict[str, list[MilestoneView]] = {}
    for milestone in plan:
        if milestone.phase and not milestone.private:
            phases.setdefault(milestone.phase, []).append(milestone)
    return [_phase(name, milestones) for name, milestones in phases.items()]


def _phase(name: str, milestones: list[MilestoneView]) -> PhaseView:
    completed = sum(each.completed_on is not None for each in milestones)
    return PhaseView(
        name=name,
        status=phase_status([each.status for each in milestones if each.status]),
        completion=progress(completed, len(milestones)),
        starts_on=min((each.starts_on for each in milestones if each.starts_on), default=None),
        target_on=max(each.target_on for each in milestones),
        milestones_total=len(milestones),
        milestones_completed=completed,
    )


Steps = dict[UUID, Milestone]
"""Milestones of one project by their ids."""


async def lock_milestone(db: Db, actor: Actor, milestone_id: UUID) -> Milestone:
    """A milestone to change, with what it depends on and what depends on it. Raises `NotFound`.

    The lock is the project's row, taken before anything else is read: whoever waited for it sees what the other one
    did, and two changes that are harmless alone cannot close a cycle together.
    """
    project = await db.scalar(
        select(Project)
        .join(Milestone, and_(Milestone.client_id == Project.client_id, Milestone.project_id == Project.id))
        .where(Milestone.id == milestone_id, Milestone.seen_by(actor))
        .with_for_update(of=Project)
    )
    if project is None:
        raise NotFound
    around = selectinload(Milestone.depends_on), selectinload(Milestone.dependents)
    return (await _steps(db, project, [milestone_id], joinedload(Milestone.project), *around))[milestone_id]


async def load_steps(db: Db, project: Project, ids: Collection[UUID]) -> Steps:
    """These milestones, as far as they are of this project, which the transaction has locked."""
    return await _steps(db, project, ids) if ids else {}


async def load_ground(db: Db, project: Project, ids: Collection[UUID]) -> Steps:
    """The same with everything they depend on, directly or by way of others, each joined to what it depends on."""
    if not ids:
        return {}
    found = await (await driver(db)).fetch(_GROUND, project.client_id, project.id, list(ids))
    return await _steps(db, project, [row["id"] for row in found], selectinload(Milestone.depends_on))


async def _steps(db: Db, project: Project, ids: Collection[UUID], *with_these: ExecutableOption) -> Steps:
    found = await db.scalars(
        select(Milestone)
        .where(Milestone.client_id == project.client_id, Milestone.project_id == project.id, Milestone.id.in_(ids))
        .options(*with_these)
    )
    return {milestone.id: milestone for milestone in found}
