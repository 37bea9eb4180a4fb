"""Webhooks, for staff who may manage partner systems."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal import choices
from services.portal.area import Area, Entry
from services.portal.choices import is_search
from services.portal.edits import Edit
from services.portal.forms import Form, Typed
from services.portal.page import Page
from services.portal.questions import Question, ask
from services.portal.services import ServiceProblem
from services.portal.sorting import Sorting
from services.portal.webhooks import views
from services.portal.webhooks.answers import EventType, NewWebhook, Rotated, Webhook
from shared.claims import require_policy
from shared.language import gettext as _
from shared.language import marked
from shared.texts import isolated

Short = Annotated[str, Parameter(max_length=400)]
SECTION = "webhooks"


@get("/webhooks")
async def webhooks(page: Page, sort: Short = "", cursor: Short = "") -> Template:
    """All of them, newest first unless a heading says otherwise."""
    sorting = Sorting(page.path, {}, views.COLUMNS, sort, SECTION)
    found = await views.listed(page.services, sorting.by, cursor)
    return await page.show("webhooks/list.html", section=SECTION, found=found, sorting=sorting)


@get("/webhooks/new")
async def new(page: Page) -> Template:
    """The form for a new one."""
    return await _show_new(page, Form())


@post("/webhooks/new")
async def create(page: Page, data: Typed) -> Template:
    """Have an address told. Its secret is on this one page."""
    form = views.new_form(data)
    if is_search(data):
        return await _show_new(page, form)
    body = views.body(form) | {"client_id": form.values["client_id"] or None}
    if not form.is_wrong:
        try:
            made = await page.services.notifications.post("webhooks", NewWebhook, body)
            return await _show_secret(page, made, made.secret)
        except ServiceProblem as problem:
            form.refuse(problem)
    return await _show_new(page, form)


@get("/webhooks/{webhook_id:uuid}")
async def webhook(page: Page, webhook_id: UUID) -> Template:
    """One webhook: its event types, and its deliveries."""
    found = await views.detail(page.services, webhook_id)
    return await page.show("webhooks/page.html", section=SECTION, found=found)


@get("/webhooks/{webhook_id:uuid}/deliveries")
async def deliveries(page: Page, webhook_id: UUID, cursor: Short = "") -> Template:
    """Older deliveries; HTMX gets the next rows alone."""
    found = await views.detail(page.services, webhook_id, cursor)
    if page.is_fragment:
        return page.fragment("webhooks/rows.html", found=found)
    return await page.show("webhooks/page.html", section=SECTION, found=found)


@post("/webhooks/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/retry")
async def retry(page: Page, webhook_id: UUID, delivery_id: UUID) -> Redirect:
    """Send one of them again."""
    path = f"webhooks/{webhook_id}/deliveries/{delivery_id}/retry"
    await page.services.notifications.post(path, dict[str, Any])
    return page.go(f"/webhooks/{webhook_id}", _("The delivery is sent again."))


@post("/webhooks/{webhook_id:uuid}/test")
async def test(page: Page, webhook_id: UUID) -> Redirect:
    """Tell it nothing, to see whether that arrives."""
    await page.services.notifications.post(f"webhooks/{webhook_id}/test", dict[str, Any])
    return page.go(f"/webhooks/{webhook_id}", _("A test is on its way."))


@get("/webhooks/{webhook_id:uuid}/edit")
async def edit(page: Page, webhook_id: UUID) -> Template:
    """The form with what is stored."""
    found, types = await views.webhook_and_types(page.services, webhook_id)
    return await _show_edit(page, Edit(views.stored(found, types).inputs), found, types)


@post("/webhooks/{webhook_id:uuid}/edit")
async def change(page: Page, webhook_id: UUID, data: Typed) -> Template | Redirect:
    """Save what was changed of name, address and types, and only that: what others changed meanwhile stays theirs."""
    found, types = await views.webhook_and_types(page.services, webhook_id)
    form = Edit.sent(data)
    if form.catch_up(views.stored(found, types)):
        body = views.body(form)
        if not form.is_wrong:
            try:
                if changes := form.only_changed(body, types=views.TYPE):
                    await page.services.notifications.patch(f"webhooks/{webhook_id}", Webhook, changes)
                return page.go(f"/webhooks/{webhook_id}", _("Saved") if changes else "")
            except ServiceProblem as problem:
                form.refuse(problem)
    return await _show_edit(page, form, found, types)


@post("/webhooks/{webhook_id:uuid}/switch")
async def switch(page: Page, webhook_id: UUID, data: Typed) -> Redirect:
    """On or off."""
    on = data.get("active") == "on"
    await page.services.notifications.patch(f"webhooks/{webhook_id}", Webhook, {"active": on})
    return page.go(f"/webhooks/{webhook_id}", _("Switched on") if on else _("Switched off"))


@get("/webhooks/{webhook_id:uuid}/rotate")
async def ask_rotate(page: Page, webhook_id: UUID) -> Template:
    """How long shall the old secret still sign?"""
    found = await views.webhook(page.services, webhook_id)
    return await page.show("webhooks/rotate.html", section=SECTION, found=found)


@post("/webhooks/{webhook_id:uuid}/rotate")
async def rotate(page: Page, webhook_id: UUID, data: Typed) -> Template:
    """A new secret, on this one page."""
    body = {"overlap_hours": 0} if data.get("overlap") == "none" else {}
    made = await page.services.notifications.post(f"webhooks/{webhook_id}/rotate", Rotated, body)
    return await _show_secret(page, await views.webhook(page.services, webhook_id), made.secret)


@get("/webhooks/{webhook_id:uuid}/remove")
async def ask_remove(page: Page, webhook_id: UUID) -> Template:
    """Really?"""
    found = await views.webhook(page.services, webhook_id)
    here = f"/webhooks/{webhook_id}"
    question = Question(
        title=_("Remove {name}?", name=isolated(found.name)),
        text=_("The webhook receives no more events, and its delivery log is deleted. You cannot undo this."),
        action=f"{here}/remove",
        yes=_("Remove webhook"),
        back=here,
        danger=True,
    )
    return await ask(page, question, section=SECTION)


@post("/webhooks/{webhook_id:uuid}/remove")
async def remove(page: Page, webhook_id: UUID) -> Redirect:
    """End it for good."""
    await page.services.notifications.delete(f"webhooks/{webhook_id}")
    return page.go("/webhooks", _("The webhook was removed."))


async def _show_new(page: Page, form: Form) -> Template:
    known: dict[str, Any] = {
        "types": await views.types(page.services),
        "clients": await choices.clients(page.services, form),
    }
    return await page.show("webhooks/new.html", section=SECTION, status=form.status, form=form, **known)


async def _show_edit(page: Page, form: Edit, found: Webhook, types: list[EventType]) -> Template:
    return await page.show(
        "webhooks/edit.html", section=SECTION, status=form.status, form=form, found=found, types=types
    )


async def _show_secret(page: Page, found: Webhook, secret: str) -> Template:
    return await page.show("webhooks/secret.html", section=SECTION, found=found, secret=secret)


router = Router(
    path="/",
    route_handlers=[
        webhooks,
        new,
        create,
        webhook,
        deliveries,
        retry,
        test,
        edit,
        change,
        switch,
        ask_rotate,
        rotate,
        ask_remove,
        remove,
    ],
    guards=[require_policy("manageApiClients")],
)
area = Area(
    pages=[router],
    chapters=("webhooks",),
    entry=Entry(
        path="/webhooks",
        label=marked("Webhooks"),
        icon="webhook",
        office=True,
        who=lambda page: page.actor.can("manageApiClients"),
    ),
)
