"""The mailbox of an embedded trial: what the portal would have mailed. Anywhere else these pages do not exist."""

import asyncio
from pathlib import Path

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.response import Template

from services.portal.mailbox import views
from services.portal.page import Page
from services.portal.settings import PortalSettings
from shared.errors import NotFound

SANDBOX = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
LINKS_LEAVE_THE_FRAME = '<base target="_top">'


@get("/mailbox")
async def mailbox(page: Page, state: State) -> Template:
    """The latest mails."""
    mails = await asyncio.to_thread(views.newest, _folder(state))
    return await page.show("mailbox/list.html", mails=mails)


@get("/mailbox/{name:str}")
async def mail(page: Page, state: State, name: str) -> Template:
    """One mail, its links alive."""
    found = await asyncio.to_thread(views.one, _folder(state), name)
    return await page.show("mailbox/mail.html", mail=found)


@get("/mailbox/{name:str}/html")
async def markup(state: State, name: str) -> Response[str]:
    """The mail's own markup, for the frame that shows it: no script, no style of ours, nothing loaded from outside."""
    found = await asyncio.to_thread(views.one, _folder(state), name)
    headers = {"Content-Security-Policy": SANDBOX}
    return Response(LINKS_LEAVE_THE_FRAME + found.html, media_type="text/html", headers=headers)


def _folder(state: State) -> Path:
    settings: PortalSettings = state.settings
    if settings.env != "embedded" or not settings.mailbox_dir:
        raise NotFound
    return Path(settings.mailbox_dir)


router = Router(path="/", route_handlers=[mailbox, mail, markup], opt={"public": True})
