"""How a person likes the portal: their language, which the portal keeps; time zone and appearance, which their browser
keeps.
"""

from litestar import Router, get, post
from litestar.response import Redirect, Template

from services.portal.answers import Me
from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.edits import Edit
from services.portal.formats import ZONES, zone
from services.portal.forms import Typed
from services.portal.look import CHOSEN_ZONE_COOKIE, THEME_COOKIE, theme
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.services import ServiceProblem
from shared.language import gettext as _
from shared.language import speaking

HOME = "/preferences"


@get(HOME)
async def preferences(page: Page) -> Template:
    """What is chosen now."""
    me = await page.services.identity.get("auth/me", Me)
    return await _show(page, Edit({"language": me.language, "zone": page.chosen_zone}))


@post(HOME)
async def save(page: Page, data: Typed) -> Template | Redirect:
    """Keep what was chosen. A zone that nobody knows stands for the browser's own."""
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
    return await _show(page, form)


@post(f"{HOME}/theme", opt={"public": True, "while_viewing": True})
async def choose_theme(data: Typed) -> Redirect:
    """Remember the theme and go back to the page it was chosen on."""
    chosen = cookie(THEME_COOKIE, theme(data.get("theme")))
    return Redirect(local_path(data.get("next")), status_code=303, cookies=[chosen])


async def _show(page: Page, form: Edit) -> Template:
    zones = [("", _("As this browser has it")), *((name, name.replace("_", " ")) for name in ZONES)]
    return await page.show("preferences/page.html", section="preferences", status=form.status, form=form, zones=zones)


area = Area(pages=[Router(path="/", route_handlers=[preferences, save, choose_theme])], chapters=("profile",))
