"""Projects to look at: the list, one project, and its widgets."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Template

from services.portal.area import Area, Closable, Entry, Widget
from services.portal.page import Page
from services.portal.projects import views, widgets
from services.portal.projects.forms import router as forms
from services.portal.projects.milestones import router as milestones
from services.portal.projects.sharing import router as sharing
from shared.language import marked

Short = Annotated[str, Parameter(max_length=400)]


@get("/projects")
async def projects(page: Page, q: Short = "", status: Short = "", sort: Short = "", cursor: Short = "") -> Template:
    """Cards, a page of them at a time; HTMX gets the next page alone."""
    if not (page.has("projects") or page.is_fragment):
        return await page.closed("projects")
    wanted = views.Filter(q.strip(), status, sort if sort in views.SORTS else "", cursor)
    found = await views.listed(page.services, page.client_id, wanted)
    if page.is_fragment:
        return page.fragment("projects/cards.html", found=found, wanted=wanted)
    shown: dict[str, Any] = {"found": found, "wanted": wanted, "sorts": views.SORTS}
    return await page.show("projects/list.html", section="projects", of_all=True, **shown)


@get("/projects/{project_id:uuid}")
async def project(page: Page, project_id: UUID) -> Template:
    """One project: where it stands, its milestones, its people, what happened."""
    if not page.has("projects"):
        return await page.closed("projects")
    happened = views.activity(page.services, project_id) if page.has("activity") else views.nothing()
    found, activity = await asyncio.gather(views.seen(page.services, page.actor, project_id), happened)
    live = found.detail.client_id
    return await page.show("projects/page.html", section="projects", live=live, project=found, activity=activity)


@get("/widgets/projects/{project_id:uuid}/plan")
async def plan(page: Page, project_id: UUID) -> Template:
    """Overview and timeline alone."""
    found = await views.seen(page.services, page.actor, project_id)
    return page.fragment("projects/plan.html", project=found)


@get("/widgets/projects/{project_id:uuid}/team")
async def team(page: Page, project_id: UUID) -> Template:
    """The team alone."""
    found = await views.project(page.services, project_id)
    return page.fragment("projects/team.html", project=found)


@get("/widgets/projects/{project_id:uuid}/activity")
async def activity(page: Page, project_id: UUID) -> Template:
    """What happened in this project alone."""
    found = await views.activity(page.services, project_id, deadline=None)
    return page.part("projects/activity.html", found, activity=found, project_id=project_id)


area = Area(
    pages=[Router(path="/", route_handlers=[projects, project, plan, team, activity]), forms, milestones, sharing],
    chapters=("managing-projects", "projects"),
    entry=Entry(
        path="/projects",
        label=marked("Projects"),
        icon="briefcase",
        who=lambda page: page.sees_projects and page.has("projects"),
    ),
    module=Closable(
        name="projects",
        label=marked("Projects"),
        about=marked("The list, each project's plan and its phases. Roles in projects are hidden with it."),
        shows=marked("{company} does not show your projects here. If you need it, ask the person you work with there."),
    ),
    widgets=[
        Widget(
            name="projects",
            template="projects/on_dashboard.html",
            load=widgets.cards,
            where="dashboard",
            who=lambda page: page.has("projects"),
        ),
        Widget(name="projects", template="projects/of_client.html", load=widgets.rows, where="client"),
    ],
)
