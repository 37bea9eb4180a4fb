"""Clients, for staff: the list, one client, a new one, changing one."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.answers import Client
from services.portal.area import Area, Entry, Widget, staff
from services.portal.clients import views
from services.portal.clients.access.api import router as access
from services.portal.clients.contacts import router as contacts
from services.portal.clients.recordings.api import router as recordings
from services.portal.clients.single_sign_on import router as single_sign_on
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.services import WIDGET_DEADLINE, ServiceProblem
from services.portal.sorting import Sorting
from shared.claims import require_policy, require_staff
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
manage_clients = require_policy("manageClients")
SAME_NAME = marked("Tick the box if this is another one.")


@get("/clients")
async def clients(
    *,
    page: Page,
    q: Short = "",
    status: Short = "",
    portal: Short = "",
    variant: Short = "",
    sort: Short = "",
    cursor: Short = "",
) -> Template:
    """All clients, searched as one types, narrowed by what they are; HTMX gets the rows alone."""
    wanted = {"q": q.strip(), "status": status, "portal": portal, "variant": variant}
    sorting = Sorting(page.path, wanted, views.COLUMNS, sort, "client-list")
    shown: dict[str, Any] = {
        "found": await views.listed(page.services, wanted, sorting.by, cursor),
        "sorting": sorting,
        "wanted": wanted,
        "is_narrowed": any(wanted.values()),
        "cursor": cursor,
    }
    if page.is_fragment:
        return page.fragment("clients/rows.html", **shown)
    return await page.show("clients/list.html", section="clients", filters=views.FILTERS, **shown)


@get("/clients/{client_id:uuid}")
async def client(page: Page, client_id: UUID) -> Template:
    """One client, with what the areas bring to its page."""
    widgets = page.areas.widgets("client")
    found, *slots = await asyncio.gather(
        views.client(page.services, client_id), *(each.load(page, client_id, WIDGET_DEADLINE) for each in widgets)
    )
    parts = list(zip(widgets, slots, strict=True))
    return await page.show(
        "clients/page.html", section="clients", live=client_id, client=found, parts=parts, variants=views.variants()
    )


@get("/clients/new", guards=[manage_clients])
async def new(page: Page) -> Template:
    """The form for a new client."""
    return await _show_new(page, Form({"variant": "delivery"}))


@post("/clients/new", guards=[manage_clients])
async def create(page: Page, data: Typed) -> Template | Redirect:
    """Take on a client."""
    form = Form({name: data.get(name, "") for name in ("name", "variant", "same_name")})
    if form.require(name=_("Give the client a name.")):
        body = {name: form.values[name] for name in ("name", "variant")}
        try:
            made = await page.services.identity.post("clients", Client, body | _asked(form))
            return page.go(f"/clients/{made.id}", _("{name} is a client now.", name=isolated(made.name)))
        except ServiceProblem as problem:
            _refuse(form, problem)
    return await _show_new(page, form)


@get("/clients/{client_id:uuid}/edit", guards=[manage_clients])
async def edit(page: Page, client_id: UUID) -> Template:
    """The form with what is stored."""
    found = await views.client(page.services, client_id)
    return await _show_edit(page, found, Edit(views.inputs(found, page.actor)))


@post("/clients/{client_id:uuid}/edit", guards=[manage_clients])
async def change(page: Page, client_id: UUID, data: Typed) -> Template | Redirect:
    """Save what was changed, and only that: what others changed meanwhile stays theirs."""
    form = Edit.sent(data)
    body = views.body(form, page.actor)
    if not form.is_wrong:
        try:
            if changes := form.only_changed(body):
                asked = _asked(form) if "name" in changes else {}
                await page.services.identity.patch(f"clients/{client_id}", Client, {**changes, **asked})
            return page.go(f"/clients/{client_id}", _("Client saved") if changes else "")
        except ServiceProblem as problem:
            _refuse(form, problem)
    return await _show_edit(page, await views.client(page.services, client_id), form)


def _asked(form: Form) -> dict[str, bool]:
    """Whether a name that another client has is a mistake: the tick says that this one is meant."""
    return {"name_is_new": form.values["same_name"] != form.values["name"]}


def _refuse(form: Form, problem: ServiceProblem) -> None:
    form.refuse(problem)
    if problem.code == "client.same_name":
        form.errors["same_name"] = _(SAME_NAME)


async def _show_new(page: Page, form: Form) -> Template:
    return await _show_form(page, "clients/new.html", form)


async def _show_edit(page: Page, client: Client, form: Edit) -> Template:
    return await _show_form(page, "clients/edit.html", form, client=client)


async def _show_form(page: Page, template: str, form: Form, **more: Any) -> Template:
    kinds = {"variants": views.variants(), "about_variant": views.ABOUT_VARIANT}
    return await page.show(template, section="clients", status=form.status, form=form, **kinds, **more)


pages = Router(
    path="/",
    route_handlers=[clients, client, new, create, edit, change],
    guards=[require_staff],
)
area = Area(
    pages=[pages, access, contacts, single_sign_on, recordings],
    chapters=("clients",),
    entry=Entry(path="/clients", label=marked("Clients"), icon="building", who=staff),
    widgets=[Widget(name="people", template="clients/people.html", load=views.people, where="client", place="side")],
)
