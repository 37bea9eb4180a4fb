"""Letting the client see a project or a milestone, and keeping it from the client. For staff who manage projects."""

from typing import Any, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import ProjectDetail
from services.portal.forms import Form, Typed
from services.portal.milestones import views
from services.portal.page import Page
from services.portal.people.views import ROLES
from services.portal.projects.audience import PERSON, SEEING, audience, give_roles
from services.portal.services import ServiceProblem
from services.portal.toasts import LONGEST, Toast, Undo
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked, ngettext
from shared.texts import isolated

Turn = Literal["share", "withdraw"]


@get("/projects/{project_id:uuid}/share")
async def ask_to_share(page: Page, project_id: UUID) -> Template:
    """Sure? What the client has seen cannot be unseen."""
    return await _show_share(page, project_id, Form())


@post("/projects/{project_id:uuid}/share")
async def share(page: Page, project_id: UUID, data: Typed) -> Template | Redirect:
    """Give the people who were chosen their role, and let the client see the project: nothing is shown to nobody."""
    form = Form(data)
    try:
        given = await _give_roles(page, project_id, data)
    except ServiceProblem as problem:
        form.refuse(problem)
        return await _show_share(page, project_id, form)
    already = _("{names}: access given.", names=", ".join(given)) + " " if given else ""
    return await _turn_project(page, project_id, "share", marked("{name} is shared with the client"), already=already)


@get("/projects/{project_id:uuid}/access", guards=[require_policy("managePeople")])
async def access(page: Page, project_id: UUID) -> Template:
    """Who at the client sees the project, and who could."""
    return await _show_access(page, project_id, Form())


@post("/projects/{project_id:uuid}/access", guards=[require_policy("managePeople")])
async def give_access(page: Page, project_id: UUID, data: Typed) -> Template | Redirect:
    """Give the people who were chosen their role in the project."""
    form = Form(data)
    try:
        given = len(await _give_roles(page, project_id, data))
    except ServiceProblem as problem:
        form.refuse(problem)
        return await _show_access(page, project_id, form)
    told = ngettext(
        "{count} person has a role in this project now", "{count} people have a role in this project now", given
    )
    return page.go(f"/projects/{project_id}", told if given else "")


@post("/projects/{project_id:uuid}/withdraw")
async def withdraw(page: Page, project_id: UUID) -> Redirect:
    """Stop sharing the project: nothing to ask about, for it can be undone."""
    undo = Undo(f"/projects/{project_id}/share")
    return await _turn_project(page, project_id, "withdraw", marked("Only your team sees {name} now"), undo=undo)


async def _give_roles(page: Page, project_id: UUID, data: Typed) -> list[str]:
    if not any(name.startswith(f"{PERSON}-") and role for name, role in data.items()):
        return []
    detail = await views.project(page.services, project_id)
    return await give_roles(page.services, await audience(page.services, detail.client_id, project_id), data)


async def _turn_project(
    page: Page, project_id: UUID, verb: Turn, words: str, *, undo: Undo | None = None, already: str = ""
) -> Redirect:
    try:
        turned_to = await page.services.projects.post(f"projects/{project_id}/{verb}", ProjectDetail)
    except ServiceProblem as problem:
        if problem.status != 409:
            raise
        return page.go(f"/projects/{project_id}", (already + problem.detail)[:LONGEST], tone="risk")
    return page.go(f"/projects/{project_id}", Toast(_(words, name=isolated(turned_to.name)), undo=undo))


async def _show_share(page: Page, project_id: UUID, form: Form) -> Template:
    shown = await _with_audience(page, project_id, form)
    if page.is_fragment:
        return page.fragment("projects/share.html", **shown)
    return await page.show("projects/share_page.html", section="projects", status=form.status, **shown)


async def _show_access(page: Page, project_id: UUID, form: Form) -> Template:
    shown = await _with_audience(page, project_id, form)
    return await page.show("projects/access.html", section="projects", status=form.status, **shown)


async def _with_audience(page: Page, project_id: UUID, form: Form) -> dict[str, Any]:
    found = await views.project(page.services, project_id)
    seen = await audience(page.services, found.client_id, project_id)
    return {"detail": found, "audience": seen, "form": form, "roles": ROLES, "seeing": SEEING}


router = Router(
    path="/",
    route_handlers=[ask_to_share, share, withdraw, access, give_access],
    guards=[require_policy("manageProjects")],
    opt={"chapters": ("sharing",)},
)
