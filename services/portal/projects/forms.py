"""Starting a project, changing it, and saying how it stands. For staff who manage projects."""

from uuid import UUID

from litestar import Router, get, post
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Redirect, Template

from services.portal import choices
from services.portal.answers import ProjectDetail
from services.portal.choices import Choice, is_search
from services.portal.edits import Edit, collide
from services.portal.forms import UNSAVED, Form, Typed
from services.portal.page import Page
from services.portal.people.answers import Person
from services.portal.projects import fields as views
from services.portal.projects import team_rows as team
from services.portal.projects.audience import audience
from services.portal.projects.views import HIDEABLE
from services.portal.projects.views import seen as project_page
from services.portal.services import ServiceProblem, slot
from services.portal.toasts import Toast
from shared.actor import Actor
from shared.claims import Connection, require_policy
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

UNKNOWN_CLIENT = marked("This client cannot be found. If it was added a moment ago, try again.")


async def refuse_limited(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of new projects: a subcontractor works on those there are."""
    actor: Actor = connection.scope["auth"]
    if actor.is_limited:
        raise Forbidden(_("You work on the projects named for you."))


@get("/projects/new", guards=[refuse_limited])
async def new(page: Page, client_id: UUID | None = None) -> Template:
    """The form for a new project."""
    chosen = client_id or page.chosen_client
    return await _show_new(page, Form({"client_id": chosen, "status": "on_track", "private": "on"}))


@post("/projects/new", guards=[refuse_limited])
async def create(page: Page, data: Typed) -> Template | Redirect:
    """Start a project."""
    form = Form(data)
    if "row" in data:
        await _arrange(page, form)
        return await _show_new(page, form)
    if is_search(data):
        return await _show_new(page, form)
    form.require(client_id=_("Choose a client."))
    await _arrange(page, form)
    body = views.body(form) | {"client_id": form.values["client_id"], "private": bool(form.values["private"])}
    if not form.is_wrong:
        try:
            made = await page.services.projects.post("projects", ProjectDetail, body)
            return page.go(await _next(page, made), _("{name} has started", name=isolated(made.name)))
        except ServiceProblem as problem:
            if problem.status == 404:
                form.errors["client_id"] = _(UNKNOWN_CLIENT)
            else:
                form.refuse(problem)
    return await _show_new(page, form)


@get("/projects/{project_id:uuid}/edit")
async def edit(page: Page, project_id: UUID) -> Template:
    """The form with what is stored."""
    found = await views.project(page.services, project_id)
    return await _show_edit(page, found, Edit(views.stored(found).inputs))


@post("/projects/{project_id:uuid}/edit")
async def change(page: Page, project_id: UUID, data: Typed) -> Template | Redirect:
    """Save the changes. If somebody else saved first, show their changes and keep what was typed."""
    form = Edit.sent(data)
    if "row" in data or is_search(data):
        if "row" in data:
            await _arrange(page, form)
        return await _show_edit(page, await views.project(page.services, project_id), form)
    await _arrange(page, form)
    return await _save(page, project_id, form)


async def _save(page: Page, project_id: UUID, form: Edit) -> Template | Redirect:
    body = views.body(form)
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                await page.services.projects.patch(f"projects/{project_id}", ProjectDetail, changes, etag=form.etag)
            return page.go(f"/projects/{project_id}", _("Project saved") if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    found = await views.project(page.services, project_id)
    if form.is_stale:
        of = {"project_id": project_id, "target_id": project_id}
        if not await collide(page, form, views.stored(found), **of):
            return await _save(page, project_id, form)
    return await _show_edit(page, found, form)


@post("/projects/{project_id:uuid}/status")
async def set_status(page: Page, project_id: UUID, data: Typed) -> Template | Redirect:
    """Set the project's status; HTMX loads the plan again."""
    body = {"status": data.get("status", "")}
    changed = await page.services.projects.patch(f"projects/{project_id}", ProjectDetail, body)
    words = _(views.NOW[changed.status], name=isolated(changed.name))
    if page.is_fragment:
        shown = await project_page(page.services, page.actor, project_id)
        return page.fragment("projects/plan.html", project=shown, toast=Toast(words))
    return page.go(f"/projects/{project_id}", words)


async def _arrange(page: Page, form: Form) -> None:
    """Do what a row's button says. Who is chosen from the staff comes into the team by a button, and by saving."""
    wanted = form.values["row"]
    if wanted not in ("", "choose"):
        team.arrange(form, wanted)
    elif form.values["colleague"] and not page.actor.is_limited:
        found = await slot(choices.colleagues(page.services, form))
        if found.value is None:
            form.error = UNSAVED
        else:
            team.choose(form, found.value)


async def _colleagues(page: Page, form: Form) -> Choice[Person] | None:
    """Who of the staff can be chosen: None for a subcontractor, who does not see them, and while nobody can say."""
    if page.actor.is_limited:
        return None
    found = (await slot(choices.colleagues(page.services, form))).value
    return found and team.to_choose(form, found)


async def _next(page: Page, made: ProjectDetail) -> str:
    """Where to go on: to who may see the project, where the client does and nobody there has a role that shows it."""
    if made.private or not page.actor.can("managePeople"):
        return f"/projects/{made.id}"
    seen = await audience(page.services, made.client_id, made.id)
    return f"/projects/{made.id}/access" if seen.is_empty else f"/projects/{made.id}"


async def _show_new(page: Page, form: Form) -> Template:
    return await page.show(
        "projects/new.html",
        section="projects",
        status=form.status,
        form=form,
        clients=await choices.clients(page.services, form),
        rows=team.rows(form),
        colleagues=await _colleagues(page, form),
        statuses=views.statuses(),
        hideable=HIDEABLE,
    )


async def _show_edit(page: Page, project: ProjectDetail, form: Edit) -> Template:
    return await page.show(
        "projects/edit.html",
        section="projects",
        status=form.status,
        form=form,
        project=project,
        rows=team.rows(form),
        colleagues=await _colleagues(page, form),
        statuses=views.statuses(),
        hideable=HIDEABLE,
    )


router = Router(
    path="/", route_handlers=[new, create, edit, change, set_status], guards=[require_policy("manageProjects")]
)
