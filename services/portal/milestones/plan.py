"""Where a change of a milestone leads: back to its project's plan."""

from uuid import UUID

from litestar.response import Redirect, Template

from services.portal.forms import Typed
from services.portal.ids import read_id
from services.portal.milestones import views
from services.portal.page import Page
from services.portal.projects.views import seen as project_page
from services.portal.services import ServiceProblem
from services.portal.toasts import LONGEST, Toast
from shared.errors import NotFound


async def turned(page: Page, project_id: UUID, milestone_id: UUID, toast: Toast) -> Template | Redirect:
    """Back to the plan, in which the milestone was changed, with a word about it; HTMX gets the plan in place."""
    return await _show_plan(page, project_id, milestone_id, toast, changed=milestone_id)


async def not_turned(page: Page, project_id: UUID, milestone_id: UUID, problem: ServiceProblem) -> Template | Redirect:
    """The state forbids it: say why, beside the plan as it is now."""
    if problem.status not in (403, 409):
        raise problem
    return await _show_plan(page, project_id, milestone_id, Toast(problem.detail[:LONGEST], "risk"))


async def _show_plan(
    page: Page, project_id: UUID, milestone_id: UUID, toast: Toast, *, changed: UUID | None = None
) -> Template | Redirect:
    if page.is_fragment:
        shown = await project_page(page.services, page.actor, project_id)
        return page.fragment("projects/plan.html", project=shown, toast=toast, changed=changed)
    return page.go(views.place(project_id, milestone_id), toast)


def named_project(data: Typed) -> UUID:
    """The project whose plan the form was sent from. Raises `NotFound` if it names none."""
    project_id = read_id(data.get("project_id"))
    if project_id is None:
        raise NotFound
    return project_id
