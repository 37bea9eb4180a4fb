"""The guide under Help: its contents, and a page for each chapter."""

from typing import Annotated, Any

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Template

from services.portal.area import Area
from services.portal.help.guide import LANGUAGES
from services.portal.page import Page
from shared.errors import NotFound, Unauthorized
from shared.language import SOURCE, speaking
from shared.language import gettext as _

HOME = "/help"


@get(HOME, opt={"public": True})
async def contents(page: Page, q: Annotated[str, Parameter(max_length=100)] = "") -> Template:
    """All chapters the reader may read, or those that contain the words of a search."""
    language = _language(page)
    found = page.guide.offered(page.actor, language, q)
    return await _show(page, "help/contents.html", language, HOME, parts=found, q=q)


@get(f"{HOME}/{{chapter:str}}", opt={"public": True})
async def read(page: Page, chapter: str) -> Template:
    """One chapter. Somebody who is not signed in has to sign in for most of them, whether they exist or not."""
    found = page.guide.first([chapter], page.actor)
    if found is None:
        raise Unauthorized(_("Sign in first.")) if page.actor.kind == "anonymous" else NotFound
    language = _language(page)
    parts = page.guide.offered(page.actor, language)
    return await _show(page, "help/chapter.html", language, f"{HOME}/{chapter}", parts=parts, chapter=found)


def _language(page: Page) -> str:
    """The one that was asked for, else the page's."""
    return next((each for each in (page.asked("language"), page.language) if each in LANGUAGES), SOURCE)


def _words(language: str) -> dict[str, str]:
    """What stands around the guide, in its language."""
    with speaking(language):
        return {
            "help": _("Help"),
            "lead": _("How the portal works, in short chapters."),
            "chapters": _("Chapters"),
            "search": _("Search the guide"),
            "find": _("Search"),
            "none": _("No chapter matches"),
            "else": _("Try another word."),
            "all": _("Show all chapters"),
            "language": _("Language of the guide"),
        }


async def _show(page: Page, template: str, language: str, here: str, **content: Any) -> Template:
    framed = page.actor.kind != "anonymous"
    return await page.show(
        template,
        section="help",
        framed=framed,
        language=language,
        words=_words(language),
        languages=LANGUAGES,
        here=here,
        **content,
    )


area = Area(pages=[Router(path="/", route_handlers=[contents, read])], chapters=())
