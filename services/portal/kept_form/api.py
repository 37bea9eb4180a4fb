"""A form that arrives from somebody else than who opened it: from nobody, as its session ended; from another account,
as another tab signed in with it. It waits for who opened it (0117).

`failures.py` sends such a form here as it was (307). It waits in cookies, sealed for the person who typed it: signing
in leads out of the page, to a mail, or to another site, so no page could carry it.
"""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect, Template

from services.portal.area import Area
from services.portal.forms import OPENED_BY, Inputs
from services.portal.kept_form import views
from services.portal.kept_form.views import HOME, Forms, Waiting
from services.portal.page import Page
from services.portal.paths import local_path
from services.portal.questions import Question, ask
from services.portal.sent import named_in
from shared.language import gettext as _

NextPath = Annotated[str, Parameter(query="next")]
SIGN_IN = f"/sign-in?next={HOME}&ended=1"


@post(f"{HOME}/keep", opt={"public": True, "while_viewing": True})
async def keep(
    page: Page, data: Inputs, forms: Forms, next_path: NextPath = ""
) -> Response[None] | Redirect | Template:
    """Keep the form (`next` names where it was heading), and on to the sign-in page; whoever else is signed in reads
    that it is not theirs, and who began to view as somebody else how to send it. What is too long is shown, to nobody
    else. A form that names nobody is kept for nobody.
    """
    whose, title = named_in(str(data.get(OPENED_BY, "")))
    if not whose:
        return await page.show("kept_form/nameless.html", status=409) if page.whose else page.go("/sign-in")
    if views.proves_for_a_page(data) and not page.whose:
        return page.go(f"/sign-in?{urlencode({'next': local_path(str(data['proof_next']))})}&ended=1")
    kept = views.waiting(data, local_path(next_path), title)
    cookies = forms.cookies(kept, whose)
    there = await views.other_organisation(page, whose) if page.whose != whose else None
    if cookies is None and (there or page.own in ("", whose)):
        return await page.show("kept_form/too_long.html", kept=kept, there=there)
    if page.whose:
        return await _elsewhere(page, whose, Waiting(kept, there), cookies)
    if page.is_fragment:
        return Response(None, status_code=401, headers={"HX-Redirect": SIGN_IN}, cookies=cookies)
    return Redirect(SIGN_IN, status_code=303, cookies=cookies)


async def _elsewhere(
    page: Page, whose: str, waiting: Waiting, cookies: list[Cookie] | None
) -> Response[None] | Template:
    """It is not of whose portal this is now: it is the viewer's, of another organisation of the reader's, or somebody
    else's. `cookies` are None where it does not fit.
    """
    if page.is_fragment:
        return Response(None, status_code=409, headers={"HX-Redirect": HOME}, cookies=cookies or [])
    if waiting.there:
        answer = await _show_elsewhere(page, waiting, status=409)
    else:
        template = "viewing" if page.own == whose else "not_theirs"
        answer = await page.show(f"kept_form/{template}.html", waits=bool(cookies), status=409)
    answer.cookies.extend(cookies or [])
    return answer


async def _show_elsewhere(page: Page, waiting: Waiting, status: int = 200) -> Template:
    here = next((each.name for each in page.organisations if each.current), "")
    kept, there = waiting.kept, waiting.there
    return await page.show("kept_form/elsewhere.html", status=status, kept=kept, there=there, here=here)


@get(HOME)
async def look(page: Page, forms: Forms) -> Template | Redirect:
    """Send it now? It opens for the person who typed it alone, while they view as somebody else once they leave, and in
    another of their organisations once they switch.
    """
    if not views.is_there(page):
        return page.go("/")
    await page.load_organisations(deadline=None)
    found = forms.find(page)
    if found and page.viewing:
        return await page.show("kept_form/viewing.html")
    if found and found.there:
        return await _show_elsewhere(page, found)
    return await page.show("kept_form/page.html", kept=found and found.kept)


@post(HOME)
async def send(page: Page, next_path: NextPath = "") -> Redirect:
    """On to where it was heading, as it was (307). It waits no longer: whoever comes back to its page sends nothing."""
    if not views.is_there(page):
        return page.go("/", _("This form was sent already"), tone="info")
    return Redirect(local_path(next_path), status_code=307, cookies=views.nothing())


@get(f"{HOME}/discard")
async def question(page: Page) -> Template | Redirect:
    """Are you sure?"""
    if not views.is_there(page):
        return page.go("/")
    asked = Question(
        title=_("Discard the form?"),
        text=_("What was typed into it is lost, and nothing of it is saved."),
        action=f"{HOME}/discard",
        yes=_("Discard"),
        back=HOME,
        danger=True,
    )
    return await ask(page, asked, section="")


@post(f"{HOME}/discard")
async def discard(page: Page) -> Redirect:
    """Forget it."""
    answer = page.go("/", _("It was not sent"), tone="info")
    answer.cookies.extend(views.nothing())
    return answer


router = Router(path="/", route_handlers=[keep, look, send, question, discard])
area = Area(pages=[router], chapters=("interruptions",))
