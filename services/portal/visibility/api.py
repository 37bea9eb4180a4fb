"""Letting the client see a project or a milestone, and keeping it from the client. For staff who manage projects."""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Milestone, ProjectDetail
from services.portal.clients import ServiceProblem, Services, slot
from services.portal.forms import Typed
from services.portal.milestone_forms import views
from services.portal.milestone_forms.api import named_project, not_turned, place, turned
from services.portal.page import Page
from services.portal.people.answers import Person
from services.portal.questions import Question, ask
from services.portal.toasts import LONGEST, Toast, Undo
from shared.claims import require_policy
from shared.pagination import Page as Listing


@get("/projects/{project_id:uuid}/share")
async def ask_to_share(page: Page, project_id: UUID) -> Template:
    """Sure? What the client has seen cannot be unseen."""
    found = await views.project(page.services, project_id)
    nobody = found.client_id and not await _somebody_sees(page.services, found.client_id, project_id)
    client = found.client_name or "the client"
    question = Question(
        title=f"Share {found.name}?",
        text=f"{found.client_name or 'The client'} sees the project from then on, with its milestones and with what"
        " happened so far. Milestones that are private themselves stay so.",
        action=page.path,
        yes="Share with the client",
        back=f"/projects/{project_id}",
        warning=f"Nobody at {client} can see this project yet: nobody there has a role in it." if nobody else "",
        remedy=("Give access", f"/clients/{found.client_id}/contacts") if nobody else None,
    )
    return await ask(page, question, section="projects")


@post("/projects/{project_id:uuid}/share")
async def share(page: Page, project_id: UUID) -> Redirect:
    """Let the client see the project."""
    return await _turn_project(page, project_id, "share", "{} is shared with the client")


@post("/projects/{project_id:uuid}/withdraw")
async def withdraw(page: Page, project_id: UUID) -> Redirect:
    """Stop sharing the project: nothing to ask about, for it can be undone."""
    undo = Undo(f"/projects/{project_id}/share")
    return await _turn_project(page, project_id, "withdraw", "Only your team sees {} now", undo=undo)


@get("/milestones/{milestone_id:uuid}/share")
async def ask_to_share_milestone(page: Page, milestone_id: UUID, project_id: UUID) -> Template:
    """Sure?"""
    plan = await views.plan(page.services, project_id, milestone_id)
    when = "once the project is shared" if plan.project.private else "from then on"
    question = Question(
        title=f"Share {plan.milestone.name}?",
        text=f"{plan.project.client_name or 'The client'} sees the milestone {when}, with what happened to it so far.",
        action=page.path,
        yes="Share with the client",
        back=place(project_id, milestone_id),
        fields={"project_id": str(project_id)},
    )
    return await ask(page, question, section="projects")


@post("/milestones/{milestone_id:uuid}/share")
async def share_milestone(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Let the client see the milestone."""
    return await _turn_milestone(page, milestone_id, data, "share", "{} is shared with the client")


@post("/milestones/{milestone_id:uuid}/withdraw")
async def withdraw_milestone(page: Page, milestone_id: UUID, data: Typed) -> Template | Redirect:
    """Stop sharing the milestone, with the way back."""
    undo = Undo(f"/milestones/{milestone_id}/share", {"project_id": data.get("project_id", "")})
    return await _turn_milestone(page, milestone_id, data, "withdraw", "Only your team sees {} now", undo=undo)


async def _turn_project(page: Page, project_id: UUID, verb: str, words: str, *, undo: Undo | None = None) -> Redirect:
    try:
        turned_to = await page.services.projects.post(f"projects/{project_id}/{verb}", ProjectDetail)
    except ServiceProblem as problem:
        if problem.status != 409:
            raise
        return page.go(f"/projects/{project_id}", problem.detail[:LONGEST], tone="risk")
    return page.go(f"/projects/{project_id}", Toast(words.format(turned_to.name), undo=undo))


async def _turn_milestone(
    page: Page, milestone_id: UUID, data: Typed, verb: str, words: str, *, undo: Undo | None = None
) -> Template | Redirect:
    project_id = named_project(data)
    try:
        found = await page.services.projects.post(f"milestones/{milestone_id}/{verb}", Milestone)
    except ServiceProblem as problem:
        return await not_turned(page, project_id, milestone_id, problem)
    return await turned(page, project_id, found.id, Toast(words.format(found.name), undo=undo))


async def _somebody_sees(services: Services, client_id: UUID, project_id: UUID) -> bool:
    """Whether somebody of the client would see the project; also True where that cannot be said now.

    Looks at the first hundred people: a client with more of them has somebody for every project.
    """
    found = await slot(services.identity.get("people", Listing[Person], client_id=client_id, limit=100))
    if not found.value or found.value.next_cursor:
        return True
    comers = [each for each in found.value.items if each.active and each.portal_access]
    return any(each.is_primary_contact or project_id in each.project_roles for each in comers)


router = Router(
    path="/",
    route_handlers=[ask_to_share, share, withdraw, ask_to_share_milestone, share_milestone, withdraw_milestone],
    guards=[require_policy("manageProjects")],
)
