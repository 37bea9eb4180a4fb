"""Milestones over HTTP."""

from datetime import date
from uuid import UUID

from litestar import Response, Router, patch, post

from services.projects.fields import Dated
from services.projects.milestones import commands, queries
from services.projects.milestones.commands import CreateMilestone, PatchMilestone
from services.projects.milestones.queries import MilestoneView
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import UnitOfWork
from shared.http import API, IfMatch, with_etag


class CompleteMilestone(Dated, forbid_unknown_fields=True):
    """When it was reached; today if absent."""

    completed_on: date | None = None


@post("/projects/{project_id:uuid}/milestones")
async def create_milestone(
    project_id: UUID, data: CreateMilestone, actor: Actor, uow: UnitOfWork
) -> Response[MilestoneView]:
    """Add a milestone to the plan of a project."""
    async with uow(actor) as db:
        milestone = await commands.create_milestone(db, actor, project_id, data)
        return with_etag(await queries.get_milestone(db, actor, milestone))


@patch("/milestones/{milestone_id:uuid}")
async def change_milestone(
    milestone_id: UUID, data: PatchMilestone, if_match: IfMatch, actor: Actor, uow: UnitOfWork
) -> Response[MilestoneView]:
    """Change fields of a milestone. With `If-Match`, only the version named there (412 otherwise)."""
    async with uow(actor) as db:
        milestone = await commands.change_milestone(db, actor, milestone_id, data, if_match)
        return with_etag(await queries.get_milestone(db, actor, milestone))


@post("/milestones/{milestone_id:uuid}/complete", status_code=200)
async def complete_milestone(
    milestone_id: UUID, actor: Actor, uow: UnitOfWork, data: CompleteMilestone | None = None
) -> Response[MilestoneView]:
    """Mark a milestone as completed. 409 if it is, or if something it depends on is not."""
    async with uow(actor) as db:
        milestone = await commands.complete_milestone(db, actor, milestone_id, data.completed_on if data else None)
        return with_etag(await queries.get_milestone(db, actor, milestone))


@post("/milestones/{milestone_id:uuid}/reopen", status_code=200)
async def reopen_milestone(milestone_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[MilestoneView]:
    """Reopen a completed milestone. 409 if it is open, or if something completed depends on it."""
    async with uow(actor) as db:
        milestone = await commands.reopen_milestone(db, actor, milestone_id)
        return with_etag(await queries.get_milestone(db, actor, milestone))


@post("/milestones/{milestone_id:uuid}/share", status_code=200)
async def share_milestone(milestone_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[MilestoneView]:
    """Share a private milestone with the client. 409 if it is shared, or depends on a private one."""
    async with uow(actor) as db:
        milestone = await commands.share_milestone(db, actor, milestone_id)
        return with_etag(await queries.get_milestone(db, actor, milestone))


@post("/milestones/{milestone_id:uuid}/withdraw", status_code=200)
async def withdraw_milestone(milestone_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[MilestoneView]:
    """Make a milestone private. 409 if it is, or if a shared milestone depends on it."""
    async with uow(actor) as db:
        milestone = await commands.withdraw_milestone(db, actor, milestone_id)
        return with_etag(await queries.get_milestone(db, actor, milestone))


router = Router(
    path=API,
    route_handlers=[
        create_milestone,
        change_milestone,
        complete_milestone,
        reopen_milestone,
        share_milestone,
        withdraw_milestone,
    ],
    guards=[require_policy("manageProjects")],
    opt={"scope": "projects:write", "module": "projects"},
    tags=["milestones"],
)
