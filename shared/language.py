"""The language of whoever reads: which there are, which one is meant, and texts in it (docs/decisions/0123).

The code speaks English; the catalogues beside it have the other languages (`make texts`). They are read at start, and
the language of a request is a context variable: saying something costs a look into a table.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = "en"
"""The language of the code, and of whoever asks for none that there is."""
KERNEL = Path(__file__).parent
_RANGE = re.compile(
    r"\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE
)
_current = ContextVar("language", default=SOURCE)
_texts: dict[str, NullTranslations] = {}
_plain = NullTranslations()
_DAY = {"en": "d ", "de": "d. "}
"""How a day of a month begins (Unicode TR 35)."""


def current() -> str:
    """The language in which something is being said."""
    return _current.get()


@contextmanager
def speaking(language: str) -> Generator[None]:
    """Say what is said inside in this language."""
    before = _current.set(language)
    try:
        yield
    finally:
        _current.reset(before)


def gettext(text: str, /, **values: object) -> str:
    """`text` in the current language, with `values` for the names that stand in braces."""
    said = (
        _texts.get(_current.get(), _plain).gettext(text) if text else ""
    )  # what "" stands for is the catalogue's head
    return said.format_map(values) if values else said


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """`one` or `many`, by the rules of the current language, with `count` and `values` for what stands in braces."""
    said = _texts.get(_current.get(), _plain).ngettext(one, many, count)
    return said.format(count=count, **values)


def marked(text: str) -> str:
    """The text as it is: `make texts` finds it here, and it is put into a language where it is used."""
    return text


def day(value: date, rest: str) -> str:
    """A day of a month, with month and year as `rest` says (Unicode TR 35): "9 March 2026" for `MMMM y`."""
    language = _current.get() if _current.get() in _DAY else SOURCE
    return format_date(value, _DAY[language] + rest, locale=language)


def headers() -> dict[str, str]:
    """Of an answer with texts for people in it (RFC 9110, 8.5 and 12.5.5)."""
    return {"Content-Language": _current.get(), "Vary": "Accept-Language"}


@lru_cache(128)
def choose(accepted: str, offered: Sequence[str]) -> str:
    """The best of `offered` for an `Accept-Language` (RFC 9110, 12.5.4); `SOURCE` where none of them is wanted.

    A range stands for the language it begins with as well (RFC 4647, 3.4): `de-AT` is answered in `de`. The first 256
    characters count: any more are a stranger's, who has this process read them for every refusal.
    """
    found = [match for each in accepted[:256].split(",") if (match := _RANGE.fullmatch(each))]
    ranges = [(match[1].lower(), float(match[2] or 1), place) for place, match in enumerate(found)]
    best = min(offered, key=lambda language: _rated(language, ranges))
    return best if _rated(best, ranges)[0] < 0 else SOURCE


def _rated(language: str, ranges: list[tuple[str, float, int]]) -> tuple[float, int]:
    """What is wanted most comes first, and of what is wanted as much what stands further in front."""
    for fits in (language.__eq__, lambda each: each.startswith(f"{language}-"), "*".__eq__):
        if rated := [(-quality, place) for each, quality, place in ranges if fits(each)]:
            return min(rated)
    return 0, len(ranges)


@cache
def read(folder: Path) -> tuple[str, ...]:
    """Read the catalogues of what lives in `folder`, and those of the kernel. Returns the languages that it speaks."""
    if folder != KERNEL:
        read(KERNEL)
    languages = [SOURCE]
    for path in sorted(folder.glob("locale/*/LC_MESSAGES/messages.po")):
        languages.append(language := path.parent.parent.name)
        compiled = BytesIO()
        with path.open("rb") as catalogue:
            write_mo(compiled, read_po(catalogue, locale=language))
        compiled.seek(0)
        teach(language, GNUTranslations(compiled))
    return tuple(languages)


def teach(language: str, texts: NullTranslations) -> None:
    """Know these texts of a language, besides those that are known."""
    if language in _texts:
        _texts[language].add_fallback(texts)
    else:
        _texts[language] = texts
