"""People and what they may do, for staff who decide it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.clients import ServiceProblem
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.people import views
from services.portal.people.answers import Person, ResetLink
from services.portal.questions import Question, ask
from shared.claims import require_policy

Short = Annotated[str, Parameter(max_length=400)]
Kind = Literal["staff", "client"]


@get("/people")
async def people(page: Page, q: Short = "", kind: Kind = "staff", cursor: Short = "") -> Template:
    """Staff by name, or the people of all clients; HTMX gets the rows alone."""
    q = q.strip()
    found = await views.listed(page.services, kind, q, cursor)
    shown: dict[str, Any] = {
        "found": found,
        "q": q,
        "kind": kind,
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
    if form.require(first_name="Give a first name.", last_name="Give a last name.", email="Give an address."):
        body = {name: form.values[name] for name in (*views.DETAILS, "email")}
        try:
            made = await page.services.identity.post("people", Person, body | {"kind": "staff", "policies": policies})
            return page.go(f"/people/{made.id}", f"{made.name} can sign in now.")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get("/people/{person_id:uuid}")
async def person(page: Page, person_id: UUID) -> Template:
    """One person: details, rights, ways to take access away."""
    return await _show(page, person_id)


@post("/people/{person_id:uuid}")
async def change(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Save the details that were changed."""
    form = Edit.sent(data)
    if form.require(first_name="Give a first name.", last_name="Give a last name."):
        try:
            if changes := form.only_changed({name: form.values[name] for name in views.DETAILS}):
                await page.services.identity.patch(f"people/{person_id}", Person, changes)
            return page.go(f"/people/{person_id}", "Details saved" if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show(page, person_id, details=form)


@post("/people/{person_id:uuid}/policies")
async def set_policies(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Give exactly the ticked policies, or those of the group whose button was pressed."""
    body = {"group": data["group"]} if data.get("group") else {"policies": views.ticked(data, "policy")}
    return await _decide(page, (person_id, "policies"), data, body, "Policies saved. They hold at once.")


@post("/people/{person_id:uuid}/assignments")
async def set_assignments(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Limit to the ticked projects, or lift the limit."""
    limited = bool(data.get("limited"))
    body = {"limited": limited, "project_ids": views.ticked(data, "project") if limited else []}
    return await _decide(page, (person_id, "assignments"), data, body, "Projects saved. They hold at once.")


@post("/people/{person_id:uuid}/project-roles")
async def set_project_roles(page: Page, person_id: UUID, data: Typed) -> Template | Redirect:
    """Make a client's person what was chosen in each project."""
    return await _decide(page, (person_id, "project-roles"), data, {"roles": views.roles(data)}, "Project roles saved")


@get("/people/{person_id:uuid}/deactivate")
async def question_deactivate(page: Page, person_id: UUID) -> Template:
    """Are you sure?"""
    found = await views.person(page.services, person_id)
    question = Question(
        title=f"Deactivate {found.name}?",
        text="They are signed out everywhere within a second and cannot sign in any more. Nothing they did is deleted.",
        action=f"/people/{person_id}/active",
        yes="Deactivate",
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
    return page.go(f"/people/{person_id}", f"{found.name} {'can sign in again' if active else 'is signed out'}")


@get("/people/{person_id:uuid}/two-factor/reset")
async def question_two_factor(page: Page, person_id: UUID) -> Template:
    """Are you sure?"""
    found = await views.person(page.services, person_id)
    question = Question(
        title=f"Remove the second factor of {found.name}?",
        text="Do this when they lost their phone and their recovery codes, and you are sure it is them who asks.",
        action=f"/people/{person_id}/two-factor/reset",
        yes="Remove second factor",
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
    return page.go(f"/people/{person_id}", "Second factor removed")


@post("/people/{person_id:uuid}/reset-link")
async def reset_link(page: Page, person_id: UUID) -> Template | Redirect:
    """A link to set a password with, to hand over in person; shown on this page and never again."""
    try:
        made = await page.services.identity.post(f"people/{person_id}/reset-link", ResetLink)
    except ServiceProblem as problem:
        return await _refused(page, person_id, problem)
    return await _show(page, person_id, reset=made)


async def _decide(
    page: Page, path: tuple[UUID, str], data: Mapping[str, str], body: dict[str, Any], told: str
) -> Template | Redirect:
    """Replace somebody's rights of one kind; what is refused stays in the form."""
    person_id, what = path
    try:
        await page.services.identity.put(f"people/{person_id}/{what}", Person, body)
        return page.go(f"/people/{person_id}", told)
    except ServiceProblem as problem:
        form = Form(data)
        form.refuse(problem)
        return await _show(page, person_id, rights=form)


async def _refused(page: Page, person_id: UUID, problem: ServiceProblem) -> Template:
    form = Form()
    form.refuse(problem)
    return await _show(page, person_id, refused=form)


async def _show(
    page: Page,
    person_id: UUID,
    *,
    details: Edit | None = None,
    rights: Form | None = None,
    refused: Form | None = None,
    reset: ResetLink | None = None,
) -> Template:
    """`details` and `rights` as they were typed, where they were refused; `refused` is anything else that was."""
    found = await views.detail(page.services, page.actor, person_id)
    return await page.show(
        "people/page.html",
        section="people",
        status=(details or rights or refused or Form()).status,
        found=found,
        details=details or views.details(found.person),
        refused=(rights or refused or Form()).error,
        rights=rights or views.rights(found.person),
        reset=reset,
        roles=views.ROLES,
        languages=views.LANGUAGES,
    )


async def _show_new(page: Page, form: Form) -> Template:
    known = await views.policies(page.services)
    return await page.show(
        "people/new.html", section="people", status=form.status, form=form, known=known, languages=views.LANGUAGES
    )


router = Router(
    path="/",
    route_handlers=[
        people,
        new,
        create,
        person,
        change,
        set_policies,
        set_assignments,
        set_project_roles,
        question_deactivate,
        set_active,
        question_two_factor,
        reset_two_factor,
        reset_link,
    ],
    guards=[require_policy("managePeople")],
)
