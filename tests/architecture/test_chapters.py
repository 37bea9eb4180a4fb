"""The guide (`docs/guide`) keeps up with the portal: no page without a chapter, no button that is called otherwise."""

import re
import tomllib
from functools import cache
from typing import Any, get_type_hints

import pytest
from litestar.response import Template
from litestar.routes import HTTPRoute

from services.portal.help.guide import ADMITTED, FOLDER, LANGUAGES, PICTURES
from shared.language import gettext, read, speaking
from tests.architecture.test_rules import ROOT
from tests.e2e.guide_pictures import SHOTS
from tests.isolation.routes import application
from tests.texts import said_in

CONTENTS: list[dict[str, Any]] = tomllib.loads((FOLDER / "contents.toml").read_text())["part"]
READERS = {name: part["readers"] for part in CONTENTS for name in part["chapters"]}
NEEDS_NONE = ("/help", "/widgets", "/page-not-found")
"""The guide itself, parts of pages, and the page for an address without one."""
MOST_BYTES = 1_500_000


def text(language: str, name: str) -> str:
    return (FOLDER / language / f"{name}.md").read_text()


def outline(source: str) -> list[str]:
    """Headings, items of lists and pictures, in their order."""
    return re.findall(r"^(#+|\d+\.|-|!\[)", source, re.MULTILINE)


def bold(source: str) -> list[str]:
    """What a page says: names of buttons, links, fields, states."""
    return re.findall(r"\*\*(.+?)\*\*", source)


def links(source: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", source)


@cache
def said(language: str) -> dict[str, str]:
    """Every text of the portal's pages, and the names of permissions, with what it is in a language."""
    texts = [text for name in ("portal", "identity") for text in said_in(ROOT / "services" / name) if text.id]
    for name in ("portal", "identity"):
        read(ROOT / "services" / name)
    found: dict[str, str] = {}
    with speaking(language):
        for one in [one for text in texts for one in ([text.id] if isinstance(text.id, str) else text.id)]:
            found[one] = gettext(one)
            found.setdefault(_beginning(one), _beginning(gettext(one)))
    return found


def _beginning(said: str) -> str:
    """Of a text with a value or markup in it, what stands before that."""
    return re.split(r"<|%\(|\{", said)[0].strip()


def offering() -> dict[str, tuple[str, ...]]:
    """The pages of the portal, with the chapters that explain them."""
    return {
        route.path: handler.opt.get("chapters", ())
        for route in application("portal").routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(NEEDS_NONE)
        for handler in route.route_handlers
        if "GET" in handler.http_methods and Template in _answers(handler.fn)
    }


def _answers(handler: Any) -> tuple[Any, ...]:
    told = get_type_hints(handler).get("return")
    return getattr(told, "__args__", (told,))


def test_each_page_has_a_chapter_and_each_chapter_a_page() -> None:
    pages = offering()
    assert len(pages) > 80
    assert [path for path, chapters in pages.items() if not chapters] == []
    assert {name for chapters in pages.values() for name in chapters} == set(READERS)


def test_the_contents_name_every_file_in_every_language() -> None:
    for language in LANGUAGES:
        assert {path.stem for path in (FOLDER / language).iterdir()} == set(READERS)
    assert {part["readers"] for part in CONTENTS} == set(ADMITTED)


def test_languages_say_the_same_in_the_same_order() -> None:
    for name in READERS:
        english, german = text("en", name), text("de", name)
        assert (name, outline(english)) == (name, outline(german))
        assert (name, links(english)) == (name, links(german))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_chapter_calls_a_button_is_what_the_button_is_called(language: str) -> None:
    known = said(language)
    named = {each for name in READERS for each in bold(text("en", name))}
    assert len(named) > 150
    assert sorted(named - set(known)) == []
    for name in READERS:
        quoted = {known[each] for each in bold(text("en", name))}
        assert (name, sorted(quoted ^ set(bold(text(language, name))))) == (name, [])


def test_a_chapter_sends_its_readers_to_nothing_that_they_cannot_read() -> None:
    wrong = [
        (name, link)
        for name, readers in READERS.items()
        for link in links(text("en", name))
        if link.endswith(".md") and not set(ADMITTED[readers]) <= {*ADMITTED[READERS[link[:-3]]], "anonymous"}
    ]
    assert wrong == []


def test_pictures_are_shown_taken_and_small() -> None:
    shown = {link.removeprefix("../pictures/") for name in READERS for link in links(text("en", name)) if "/" in link}
    kept = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert shown == set(kept) == {f"{name}.webp" for name in SHOTS}
    assert sum(kept.values()) < MOST_BYTES
