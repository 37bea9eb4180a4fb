"""How a person likes the portal: their language and how they are notified, which services keep; time zone and
appearance, which their browser keeps.
"""

import asyncio

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.edits import Edit
from services.portal.formats import zone
from services.portal.forms import Typed
from services.portal.look import CHOSEN_ZONE_COOKIE, THEME_COOKIE, theme
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.preferences import views
from services.portal.preferences.answers import NotificationChoices
from services.portal.services import ServiceProblem, slot
from shared.language import gettext as _
from shared.language import speaking

HOME = "/settings"
CHOICES = "notifications/choices"


@get(HOME)
async def settings(page: Page) -> Template:
    """What is chosen now."""
    return await _show(page)


@post(HOME)
async def save(page: Page, data: Typed) -> Template | Redirect:
    """Keep language and time zone. A zone that nobody knows stands for the browser's own."""
    form = Edit.sent(data)
    if form.require(language=_("Choose a language.")):
        try:
            if changes := form.only_changed({"language": form.values["language"]}):
                await page.services.identity.patch("people/me", Me, changes)
        except ServiceProblem as problem:
            form.refuse(problem)
        else:
            chosen = form.values["zone"] if zone(form.values["zone"]) else ""
            with speaking(form.values["language"]):  # in which the next page is
                answer = page.go(HOME, _("Your settings are saved"))
            answer.cookies.append(cookie(CHOSEN_ZONE_COOKIE, chosen))
            return answer
    return await _show(page, look=form)


@post(f"{HOME}/notifications")
async def choose_channels(page: Page, data: Typed) -> Template | Redirect:
    """Be notified by other channels of the kinds whose choice was changed."""
    return await _choose(page, Edit.sent(data))


async def _choose(page: Page, form: Edit) -> Template | Redirect:
    try:
        if chosen := form.changed_members(views.CHANNEL):
            body = {"channels": chosen}
            await page.services.notifications.patch(CHOICES, NotificationChoices, body, etag=form.etag)
    except ServiceProblem as problem:
        form.refuse(problem)
        # Without an answer to this the error page shows what was chosen (0114).
        known = await page.services.notifications.get(CHOICES, NotificationChoices)
        if form.is_stale and not views.catch_up(form, known):
            return await _choose(page, form)
        return await _show(page, channels=form)
    return page.go(f"{HOME}#notifications", _("Your choices are saved"))


@post(f"{HOME}/theme", opt={"public": True, "while_viewing": True})
async def choose_theme(data: Typed) -> Redirect:
    """Remember the theme and go back to the page it was chosen on."""
    chosen = cookie(THEME_COOKIE, theme(data.get("theme")))
    return Redirect(local_path(data.get("next")), status_code=303, cookies=[chosen])


async def _show(page: Page, *, look: Edit | None = None, channels: Edit | None = None) -> Template:
    """The page, with a form that was refused in the place of the one that shows what is stored."""
    me, known = await asyncio.gather(
        page.services.identity.get("auth/me", Me),
        slot(page.services.notifications.get(CHOICES, NotificationChoices), deadline=None),
    )
    look = look or views.look(page, me)
    channels = channels or (views.channels(known.value) if known.value else Edit({}))
    return await page.show(
        "preferences/page.html",
        section="settings",
        status=max(look.status, channels.status),
        form=look,
        zones=[("", _("As this browser has it")), *views.zones(look)],
        channels=channels,
        choices=known.value.items if known.value else None,
        options=views.options,
    )


area = Area(
    pages=[Router(path="/", route_handlers=[settings, save, choose_channels, choose_theme])], chapters=("settings",)
)
