"""The guide under Help: its contents, and a page for each chapter."""

from typing import Annotated, Any

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Template

from services.portal.area import Area
from services.portal.help.guide import LANGUAGES
from services.portal.page import Page
from shared.errors import NotFound, Unauthorized
from shared.language import choose

HOME = "/help"
Accepted = Annotated[str, Parameter(header="Accept-Language")]


@get(HOME, opt={"public": True})
async def contents(page: Page, accepted: Accepted = "", q: Annotated[str, Parameter(max_length=100)] = "") -> Template:
    """All chapters the reader may read, or those that contain the words of a search."""
    language = _language(page, accepted)
    found = page.guide.offered(page.actor, language, q)
    return await _show(page, "help/contents.html", language, HOME, parts=found, q=q)


@get(f"{HOME}/{{chapter:str}}", opt={"public": True})
async def read(page: Page, chapter: str, accepted: Accepted = "") -> Template:
    """One chapter. Somebody who is not signed in has to sign in for most of them, whether they exist or not."""
    found = page.guide.first([chapter], page.actor)
    if found is None:
        raise Unauthorized("Sign in first.") if page.actor.kind == "anonymous" else NotFound
    language = _language(page, accepted)
    parts = page.guide.offered(page.actor, language)
    return await _show(page, "help/chapter.html", language, f"{HOME}/{chapter}", parts=parts, chapter=found)


def _language(page: Page, accepted: str) -> str:
    """The one that was asked for; else what the gateway says, the person's own or the browser's (decision 0123)."""
    asked = page.asked("language")
    return asked if asked in LANGUAGES else choose(accepted, tuple(LANGUAGES))


async def _show(page: Page, template: str, language: str, here: str, **content: Any) -> Template:
    framed = page.actor.kind != "anonymous"
    return await page.show(
        template, section="help", framed=framed, language=language, languages=LANGUAGES, here=here, **content
    )


area = Area(pages=[Router(path="/", route_handlers=[contents, read])], chapters=())
