"""Letting the client see a milestone, and keeping it from the client. For staff who manage projects."""

from typing import Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Milestone
from services.portal.forms import Typed
from services.portal.milestones import views
from services.portal.milestones.plan import named_project, not_turned, turned
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.toasts import Toast, Undo
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Turn = Literal["share", "withdraw"]


@get("/milestones/{milestone_id:uuid}/share")
async def ask_to_share(page: Page, milestone_id: UUID, project_id: UUID) -> Template:
    """Sure?"""
    plan = await views.plan(page.services, project_id, milestone_id)
    then = (
        marked("{client} sees the milestone once the project is shared, with what happened to it so far.")
        if plan.project.private
        else marked("{client} sees the milestone from then on, with what happened to it so far.")
    )
    question = Question(
        title=_("Share {name}?", name=isolated(plan.milestone.name)),
        text=_(then, client=isolated(plan.project.client_name or _("The client"))),
        action=page.path,
        yes=_("Share with the client"),
        back=views.place(project_id, milestone_id),
        fields={"project_id": str(project_id)},
    )
    return await ask(page, question, section="projects")


@post("/milestones/{milestone_id:uuid}/share")
async def share(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Let the client see the milestone."""
    return await _turn(page, milestone_id, data, "share", marked("{name} is shared with the client"))


@post("/milestones/{milestone_id:uuid}/withdraw")
async def withdraw(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Stop sharing the milestone, with the way back."""
    undo = Undo(f"/milestones/{milestone_id}/share", {"project_id": data.get("project_id", "")})
    return await _turn(page, milestone_id, data, "withdraw", marked("Only your team sees {name} now"), undo=undo)


async def _turn(
    page: Page, milestone_id: UUID, data: Typed, verb: Turn, words: str, *, undo: Undo | None = None
) -> Template | Redirect:
    project_id = named_project(data)
    try:
        found = await page.services.projects.post(f"milestones/{milestone_id}/{verb}", Milestone)
    except ServiceProblem as problem:
        return await not_turned(page, project_id, milestone_id, problem)
    return await turned(page, project_id, found.id, Toast(_(words, name=isolated(found.name)), undo=undo))


router = Router(
    path="/",
    route_handlers=[ask_to_share, share, withdraw],
    guards=[require_policy("manageProjects")],
    opt={"chapters": ("sharing",)},
)
