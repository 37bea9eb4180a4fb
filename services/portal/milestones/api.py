"""Milestones: changing, completing, reopening. For staff who manage projects.

The services address a milestone by its id alone; the pages read it from its project's plan, which `project_id` names.
"""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Milestone
from services.portal.area import Area
from services.portal.edits import Edit, collide
from services.portal.forms import Form, Typed
from services.portal.milestones import views
from services.portal.milestones.plan import named_project, not_turned, turned
from services.portal.milestones.sharing import router as sharing
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.toasts import Toast
from shared.claims import require_policy
from shared.language import gettext as _
from shared.texts import isolated


@get("/milestones/{milestone_id:uuid}/edit")
async def edit(page: Page, milestone_id: UUID, project_id: UUID) -> Template:
    """The form with what is stored."""
    plan = await views.plan(page.services, project_id, milestone_id)
    return await _show_edit(page, plan, Edit(views.stored(plan).inputs))


@post("/milestones/{milestone_id:uuid}/edit")
async def change(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Save the changes. If somebody else saved first, show their changes and keep what was typed."""
    return await _save(page, named_project(data), milestone_id, Edit.sent(data))


async def _save(page: Page, project_id: UUID, milestone_id: UUID, form: Edit) -> Template | Redirect:
    body = views.body(form)
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                await page.services.projects.patch(f"milestones/{milestone_id}", Milestone, changes, etag=form.etag)
            return page.go(views.place(project_id, milestone_id), _("Milestone saved") if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    plan = await views.plan(page.services, project_id, milestone_id)
    if form.is_stale:
        of = {"project_id": project_id, "target_id": milestone_id}
        if not await collide(page, form, views.stored(plan), **of):
            return await _save(page, project_id, milestone_id, form)
    return await _show_edit(page, plan, form)


@post("/milestones/{milestone_id:uuid}/complete")
async def complete(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Mark as completed: today with one click on the timeline, or on the day that was entered on the form."""
    project_id, form = named_project(data), Form(data)
    day = form.day("completed_on")
    try:
        if not form.is_wrong:
            body = {"completed_on": day or page.readers_today}
            done = await page.services.projects.post(f"milestones/{milestone_id}/complete", Milestone, body)
            return await turned(page, project_id, done.id, Toast(_("{name} is completed", name=isolated(done.name))))
    except ServiceProblem as problem:
        if "completed_on" not in data:
            return await not_turned(page, project_id, milestone_id, problem)
        form.refuse(problem)
    plan = await views.plan(page.services, project_id, milestone_id)
    return await _show_edit(page, plan, Edit(views.stored(plan).inputs), completion=form)


@get("/milestones/{milestone_id:uuid}/reopen")
async def ask_to_reopen(page: Page, milestone_id: UUID, project_id: UUID) -> Template:
    """Sure?"""
    plan = await views.plan(page.services, project_id, milestone_id)
    question = Question(
        title=_("Reopen {name}?", name=isolated(plan.milestone.name)),
        text=_(
            "It counts as open again, and the progress goes down. The client sees that it was reopened, and by whom."
        ),
        action=page.path,
        yes=_("Reopen"),
        back=views.place(project_id, milestone_id),
        fields={"project_id": str(project_id)},
    )
    return await ask(page, question, section="projects")


@post("/milestones/{milestone_id:uuid}/reopen")
async def reopen(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Take a completion back."""
    project_id = named_project(data)
    try:
        opened = await page.services.projects.post(f"milestones/{milestone_id}/reopen", Milestone)
    except ServiceProblem as problem:
        return await not_turned(page, project_id, milestone_id, problem)
    return await turned(page, project_id, opened.id, Toast(_("{name} is open again", name=isolated(opened.name))))


async def _show_edit(page: Page, plan: views.Plan, form: Edit, *, completion: Form | None = None) -> Template:
    return await page.show(
        "milestones/edit.html",
        section="projects",
        status=(completion or form).status,
        form=form,
        completion=completion or Form({"completed_on": page.readers_today}),
        project=plan.project,
        milestone=plan.milestone,
        others=plan.others,
        phases=views.phases(plan.project.milestones),
    )


router = Router(
    path="/",
    route_handlers=[edit, change, complete, ask_to_reopen, reopen],
    guards=[require_policy("manageProjects")],
)
area = Area(pages=[router, sharing], chapters=("managing-projects",))
