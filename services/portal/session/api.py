"""Whether the session of an open page still lasts."""

from litestar import Response, Router, get

from services.portal.area import Area
from services.portal.page import Page


@get("/widgets/session", sync_to_thread=False)
def session(page: Page, person: str = "") -> Response[None]:
    """Empty for a signed-in person; redirects everybody else to the sign-in page. A tab that was opened as another
    `person`, before they switched to another organisation in another tab, loads again. A tab whose stream the
    company has closed stops asking for it.
    """
    if person not in ("", str(page.actor.reader.id)):
        return Response(None, status_code=200, headers={"HX-Redirect": "/"})
    return Response(None, status_code=204, headers={} if page.has("activity") else {"HX-Trigger": "stream-closed"})


router = Router(path="/", route_handlers=[session])
area = Area(pages=[router], chapters=())
