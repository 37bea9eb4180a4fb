"""Adding a milestone to a project's plan. For staff who manage projects."""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Milestone, ProjectDetail
from services.portal.forms import Form, Typed
from services.portal.milestones import views
from services.portal.page import Page
from services.portal.services import ServiceProblem
from shared.claims import require_policy
from shared.language import gettext as _
from shared.texts import isolated


@get("/projects/{project_id:uuid}/milestones/new")
async def new(page: Page, project_id: UUID) -> Template:
    """The form for a new milestone."""
    project = await views.project(page.services, project_id)
    return await _show_new(page, project, Form({"private": "" if project.private else "on"}))


@post("/projects/{project_id:uuid}/milestones/new")
async def create(page: Page, project_id: UUID, data: Typed) -> Template | Redirect:
    """Add a milestone to the plan."""
    form = Form(data)
    body = views.body(form) | {"private": bool(form.values["private"])}
    if not form.is_wrong:
        try:
            made = await page.services.projects.post(f"projects/{project_id}/milestones", Milestone, body)
            return page.go(views.place(project_id, made.id), _("{name} is part of the plan", name=isolated(made.name)))
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, await views.project(page.services, project_id), form)


async def _show_new(page: Page, project: ProjectDetail, form: Form) -> Template:
    return await page.show(
        "projects/new_milestone.html",
        section="projects",
        status=form.status,
        form=form,
        project=project,
        others=project.milestones,
        phases=views.phases(project.milestones),
    )


router = Router(path="/", route_handlers=[new, create], guards=[require_policy("manageProjects")])
