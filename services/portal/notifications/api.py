"""The notifications page, and the bell in the frame of every page."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area
from services.portal.forms import Typed
from services.portal.notifications import views
from services.portal.notifications.answers import Notification
from services.portal.page import Page
from services.portal.paths import local_path
from shared.language import gettext as _

Cursor = Annotated[str, Parameter(max_length=400)]
PATH = "/notifications"


@get(PATH)
async def notifications(page: Page, cursor: Cursor = "") -> Template:
    """Everything the reader is notified of, newest first; HTMX gets the list, or its next page, alone."""
    found = await views.listed(page.services, cursor)
    if page.is_fragment:
        return page.fragment("notifications/list.html", found=found)
    return await page.show("notifications/page.html", section="notifications", of_all=True, found=found)


@post("/notifications/{notification_id:uuid}/open")
async def open_notification(page: Page, notification_id: UUID) -> Redirect:
    """Mark one as read, and go on to what it is about, as far as that is open to the reader."""
    told = await page.services.notifications.post(f"notifications/{notification_id}/read", Notification)
    place = local_path(told.target.url, PATH)
    return page.go(place if page.leads_to(place) else PATH)


@post("/notifications/{notification_id:uuid}/read")
async def mark_read(page: Page, notification_id: UUID) -> Redirect:
    """Mark one as read, and stay."""
    await page.services.notifications.post(f"notifications/{notification_id}/read", Notification)
    return page.go(PATH)


@post("/notifications/read-all")
async def mark_all_read(page: Page, data: Typed) -> Redirect:
    """Mark as read what the page showed, and everything before it."""
    upto = data.get("upto")
    await page.services.notifications.post("notifications/read-all", type(None), {"upto_id": upto} if upto else {})
    return page.go(PATH, _("All notifications are read"))


@get("/widgets/notifications/unread")
async def unread(page: Page) -> Template:
    """The bell as it is by now."""
    await page.load_unread(deadline=None)
    return page.part("notifications/bell.html", page.unread)


area = Area(
    pages=[Router(path="/", route_handlers=[notifications, open_notification, mark_read, mark_all_read, unread])],
    chapters=("notifications",),
)
