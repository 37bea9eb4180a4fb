"""Partner systems, for staff who manage them."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal import choices
from services.portal.api_clients import views
from services.portal.api_clients.answers import ApiClient, NewApiClient, Rotated
from services.portal.area import Area, Entry
from services.portal.choices import is_search
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.sorting import Sorting
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
SECTION = "api-clients"


@get("/api-clients")
async def api_clients(page: Page, sort: Short = "", cursor: Short = "") -> Template:
    """All of them, newest first unless a heading says otherwise."""
    sorting = Sorting(page.path, {}, views.COLUMNS, sort, SECTION)
    found = await views.listed(page.services, sorting.by, cursor)
    return await page.show("api_clients/list.html", section=SECTION, found=found, sorting=sorting)


@get("/api-clients/new")
async def new(page: Page) -> Template:
    """The form for a new one."""
    return await _show_new(page, Form({"auth_method": "client_secret"}))


@post("/api-clients/new")
async def create(page: Page, data: Typed) -> Template:
    """Let a partner system in. Its secret is on this one page."""
    form = views.new_form(data)
    if is_search(data):
        return await _show_new(page, form)
    method = form.values["auth_method"]
    body = views.body(form, has_secret=method != "private_key_jwt")
    if not form.is_wrong:
        body |= {"client_id": form.values["client_id"] or None, "auth_method": method}
        try:
            made = await page.services.identity.post("api-clients", NewApiClient, body)
            return await _show_secret(page, made, made.client_secret)
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get("/api-clients/{api_client_id:uuid}")
async def api_client(page: Page, api_client_id: UUID) -> Template:
    """One API client: its scopes, and when it was last used."""
    found, scopes = await views.detail(page.services, api_client_id)
    return await page.show("api_clients/page.html", section=SECTION, found=found, scopes=scopes)


@get("/api-clients/{api_client_id:uuid}/edit")
async def edit(page: Page, api_client_id: UUID) -> Template:
    """The form with what is stored."""
    found, scopes = await views.detail(page.services, api_client_id)
    return await _show_edit(page, Edit(views.stored(found, scopes).inputs), found=found, scopes=scopes)


@post("/api-clients/{api_client_id:uuid}/edit")
async def change(page: Page, api_client_id: UUID, data: Typed) -> Template | Redirect:
    """Save what was changed of name, scopes and keys, and only that: what others changed meanwhile stays theirs."""
    found, scopes = await views.detail(page.services, api_client_id)
    form = Edit.sent(data)
    if form.catch_up(views.stored(found, scopes)):
        body = views.body(form, has_secret=found.has_secret)
        if not form.is_wrong:
            try:
                if changes := form.only_changed(body, scopes=views.SCOPE):
                    await page.services.identity.patch(f"api-clients/{api_client_id}", ApiClient, changes)
                return page.go(f"/api-clients/{api_client_id}", _("Saved") if changes else "")
            except ServiceProblem as problem:
                form.refuse(problem)
    return await _show_edit(page, form, found=found, scopes=scopes)


@get("/api-clients/{api_client_id:uuid}/rotate")
async def ask_rotate(page: Page, api_client_id: UUID) -> Template:
    """How long shall the old secret still count?"""
    found, _scopes = await views.detail(page.services, api_client_id)
    return await page.show("api_clients/rotate.html", section=SECTION, found=found, form=Form({"overlap": "usual"}))


@post("/api-clients/{api_client_id:uuid}/rotate")
async def rotate(page: Page, api_client_id: UUID, data: Typed) -> Template:
    """A new secret, on this one page."""
    body = {"overlap_hours": 0} if data.get("overlap") == "none" else {}
    made = await page.services.identity.post(f"api-clients/{api_client_id}/rotate", Rotated, body)
    found, _scopes = await views.detail(page.services, api_client_id)
    return await _show_secret(page, found, made.client_secret)


@get("/api-clients/{api_client_id:uuid}/revoke")
async def ask_revoke(page: Page, api_client_id: UUID) -> Template:
    """Really?"""
    found, _scopes = await views.detail(page.services, api_client_id)
    here = f"/api-clients/{api_client_id}"
    question = Question(
        title=_("Revoke {name}?", name=isolated(found.name)),
        text=_("The API client and all its tokens lose access within a second. You cannot undo this."),
        action=f"{here}/revoke",
        yes=_("Revoke access"),
        back=here,
        danger=True,
    )
    return await ask(page, question, section=SECTION)


@post("/api-clients/{api_client_id:uuid}/revoke")
async def revoke(page: Page, api_client_id: UUID) -> Redirect:
    """End its access for good."""
    await page.services.identity.delete(f"api-clients/{api_client_id}")
    return page.go(f"/api-clients/{api_client_id}", _("Its access has ended."))


async def _show_new(page: Page, form: Form) -> Template:
    known: dict[str, Any] = {
        "scopes": await views.scopes(page.services),
        "clients": await choices.clients(page.services, form),
    }
    return await page.show("api_clients/new.html", section=SECTION, status=form.status, form=form, **known)


async def _show_edit(page: Page, form: Edit, **known: Any) -> Template:
    return await page.show("api_clients/edit.html", section=SECTION, status=form.status, form=form, **known)


async def _show_secret(page: Page, found: ApiClient, secret: str | None) -> Template:
    return await page.show("api_clients/secret.html", section=SECTION, found=found, secret=secret)


router = Router(
    path="/",
    route_handlers=[
        api_clients,
        new,
        create,
        api_client,
        edit,
        change,
        ask_rotate,
        rotate,
        ask_revoke,
        revoke,
    ],
    guards=[require_policy("manageApiClients")],
)
area = Area(
    pages=[router],
    chapters=("api-clients",),
    entry=Entry(
        path="/api-clients",
        label=marked("API clients"),
        icon="key",
        office=True,
        who=lambda page: page.actor.can("manageApiClients"),
    ),
)
