"""What a browser remembers of how its reader likes the portal."""

from litestar import Router, post
from litestar.response import Redirect

from services.portal.cookies import cookie
from services.portal.forms import Typed
from services.portal.look import THEME_COOKIE, theme
from services.portal.paths import local_path


@post("/preferences/theme", opt={"public": True, "while_viewing": True})
async def choose_theme(data: Typed) -> Redirect:
    """Remember the theme and go back to the page it was chosen on."""
    chosen = cookie(THEME_COOKIE, theme(data.get("theme")))
    return Redirect(local_path(data.get("next")), status_code=303, cookies=[chosen])


router = Router(path="/", route_handlers=[choose_theme])
