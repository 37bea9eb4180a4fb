"""People and their permissions, for staff who manage them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area, Entry
from services.portal.choices import is_search
from services.portal.contacts import page as contact_page
from services.portal.contacts.page import Tried
from services.portal.edits import Collision, Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.people import views
from services.portal.people.answers import Person, ResetLink
from services.portal.people.pictures import router as pictures
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.sorting import Sorting
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
Kind = Literal["staff", "client"]


@get("/people")
async def people(page: Page, q: Short = "", kind: Kind = "staff", sort: Short = "", cursor: Short = "") -> Template:
    """Staff, or the people of all clients; HTMX gets the rows alone."""
    q = q.strip()
    sorting = Sorting(page.path, {"kind": kind, "q": q}, views.COLUMNS, sort, "people-list")
    found = await views.listed(page.services, kind, q, sorting.by, cursor)
    shown: dict[str, Any] = {
        "found": found,
        "q": q,
        "kind": kind,
        "sorting": sorting,
        "cursor": cursor,
        "known": await views.policies(page.services),
    }
    if page.is_fragment:
        return page.fragment("people/rows.html", **shown)
    return await page.show("people/list.html", section="people", **shown)


@get("/people/new")
async def new(page: Page) -> Template:
    """The form for a new member of staff."""
    return await _show_new(page, Form({"group": "member", "language": "en"}))


@post("/people/new")
async def create(page: Page, data: Typed) -> Template | Redirect:
    """Add a member of staff. They sign in by a link in their mail."""
    form = Form({name: data.get(name) for name in (*views.DETAILS, "email", "group")})
    known = await views.policies(page.services)
    policies = next((group.policies for group in known.groups if group.key == form.values["group"]), [])
    if form.require_name() & form.require(email=_("Give an address.")):
        body = {name: form.values[name] for name in (*views.DETAILS, "email")}
        try:
            made = await page.services.identity.post("people", Person, body | {"kind": "staff", "policies": policies})
            return page.go(
                f"/people/{made.id}", _("{name} can sign in now. No mail was sent.", name=isolated(made.name))
            )
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get("/people/{person_id:uuid}")
async def person(page: Page, person_id: UUID) -> Template | Redirect:
    """One of staff: details, rights, ways to take access away. A client's person has a page there."""
    found = await views.person(page.services, person_id)
    return await _show(page, person_id) if found.is_staff else Redirect(found.path, status_code=301)


@post("/people/{person_id:uuid}")
async def change(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Save the details that were changed."""
    form = Edit.sent(data)
    if form.require_name():
        try:
            if changes := form.only_changed({name: form.values[name] for name in views.DETAILS}):
                await page.services.identity.patch(f"people/{person_id}", Person, changes)
            return page.go(f"/people/{person_id}", _("Details saved") if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, person_id, details=form)


@post("/people/{person_id:uuid}/policies")
async def set_policies(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Give and take what was ticked and cleared, or make them the group whose button was pressed."""
    path = f"people/{person_id}/policies"

    async def send(form: Edit) -> None:
        if group := data.get("group"):
            await page.services.identity.put(path, Person, {"group": group}, etag=form.etag)
        elif form.changed():
            changes = views.added_and_removed(form, views.POLICY)
            await page.services.identity.patch(path, Person, changes, etag=form.etag)

    form = Edit.sent({name: value for name, value in data.items() if name != "group"})
    return await _decide(page, person_id, views.Rights(policies=form), form, send)


@post("/people/{person_id:uuid}/assignments")
async def set_assignments(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Add and take away the projects that were ticked and cleared, or lift the limit."""

    async def send(form: Edit) -> None:
        if form.changed():
            limited = bool(form.values["limited"])
            changes = views.added_and_removed(form, views.PROJECT) if limited else {}
            body = {"limited": limited, **changes}
            await page.services.identity.patch(f"people/{person_id}/assignments", Person, body, etag=form.etag)

    form = Edit.sent(data)
    return await _decide(page, person_id, views.Rights(assignments=form), form, send)


@post("/people/{person_id:uuid}/project-roles")
async def set_project_roles(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Save the project roles that were changed for a client's person."""

    async def send(form: Edit) -> None:
        if roles := views.changed_roles(form):
            body = {"roles": roles}
            await page.services.identity.patch(f"people/{person_id}/project-roles", Person, body, etag=form.etag)

    form = Edit.sent(data)
    return await _decide(page, person_id, views.Rights(roles=form), form, send)


@get("/people/{person_id:uuid}/deactivate")
async def question_deactivate(page: Page, person_id: UUID) -> Template:
    """Are you sure?"""
    found = await views.person(page.services, person_id)
    question = Question(
        title=_("Deactivate {name}?", name=isolated(found.name)),
        text=_(
            "They are signed out everywhere within a second and cannot sign in any more. Nothing they did is deleted."
        ),
        action=f"/people/{person_id}/active",
        yes=_("Deactivate"),
        back=f"/people/{person_id}",
        danger=True,
    )
    return await ask(page, question, section="people")


@post("/people/{person_id:uuid}/active")
async def set_active(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Shut somebody out, or, with `active`, let them in again."""
    active = bool(data.get("active"))
    try:
        found = await page.services.identity.patch(f"people/{person_id}", Person, {"active": active})
    except ServiceProblem as problem:
        return await _refused(page, person_id, problem)
    name = isolated(found.name)
    done = _("{name} can sign in again", name=name) if active else _("{name} is signed out", name=name)
    return page.go(found.path, done)


@get("/people/{person_id:uuid}/two-factor/reset")
async def question_two_factor(page: Page, person_id: UUID) -> Template:
    """Are you sure?"""
    found = await views.person(page.services, person_id)
    question = Question(
        title=_("Remove the second factor of {name}?", name=isolated(found.name)),
        text=_("Do this when they lost their phone and their recovery codes, and you are sure it is them who asks."),
        action=f"/people/{person_id}/two-factor/reset",
        yes=_("Remove second factor"),
        back=f"/people/{person_id}",
        danger=True,
    )
    return await ask(page, question, section="people")


@post("/people/{person_id:uuid}/two-factor/reset")
async def reset_two_factor(page: Page, person_id: UUID) -> Template | Redirect:
    """Remove somebody's second factor."""
    try:
        await page.services.identity.delete(f"people/{person_id}/two-factor")
    except ServiceProblem as problem:
        return await _refused(page, person_id, problem)
    return page.go(f"/people/{person_id}", _("Second factor removed"))


@post("/people/{person_id:uuid}/reset-link")
async def reset_link(page: Page, person_id: UUID) -> Template | Redirect:
    """A link to set a password with, to hand over in person; shown on this page and never again."""
    try:
        made = await page.services.identity.post(f"people/{person_id}/reset-link", ResetLink)
    except ServiceProblem as problem:
        return await _refused(page, person_id, problem)
    return await _show(page, person_id, reset=made)


async def _decide(
    page: Page, person_id: UUID, rights: views.Rights, form: Edit, send: Callable[[Edit], Awaitable[None]]
) -> Template | Redirect:
    """Send what was changed of somebody's rights; what is refused stays in `form`, which is the one of `rights`.

    If somebody else saved first, the form shows their changes. If only the version is new, the form is sent once
    more.
    """
    if is_search(form.values):
        return await _show(page, person_id, rights=rights)
    try:
        await send(form)
        return page.go(f"/people/{person_id}", _("Saved. The change applies at once."))
    except ServiceProblem as problem:
        form.refuse(problem)
    if form.is_stale:
        stored = rights.stored(await views.detail(page.services, page.actor, person_id, form))
        theirs = form.rebase(stored.inputs, stored.words)
        if not theirs:
            return await _decide(page, person_id, rights, form, send)
        form.collision = Collision("", None, theirs)
    return await _show(page, person_id, rights=rights)


async def _refused(page: Page, person_id: UUID, problem: ServiceProblem) -> Template:
    form = Form()
    form.refuse(problem)
    return await _show(page, person_id, refused=form)


async def _show(
    page: Page,
    person_id: UUID,
    *,
    details: Edit | None = None,
    rights: views.Rights | None = None,
    refused: Form | None = None,
    reset: ResetLink | None = None,
) -> Template:
    """`details`, or one of `rights`, as it was typed and refused; `refused` is anything else that was."""
    rights = rights or views.Rights()
    found = await views.detail(page.services, page.actor, person_id, rights.sent)
    form = details or rights.sent or refused or Form()
    said = (rights.sent or refused or Form()).error
    if not found.person.is_staff:
        tried = Tried(form.status, said, details=details, roles=rights.roles, reset=reset)
        return await contact_page.show(page, person_id, tried)
    return await page.show(
        "people/page.html",
        section="people",
        status=form.status,
        found=found,
        details=details or views.details(found.person),
        refused=said,
        policies=rights.policies or Edit(views.policies_of(found).inputs),
        assignments=rights.assignments or Edit(views.assignments_of(found).inputs),
        reset=reset,
    )


async def _show_new(page: Page, form: Form) -> Template:
    known = await views.policies(page.services)
    return await page.show("people/new.html", section="people", status=form.status, form=form, known=known)


router = Router(
    path="/",
    route_handlers=[
        *(people, new, create, person, change, set_policies, set_assignments, set_project_roles),
        *(question_deactivate, set_active, question_two_factor, reset_two_factor, reset_link),
    ],
    guards=[require_policy("managePeople")],
)
area = Area(
    pages=[router, pictures],
    chapters=("people",),
    entry=Entry(
        path="/people",
        label=marked("People"),
        icon="users",
        office=True,
        who=lambda page: page.actor.can("managePeople"),
    ),
)
