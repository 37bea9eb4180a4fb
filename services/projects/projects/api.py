"""Projects over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.params import Parameter

from services.projects.fields import TEXT
from services.projects.milestones.queries import PhaseView
from services.projects.projects import commands, queries
from services.projects.projects.commands import CreateProject, PatchProject
from services.projects.projects.models import StatusFilter
from services.projects.projects.queries import ProjectCard, ProjectDetail
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch, with_etag
from shared.pagination import MAX_LIMIT, Cursor, Limit, Page

Search = Annotated[str | None, Parameter(query="q", max_length=200, pattern=TEXT, default=None)]
Ids = Annotated[list[UUID] | None, Parameter(query="id", max_items=MAX_LIMIT, default=None)]
Sort = Annotated[str, queries.ORDERS.parameter]
Refresh = Annotated[bool, Parameter(header="X-Portal-Refresh", default=False, include_in_schema=False)]
"""Said by the portal of what its open pages ask for by themselves."""
manage_projects = require_policy("manageProjects")


class Phases(msgspec.Struct, frozen=True):
    """The phases of a project in order."""

    items: list[PhaseView]


@get("/projects", opt={"scope": "projects:read"})
async def list_projects(
    *,
    actor: Actor,
    read: ReadOnly,
    q: Search,
    ids: Ids,
    sort: Sort,
    cursor: Cursor,
    limit: Limit,
    status: StatusFilter | None = None,
    client_id: UUID | None = None,
) -> Page[ProjectCard]:
    """List the projects the caller may read, newest first; `q` is searched in name and description.

    With `id`, which may be repeated, only these. `sort=-status` begins with the delayed ones, `sort=ends_on` with those
    that end first.
    """
    async with read(actor) as connection:
        return await queries.list_projects(
            connection, actor, client_id=client_id, status=status, q=q, ids=ids, sort=sort, cursor=cursor, limit=limit
        )


@post("/projects", guards=[manage_projects], opt={"scope": "projects:write"})
async def create_project(data: CreateProject, actor: Actor, uow: UnitOfWork) -> Response[ProjectDetail]:
    """Create a project for an active client."""
    async with uow(actor) as db:
        project = await commands.create_project(db, actor, data)
        return with_etag(await queries.get_project(db, actor, project.id))


@get("/projects/{project_id:uuid}", opt={"scope": "projects:read"})
async def get_project(project_id: UUID, actor: Actor, uow: UnitOfWork, refresh: Refresh) -> Response[ProjectDetail]:
    """Read a project with its plan. Publishes `view_project`, once per person and quarter of an hour."""
    async with uow(actor) as db:
        return with_etag(await commands.view_project(db, actor, project_id, refresh=refresh))


@patch("/projects/{project_id:uuid}", guards=[manage_projects], opt={"scope": "projects:write"})
async def change_project(
    project_id: UUID, data: PatchProject, if_match: IfMatch, actor: Actor, uow: UnitOfWork
) -> Response[ProjectDetail]:
    """Change fields of a project. With `If-Match`, only the version named there (412 otherwise)."""
    async with uow(actor) as db:
        project = await commands.change_project(db, actor, project_id, data, if_match)
        return with_etag(await queries.get_project(db, actor, project.id))


@post("/projects/{project_id:uuid}/share", status_code=200, guards=[manage_projects], opt={"scope": "projects:write"})
async def share_project(project_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[ProjectDetail]:
    """Share a private project and its past entries with the client. 409 if it is shared."""
    async with uow(actor) as db:
        project = await commands.share_project(db, actor, project_id)
        return with_etag(await queries.get_project(db, actor, project.id))


@post(
    "/projects/{project_id:uuid}/withdraw", status_code=200, guards=[manage_projects], opt={"scope": "projects:write"}
)
async def withdraw_project(project_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[ProjectDetail]:
    """Make a project and everything in it private. 409 if it is."""
    async with uow(actor) as db:
        project = await commands.withdraw_project(db, actor, project_id)
        return with_etag(await queries.get_project(db, actor, project.id))


@get("/projects/{project_id:uuid}/phases", opt={"scope": "projects:read"})
async def list_phases(project_id: UUID, actor: Actor, read: ReadOnly) -> Phases:
    """List the phases of a project, ordered by due date."""
    async with read(actor) as connection:
        return Phases(await queries.list_phases(connection, actor, project_id))


router = Router(
    path=API,
    route_handlers=[
        list_projects,
        create_project,
        get_project,
        change_project,
        share_project,
        withdraw_project,
        list_phases,
    ],
    opt={"module": "projects"},
    tags=["projects"],
)
