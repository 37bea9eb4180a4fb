"""Signing out."""

from urllib.parse import urlencode

from litestar import Response, Router, post

from services.portal.area import Area
from services.portal.cookies import cookie
from services.portal.forms import Typed
from services.portal.page import PERSON_COOKIE, SIGNED_OUT, Page
from services.portal.paths import local_path
from services.portal.services import ServiceProblem
from shared.language import gettext as _


@post("/sign-out", opt={"public": True, "while_viewing": True})
async def sign_out(page: Page, data: Typed) -> Response[None]:
    """End the session. Who has none any more is signed out as well. Whoever signs in afterwards goes on to `next`."""
    target = local_path(data.get("next"))
    heading = f"?{urlencode({'next': target})}" if target != "/" else ""
    answer = page.go(f"/sign-in{heading}", _("You are signed out."))
    answer.cookies.append(cookie(PERSON_COOKIE, SIGNED_OUT))
    try:
        ended = await page.services.identity.send("POST", "auth/logout", type(None))
    except ServiceProblem as problem:
        if problem.status != 401:
            raise
        return answer
    answer.cookies.extend(ended.cookies)
    return answer


router = Router(path="/", route_handlers=[sign_out])
area = Area(pages=[router], chapters=())
