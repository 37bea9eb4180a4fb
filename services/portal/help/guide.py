"""The guide: chapters in Markdown below `docs/guide`, read and rendered once, when the portal starts."""

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from PIL import Image

from services.portal.letters import folded, found_by
from shared.actor import Actor

FOLDER = Path(__file__).parents[3] / "docs" / "guide"
PICTURES = FOLDER / "pictures"
SHOWN_AS = "guide/"
"""Begins the names of the guide's pictures among the portal's static files."""
LANGUAGES = {"en": "English", "de": "Deutsch"}
Readers = Literal["everybody", "clients", "staff"]
ADMITTED: dict[Readers, tuple[str, ...]] = {
    "everybody": ("anonymous", "client", "staff"),
    "clients": ("client", "staff"),
    "staff": ("staff",),
}
"""The kinds of actors who read a part."""
_CHAPTER = re.compile(r"([a-z-]+)\.md")


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter in one language. `lead` is its first paragraph, `words` is what a search looks through."""

    title: str
    lead: str
    body: Markup
    words: str


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter in every language."""

    name: str
    readers: Readers
    texts: dict[str, Text]

    def is_for(self, actor: Actor) -> bool:
        """Whether this actor reads it: a client's people do not read about what the company closed for them."""
        return actor.kind in ADMITTED[self.readers] and self.name not in actor.closed


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Chapters that belong together, with what they are called in each language."""

    titles: dict[str, str]
    chapters: tuple[Chapter, ...]


class Guide:
    """Everything there is to read, in its order.

    `picture` says where a browser finds a static file. Raises an error at the start of the portal for a chapter, a
    picture or a link that leads nowhere.
    """

    def __init__(self, picture: Callable[[str], str], folder: Path = FOLDER) -> None:
        contents = tomllib.loads((folder / "contents.toml").read_text())["part"]
        readers: dict[str, Readers] = {name: part["readers"] for part in contents for name in part["chapters"]}
        markdown = {language: _markdown(language, picture, readers) for language in LANGUAGES}

        def chapter(name: str) -> Chapter:
            files = {language: (folder / language / f"{name}.md").read_text() for language in LANGUAGES}
            texts = {language: _text(markdown[language], source) for language, source in files.items()}
            return Chapter(name=name, readers=readers[name], texts=texts)

        self.parts = [
            Part(
                titles={language: part[language] for language in LANGUAGES},
                chapters=tuple(chapter(name) for name in part["chapters"]),
            )
            for part in contents
        ]
        self._chapters = {each.name: each for part in self.parts for each in part.chapters}

    def first(self, names: Iterable[str], actor: Actor) -> Chapter | None:
        """The first of these chapters that the actor reads, or None."""
        found = (self._chapters[name] for name in names if name in self._chapters)
        return next((chapter for chapter in found if chapter.is_for(actor)), None)

    def offered(self, actor: Actor, language: str, wanted: str = "") -> list[Part]:
        """What the actor reads; with `wanted`, the chapters that contain each of its words. No part is empty."""
        words = folded(wanted).split()

        def fits(chapter: Chapter) -> bool:
            return chapter.is_for(actor) and all(word in chapter.texts[language].words for word in words)

        found = [Part(titles=part.titles, chapters=tuple(filter(fits, part.chapters))) for part in self.parts]
        return [part for part in found if part.chapters]


def _text(markdown: MarkdownIt, source: str) -> Text:
    """One file: a title, a first paragraph, and what follows."""
    tokens = markdown.parse(source)
    if [token.type for token in tokens[:6:3]] != ["heading_open", "paragraph_open"] or tokens[0].tag != "h1":
        raise ValueError(f"A chapter begins with its title and a paragraph: {source[:80]!r}")
    body = markdown.renderer.render(tokens[3:], markdown.options, {})
    title, lead = tokens[1].content, _plain(tokens[4].children or [])
    # The only source is the guide's own files, and Markdown that contains HTML shows it as text.
    return Text(title=title, lead=lead, body=Markup(body), words=" ".join(found_by(source).split()))  # noqa: S704


def _plain(tokens: Sequence[Token]) -> str:
    return "".join(" " if token.type == "softbreak" else token.content for token in tokens)


def _markdown(language: str, picture: Callable[[str], str], readers: dict[str, Readers]) -> MarkdownIt:
    """CommonMark without HTML. Pictures and links are shown as the portal shows them."""
    markdown = MarkdownIt("commonmark", {"html": False})

    def image(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
        name = Path(str(tokens[index].attrs["src"])).name
        with Image.open(PICTURES / name) as opened:
            width, height = opened.size
        shown = Markup('<img src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">')
        return shown.format(picture(f"{SHOWN_AS}{name}"), tokens[index].content, width, height)

    def link(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
        target = str(tokens[index].attrs["href"])
        if chapter := _CHAPTER.fullmatch(target):
            readers[chapter[1]]
            target = f"/help/{chapter[1]}?language={language}"
        return Markup('<a href="{}">').format(target)

    markdown.add_render_rule("image", image)
    markdown.add_render_rule("link_open", link)
    return markdown
