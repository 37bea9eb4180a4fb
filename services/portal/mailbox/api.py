"""The mailbox of an embedded trial: what the portal would have mailed. Anywhere else these pages do not exist.

Its mails sign people in, so it is for who started the trial: the gateway lets nobody but this machine come here, and
the start prints an address with a token in it.
"""

import asyncio
from hmac import compare_digest
from pathlib import Path
from typing import Annotated

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.mailbox import views
from services.portal.page import Page
from services.portal.settings import PortalSettings
from shared.errors import NotFound

SANDBOX = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
LINKS_LEAVE_THE_FRAME = '<base target="_top">'


COOKIE = "portal_mailbox"
"""The token, once its owner has come with it."""

Token = Annotated[str, Parameter(max_length=100, pattern=r"^[\w-]*$", default="")]


@get("/mailbox")
async def mailbox(page: Page, state: State, token: Token) -> Template | Redirect:
    """The latest mails; with the token that the start printed, the way to them."""
    settings = _trial(state)
    if compare_digest(token.encode(), settings.mailbox_token.encode()):
        return Redirect("/mailbox", status_code=303, cookies=[cookie(COOKIE, token)])
    if not _may_read(page, settings):
        return await page.show("mailbox/locked.html", status=403)
    mails = await asyncio.to_thread(views.newest, Path(settings.mailbox_dir))
    return await page.show("mailbox/list.html", mails=mails)


@get("/mailbox/{name:str}")
async def mail(page: Page, state: State, name: str) -> Template:
    """One mail, its links alive."""
    found = await asyncio.to_thread(views.one, _folder(page, state), name)
    return await page.show("mailbox/mail.html", mail=found)


@get("/mailbox/{name:str}/html")
async def markup(page: Page, state: State, name: str) -> Response[str]:
    """The mail's own markup, for the frame that shows it: no script, no style of ours, nothing loaded from outside."""
    found = await asyncio.to_thread(views.one, _folder(page, state), name)
    headers = {"Content-Security-Policy": SANDBOX}
    return Response(LINKS_LEAVE_THE_FRAME + found.html, media_type="text/html", headers=headers)


def _trial(state: State) -> PortalSettings:
    """The settings of an embedded trial with a mailbox. Raises `NotFound` anywhere else."""
    settings: PortalSettings = state.settings
    if settings.env != "embedded" or not settings.mailbox_dir or not settings.mailbox_token:
        raise NotFound
    return settings


def _may_read(page: Page, settings: PortalSettings) -> bool:
    return compare_digest(page.cookie(COOKIE).encode(), settings.mailbox_token.encode())


def _folder(page: Page, state: State) -> Path:
    """Where the mails are. Raises `NotFound` for who did not come with the token."""
    settings = _trial(state)
    if not _may_read(page, settings):
        raise NotFound
    return Path(settings.mailbox_dir)


router = Router(path="/", route_handlers=[mailbox, mail, markup], opt={"public": True})
area = Area(pages=[router], chapters=("mailbox",))
