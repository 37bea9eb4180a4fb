"""Changes that staff make to the plan of a project."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.projects.fields import Dated, Name, ShortName, Text
from services.projects.milestones import queries
from services.projects.milestones.models import Milestone
from services.projects.milestones.refusals import UnknownDependency
from services.projects.projects.queries import lock_project
from services.projects.visibility import require_company, require_seen
from shared import outbox
from shared.actor import Actor
from shared.clock import latest_today, today
from shared.database import Db
from shared.events import EventData

DependsOn = Annotated[list[UUID], Meta(max_length=50)]


class CreateMilestone(Dated, msgspec.Struct, forbid_unknown_fields=True):
    """A new milestone. `depends_on` names milestones of the same project; `private`: the client does not see it."""

    name: Name
    target_on: date
    description: Text = ""
    phase: ShortName | None = None
    starts_on: date | None = None
    depends_on: DependsOn = []
    private: bool = False


class PatchMilestone(Dated, msgspec.Struct, forbid_unknown_fields=True):
    """What is to change; a field that is absent stays."""

    name: Name | UnsetType = UNSET
    target_on: date | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    phase: ShortName | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    depends_on: DependsOn | UnsetType = UNSET


async def create_milestone(db: Db, actor: Actor, project_id: UUID, data: CreateMilestone) -> Milestone:
    """Add a milestone to the plan of a project."""
    project = await lock_project(db, actor, project_id)
    if data.private:
        require_company(actor)
    columns = _columns(data, await queries.load_steps(db, project, data.depends_on))
    milestone = Milestone(client_id=project.client_id, project_id=project.id, project=project, **columns)
    db.add(milestone)
    await _tell(db, actor, milestone, milestone.created())
    return milestone


async def change_milestone(
    db: Db, actor: Actor, milestone_id: UUID, data: PatchMilestone, if_match: str | None
) -> Milestone:
    """Change what was agreed on; no event if nothing differs."""
    milestone = await queries.lock_milestone(db, actor, milestone_id)
    milestone.require_match(if_match)
    depends_on = [] if data.depends_on is UNSET else data.depends_on
    columns = _columns(data, await queries.load_ground(db, milestone.project, depends_on))
    _require_seen(actor, milestone, *columns)
    if event := milestone.change(columns):
        await _tell(db, actor, milestone, event)
    return milestone


async def complete_milestone(db: Db, actor: Actor, milestone_id: UUID, on: date | None) -> Milestone:
    """Say that it was reached, today unless told otherwise. The status of the project stays what people say it is.

    Who says the day goes by their own calendar, which may be a day ahead of the company's.
    """
    milestone = await queries.lock_milestone(db, actor, milestone_id)
    _require_seen(actor, milestone, "completed_on")
    await _tell(db, actor, milestone, milestone.complete(on or today(), latest_today()))
    return milestone


async def reopen_milestone(db: Db, actor: Actor, milestone_id: UUID) -> Milestone:
    """Take a completion back."""
    milestone = await queries.lock_milestone(db, actor, milestone_id)
    _require_seen(actor, milestone, "completed_on")
    await _tell(db, actor, milestone, milestone.reopen())
    return milestone


async def share_milestone(db: Db, actor: Actor, milestone_id: UUID) -> Milestone:
    """Let the client see a private milestone, where it sees the project."""
    milestone = await queries.lock_milestone(db, actor, milestone_id)
    require_company(actor)
    await _tell(db, actor, milestone, milestone.share())
    return milestone


async def withdraw_milestone(db: Db, actor: Actor, milestone_id: UUID) -> Milestone:
    """Keep a milestone from the client, whoever may see its project."""
    milestone = await queries.lock_milestone(db, actor, milestone_id)
    require_company(actor)
    await _tell(db, actor, milestone, milestone.withdraw())
    return milestone


def _require_seen(actor: Actor, milestone: Milestone, *fields: str) -> None:
    judged_by = [each for name in fields for each in Milestone.judged_by.get(name, ())]
    require_seen(actor, milestone.project.hidden_fields, judged_by)


def _columns(data: CreateMilestone | PatchMilestone, steps: queries.Steps) -> dict[str, Any]:
    """What was sent, as the aggregate holds it: absent fields are left out, ids are milestones of the same project."""
    columns: dict[str, Any] = msgspec.to_builtins(data, builtin_types=(date, UUID))
    if "depends_on" in columns:
        try:
            columns["depends_on"] = [steps[each] for each in sorted(set(columns["depends_on"]))]
        except KeyError:
            raise UnknownDependency from None
    return columns


async def _tell(db: Db, actor: Actor, milestone: Milestone, event: EventData) -> None:
    await outbox.append(db, actor, event, client_id=milestone.client_id, aggregate_id=milestone.id)
