"""The notifications page, and the bell in the frame of every page."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area
from services.portal.forms import Typed
from services.portal.notifications import views
from services.portal.notifications.answers import Notification
from services.portal.notifications.views import PATH
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.services import ServiceProblem
from services.portal.toasts import Toast
from shared.language import gettext as _

Cursor = Annotated[str, Parameter(max_length=400)]


@get(PATH)
async def notifications(page: Page, cursor: Cursor = "", *, unread: bool = False, upto: UUID | None = None) -> Template:
    """Everything the reader is notified of, newest first, or what of it is `unread`; HTMX gets the list, or its next
    page, alone.
    """
    asked = views.listed(page.services, cursor, unread=unread, upto=upto)
    if page.is_fragment:
        return await _list(page, asked)
    found = await asked
    return await page.show("notifications/page.html", section="notifications", of_all=True, found=found)


@get("/notifications/{notification_id:uuid}/open")
async def open_notification(page: Page, notification_id: UUID) -> Redirect | Response[bytes]:
    """Mark one as read, and go on to what it is about, as far as that is open to the reader and still there.

    A link, so that it opens in another tab as well: whoever follows one has read what it says. Not who looks on, and no
    browser that asks ahead of its reader: refused, it asks again when the link is followed.
    """
    if page.is_ahead:
        return Response(b"", status_code=503, media_type="text/html")
    if page.viewing:
        return page.go(PATH)
    try:
        told = await page.services.notifications.post(f"notifications/{notification_id}/read", Notification)
    except ServiceProblem as problem:
        if problem.status != 404:
            raise
        return page.go(PATH, _("This is no longer here."), tone="info")
    place = local_path(told.target.url, PATH)
    return page.go(place if page.leads_to(place) else PATH)


@post("/notifications/{notification_id:uuid}/read")
async def mark_read(page: Page, notification_id: UUID, data: Typed) -> Template | Redirect | Response[bytes]:
    """Mark one as read, and stay. HTMX gets its row, or nothing in its place where it is not shown any more."""
    try:
        told = await page.services.notifications.post(f"notifications/{notification_id}/read", Notification)
    except ServiceProblem as problem:
        if problem.status != 404 or not page.is_fragment:
            raise
        return Response(b"", status_code=200, media_type="text/html")
    if page.is_fragment:
        return page.fragment("notifications/row.html", item=told)
    place = local_path(data.get("back"), PATH)
    return page.go(place if place.partition("?")[0] == PATH else PATH)


@post("/notifications/read-all")
async def mark_all_read(page: Page, data: Typed) -> Template | Redirect:
    """Mark as read what the page showed, and everything before it. HTMX gets the list as it is then."""
    upto = data.get("upto")
    await page.services.notifications.post("notifications/read-all", type(None), {"upto_id": upto} if upto else {})
    done = Toast(_("All notifications are read"), "done")
    return await _list(page, views.listed(page.services), done) if page.is_fragment else page.go(PATH, done)


async def _list(page: Page, asked: Awaitable[views.Notices], toast: Toast | None = None) -> Template:
    found, _counted = await asyncio.gather(asked, page.load_unread(deadline=None))
    return page.fragment("notifications/list.html", found=found, toast=toast)


@get("/widgets/notifications/unread")
async def unread(page: Page) -> Template:
    """The bell as it is by now."""
    await page.load_unread(deadline=None)
    return page.part("notifications/bell.html", page.unread)


area = Area(
    pages=[Router(path="/", route_handlers=[notifications, open_notification, mark_read, mark_all_read, unread])],
    chapters=("notifications",),
)
