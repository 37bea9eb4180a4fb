"""How a client's people sign in, for staff: the portal's switch, sign-in methods, networks."""

from uuid import UUID

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.choices import is_search
from services.portal.clients.access import views
from services.portal.clients.answers import ClientAccess
from services.portal.contacts.views import lacking
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from shared.claims import require_policy, require_staff
from shared.language import gettext as _
from shared.texts import isolated

manage_clients, manage_access = require_policy("manageClients"), require_policy("managePortalAccess")


@get("/clients/{client_id:uuid}/access")
async def access(page: Page, client_id: UUID) -> Template:
    """The portal's switch and the sign-in methods."""
    return await _show(page, client_id)


@post("/clients/{client_id:uuid}/access", guards=[manage_clients])
async def change(page: Page, client_id: UUID, data: Typed) -> Template | Redirect:
    """Save what was changed, and only that: what others changed meanwhile stays theirs."""
    form = Edit.sent(views.sent(data))
    client = await page.services.identity.get(f"clients/{client_id}", ClientAccess)
    offered = views.offered(page.areas)
    if form.catch_up(views.stored(client, page.actor, offered)):
        changes = views.changes(form, page.actor, offered)
        if not form.is_wrong:
            try:
                if changes:
                    await page.services.identity.patch(f"clients/{client_id}", ClientAccess, changes)
                return page.go(f"/clients/{client_id}/access", _("Access saved") if changes else "")
            except ServiceProblem as problem:
                form.refuse(problem)
    return await _show(page, client_id, form=form)


@post("/clients/{client_id:uuid}/portal/enable", guards=[manage_access])
async def enable(page: Page, client_id: UUID, data: Typed) -> Template | Redirect:
    """Open the portal for the client, linked to the chosen contact."""
    body = {"user_id": data["user_id"]} if data.get("user_id") else {}
    if is_search(data):
        return await _show(page, client_id, switch=Form(data))
    try:
        await page.services.identity.post(f"clients/{client_id}/portal/enable", ClientAccess, body)
    except ServiceProblem as problem:
        switch = Form({"user_id": data.get("user_id")})
        switch.error = " ".join(lacking(problem))
        switch.refused_with = problem.status
        return await _show(page, client_id, switch=switch)
    return page.go(f"/clients/{client_id}/access", _("The portal is open"))


@get("/clients/{client_id:uuid}/portal/disable", guards=[manage_access])
async def question_disable(page: Page, client_id: UUID) -> Template:
    """Are you sure?"""
    client = await page.services.identity.get(f"clients/{client_id}", ClientAccess)
    question = Question(
        title=_("Close {client}'s portal?", client=isolated(client.name)),
        text=_("All of its people are signed out within a second. Nothing is deleted, and it can be opened again."),
        action=f"/clients/{client_id}/portal/disable",
        yes=_("Close portal"),
        back=f"/clients/{client_id}/access",
        danger=True,
    )
    return await ask(page, question, section="clients")


@post("/clients/{client_id:uuid}/portal/disable", guards=[manage_access])
async def disable(page: Page, client_id: UUID) -> Redirect:
    """Close it."""
    await page.services.identity.post(f"clients/{client_id}/portal/disable", ClientAccess)
    return page.go(f"/clients/{client_id}/access", _("The portal is closed"))


async def _show(page: Page, client_id: UUID, *, form: Edit | None = None, switch: Form | None = None) -> Template:
    found, offered = await views.access(page.services, client_id, switch), views.offered(page.areas)
    return await page.show(
        "clients/access/page.html",
        section="clients",
        status=max(form.status if form else 200, found.switch.status),
        client=found.client,
        found=found,
        methods=views.METHODS,
        offered=offered,
        form=form or Edit(views.inputs(found.client, offered)),
        switch=found.switch,
    )


router = Router(
    path="/",
    route_handlers=[access, change, enable, question_disable, disable],
    guards=[require_staff],
    opt={"chapters": ("client-access",)},
)
