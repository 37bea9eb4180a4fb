"""The team of a client: its primary contact invites colleagues, gives them roles, and shuts them out."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.handlers.base import BaseRouteHandler
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area, Entry
from services.portal.choices import is_search
from services.portal.edits import Collision, Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.people.views import changed_roles, roles
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.sorting import Sorting
from services.portal.team import views
from services.portal.team.views import Member
from shared.actor import Actor
from shared.addresses import shown_address
from shared.claims import Connection
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated


async def require_primary_contact(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of these pages, as identity has it: everybody else of the client, and staff, have other ways."""
    actor: Actor = connection.scope["auth"]
    if actor.kind != "client" or not actor.is_primary_contact:
        raise Forbidden(_("Your primary contact manages the team. Ask them to add somebody or change a role."))


Short = Annotated[str, Parameter(max_length=400)]
ASKED = ("first_name", "last_name", "email")


@get("/team")
async def team(page: Page, q: Short = "", sort: Short = "", cursor: Short = "") -> Template:
    """The people of the client, with what they are in which project; HTMX gets the rows alone."""
    q = q.strip()
    sorting = Sorting(page.path, {"q": q} if q else {}, views.COLUMNS, sort, "team")
    wanted = {"q": q, "sort": sorting.by, "cursor": cursor}
    found, cards = await views.team_with_projects(page.services, page.actor, **wanted)
    shown: dict[str, Any] = {
        "found": found,
        "q": q,
        "sorting": sorting,
        "cursor": cursor,
        "names": {card.id: card.name for card in cards},
        "roles": views.ROLES,
    }
    if page.is_fragment:
        return page.fragment("team/rows.html", **shown)
    return await page.show("team/page.html", section="team", **shown)


@get("/team/new")
async def new(page: Page) -> Template | Redirect:
    """The form for an invitation. Where the company manages the team, the page of the team says so instead."""
    if not page.viewing and not (await views.team(page.services, limit=1)).open:
        return page.go("/team")
    return await _show_new(page, Form())


@post("/team/new")
async def invite(page: Page, data: Typed) -> Template | Redirect:
    """Invite a colleague."""
    form = Form(dict.fromkeys(ASKED, "") | data)
    if is_search(data):
        return await _show_new(page, form)
    if form.require_name() & form.require(email=_("Give an address.")):
        body = {name: form.values[name] for name in ASKED} | {"project_roles": roles(data)}
        try:
            made = await page.services.identity.post("team", Member, body)
            return page.go(
                "/team", _("An invitation is on its way to {address}.", address=shown_address(made.email or ""))
            )
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get("/team/{person_id:uuid}")
async def member(page: Page, person_id: UUID) -> Template:
    """What a colleague is in which project."""
    return await _show_member(page, person_id, None)


@post("/team/{person_id:uuid}")
async def set_roles(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Save a colleague's changed roles. If somebody else saved first, the form shows their changes."""
    return await _save(page, person_id, Edit.sent(data))


async def _save(page: Page, person_id: UUID, form: Edit) -> Template | Redirect:
    path = f"team/{person_id}/project-roles"
    if is_search(form.values):
        return await _show_member(page, person_id, form)
    try:
        if roles := changed_roles(form):
            await page.services.identity.patch(path, Member, {"roles": roles}, etag=form.etag)
        return page.go("/team", _("Project roles saved") if roles else "")
    except ServiceProblem as problem:
        form.refuse(problem)
    if form.is_stale:
        found = await views.member(page.services, page.actor, person_id)
        stored = views.stored(found, (await views.roles(page.services, page.actor, found.roles, form)).lines)
        theirs = form.rebase(stored.inputs, stored.words)
        if not theirs:  # what changed is nothing that they can see
            return await _save(page, person_id, form)
        form.collision = Collision("", None, theirs)
    return await _show_member(page, person_id, form)


@get("/team/{person_id:uuid}/deactivate")
async def question(page: Page, person_id: UUID) -> Template:
    """Are you sure?"""
    found = await views.member(page.services, page.actor, person_id)
    asked = Question(
        title=_("Remove {name} from the portal?", name=isolated(found.name)),
        text=_("They are signed out everywhere within a second and cannot sign in any more. We can let them in again."),
        action=f"/team/{person_id}/deactivate",
        yes=_("Remove access"),
        back="/team",
        danger=True,
    )
    return await ask(page, asked, section="team")


@post("/team/{person_id:uuid}/deactivate")
async def deactivate(page: Page, person_id: UUID) -> Redirect:
    """Shut a colleague out."""
    try:
        found = await page.services.identity.post(f"team/{person_id}/deactivate", Member)
    except ServiceProblem as problem:
        if problem.status != 403 or not problem.code.startswith("team."):
            raise
        return page.go("/team", problem.detail, tone="over")
    return page.go("/team", _("{name} has no access any more.", name=isolated(found.name)))


async def _show_new(page: Page, form: Form) -> Template:
    given = await views.roles(page.services, page.actor, {}, form)
    return await page.show(
        "team/new.html", section="team", status=form.status, form=form, given=given, roles=views.ROLES
    )


async def _show_member(page: Page, person_id: UUID, form: Edit | None) -> Template:
    if not page.has("projects"):
        return await page.closed("projects", section="team")
    found = await views.member(page.services, page.actor, person_id)
    given = await views.roles(page.services, page.actor, found.roles, form or Form())
    return await page.show(
        "team/member.html",
        section="team",
        status=form.status if form else 200,
        member=found,
        given=given,
        form=form or Edit(views.stored(found, given.lines).inputs),
        roles=views.ROLES,
    )


router = Router(
    path="/",
    route_handlers=[team, new, invite, member, set_roles, question, deactivate],
    guards=[require_primary_contact],
)
area = Area(
    pages=[router],
    chapters=("team",),
    entry=Entry(
        path="/team",
        label=marked("Team"),
        icon="users",
        who=lambda page: page.actor.kind == "client" and page.actor.is_primary_contact,
    ),
)
