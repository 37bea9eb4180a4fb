"""A client's contacts, for staff: the address book, and who of it may use the portal."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal import choices
from services.portal.area import Area
from services.portal.choices import is_search
from services.portal.clients.answers import Contact
from services.portal.contacts import views
from services.portal.contacts.page import Tried, show
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.people.views import ROLES, changed_roles, roles_choice, roles_stored
from services.portal.prove_it.views import require_fresh
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from shared.claims import require_policy, require_staff
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
manage_clients, manage_access = require_policy("manageClients"), require_policy("managePortalAccess")

Decision = Literal["portal-access/enable", "portal-access/disable", "invitation/resend"]
LOST = marked("Contact saved. The invitation to the address before can no longer be used: send it again.")


@get("/contacts/{contact_id:uuid}")
async def contact(page: Page, contact_id: UUID) -> Template:
    """One contact: details, whether they may use the portal, and what they are in its projects."""
    return await show(page, contact_id)


@post("/contacts/{contact_id:uuid}", guards=[manage_clients])
async def change(page: Page, contact_id: UUID, data: Typed) -> Template | Redirect:
    """Save what was changed, and only that."""
    form = Edit.sent(data)
    body = await views.within_rights(page, contact_id, views.body(form) | {"active": bool(form.values["active"])})
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                saved = await page.services.identity.patch(f"contacts/{contact_id}", Contact, changes)
                if "email" in changes and views.lost_invitation(saved):
                    return page.go(f"/contacts/{contact_id}", _(LOST), tone="info")
            return page.go(f"/contacts/{contact_id}", _("Contact saved") if changes else "")
        except ServiceProblem as problem:
            form.refuse(problem)
    return await show(page, contact_id, Tried(form.status, contact=form))


@get("/contacts/{contact_id:uuid}/access/enable", guards=[manage_access])
async def invite(page: Page, contact_id: UUID) -> Template:
    """Which roles shall they have? Inviting takes a fresh proof, so it is asked for before anything is chosen."""
    await require_fresh(page)
    return await _show_invite(page, contact_id)


@post("/contacts/{contact_id:uuid}/access/enable", guards=[manage_access])
async def enable_access(page: Page, contact_id: UUID, data: Typed) -> Template | Redirect:
    """Give them access, with the roles that were changed; who has no account is invited, and has new roles once they
    accept.
    """
    form = Edit.sent(data)
    if is_search(data):
        return await _show_invite(page, contact_id, form)
    changes = changed_roles(form)
    if not changes:
        return await _decide(page, contact_id, "portal-access/enable", _("Access given"))
    try:
        body = {"project_roles": changes}
        await page.services.identity.post(f"contacts/{contact_id}/portal-access/enable", Contact, body)
    except ServiceProblem as problem:
        form.refuse(problem)
        return await _show_invite(page, contact_id, form)
    return page.go(f"/contacts/{contact_id}", _("Access given"))


@post("/contacts/{contact_id:uuid}/invitation", guards=[manage_access])
async def resend(page: Page, contact_id: UUID) -> Template | Redirect:
    """Invite them once more."""
    return await _decide(page, contact_id, "invitation/resend", _("The invitation is on its way"))


@get("/contacts/{contact_id:uuid}/access/disable", guards=[manage_access])
async def question_disable(page: Page, contact_id: UUID) -> Template:
    """Are you sure?"""
    found, _client = await views.contact(page.services, contact_id)
    question = Question(
        title=_("Withdraw {name}'s access?", name=isolated(found.name)),
        text=_("They are signed out everywhere within a second, and their invitation becomes invalid."),
        action=f"/contacts/{contact_id}/access/disable",
        yes=_("Withdraw access"),
        back=f"/contacts/{contact_id}",
        danger=True,
    )
    return await ask(page, question, section="clients")


@post("/contacts/{contact_id:uuid}/access/disable", guards=[manage_access])
async def disable_access(page: Page, contact_id: UUID) -> Template | Redirect:
    """Shut them out."""
    return await _decide(page, contact_id, "portal-access/disable", _("Access withdrawn"))


@get("/contacts/{contact_id:uuid}/move", guards=[manage_clients])
async def move(page: Page, contact_id: UUID) -> Template:
    """Which client do they work for now?"""
    return await _show_move(page, contact_id, Form())


@post("/contacts/{contact_id:uuid}/move", guards=[manage_clients])
async def do_move(page: Page, contact_id: UUID, data: Typed) -> Template | Redirect:
    """Make them that client's contact."""
    form = Form(data)
    if not is_search(data) and form.require(client_id=_("Choose a client.")):
        try:
            body = {"client_id": form.values["client_id"]}
            moved = await page.services.identity.post(f"contacts/{contact_id}/move", Contact, body)
            return page.go(f"/contacts/{contact_id}", _("{name} was moved.", name=isolated(moved.name)))
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_move(page, contact_id, form)


async def _decide(page: Page, contact_id: UUID, what: Decision, done: str) -> Template | Redirect:
    """Give or revoke access. Reasons against it are shown beside the button."""
    try:
        await page.services.identity.post(f"contacts/{contact_id}/{what}", Contact)
    except ServiceProblem as problem:
        return await show(page, contact_id, Tried(problem.status, missing=views.lacking(problem)))
    return page.go(f"/contacts/{contact_id}", done)


async def _show_invite(page: Page, contact_id: UUID, form: Edit | None = None) -> Template:
    """`form` is the one that was sent; before that it has what they are already, or are to become."""
    found, client = await views.contact(page.services, contact_id)
    choice = await roles_choice(page.services, found.client_id, form or Form(), found.roles)
    held = [project for project in choice.items if project.id in found.roles]
    form = form or Edit(roles_stored(held, found.roles, version=0).inputs)
    return await page.show(
        "contacts/invite.html",
        section="clients",
        status=form.status,
        form=form,
        contact=found,
        client=client,
        choice=choice,
        roles=ROLES,
    )


async def _show_move(page: Page, contact_id: UUID, form: Form) -> Template:
    found = await page.services.identity.get(f"contacts/{contact_id}", Contact)
    others = (await choices.clients(page.services, form)).only(lambda each: each.id != found.client_id)
    return await page.show(
        "contacts/move.html", section="clients", status=form.status, form=form, contact=found, clients=others
    )


router = Router(
    path="/",
    route_handlers=[
        *(contact, change),
        *(invite, enable_access, resend, question_disable, disable_access, move, do_move),
    ],
    guards=[require_staff],
)
area = Area(pages=[router], chapters=("contacts",))
