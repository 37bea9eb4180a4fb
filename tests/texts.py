"""`make texts`: brings the catalogues up to date with the texts in the code (docs/decisions/0123).

Each deployable has its own, and the kernel has one: `locale/<language>/LC_MESSAGES/messages.po`. What is not said any
more is dropped; what is new has no translation, and a test fails until it has one. Entries are sorted by their text and
name their files without lines, so that a change of the code changes no other entry.
"""

import re
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po

from services.portal.clients.recordings.words import API, DID, plain
from shared.contracts import EVENTS
from shared.contracts.words.telling import LINES
from tests.isolation.routes import declared

ROOT = Path(__file__).parents[1]
WIDTH = 118
HEAD = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
KEYWORDS: Any = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None, "Refused": (3,)}
"""Whose texts these are: `Refused` is the gateway's, and says in its third argument why."""


def figures(file: Any, *_: object, **__: object) -> Iterator[tuple[int, str, str, list[str]]]:
    """The texts in `kpis.toml`."""
    for figure in tomllib.loads(file.read().decode())["kpi"]:
        yield from ((1, "_", figure[field], []) for field in ("label", "comparison") if figure[field])


CODES = {"api", "auth", "html", "internal", "oauth", "oauth-authorization-server", "sso", "whoami"}
"""Parts of addresses that are no words."""


def recorded(file: Any, *how: Any, **more: Any) -> Iterator[tuple[int, str, Any, list[str]]]:
    """What recordings say, with what they read as it is written: types of events without words, and the parts of
    addresses.
    """
    yield from extract_python(file, *how, **more)
    types = {kind.type for kind in EVENTS.values() if kind.audit != "none"} - LINES.keys() - DID.keys()
    paths = [right.path.removeprefix(API).removeprefix("/widgets") for right in declared()]
    parts = {part for path in paths for part in path.split("/") if re.fullmatch("[a-z-]+", part)}
    yield from ((1, "_", plain(each), []) for each in types | parts - CODES)


METHODS: Any = [
    ("**/recordings/words.py", recorded),
    ("**.py", "python"),
    ("**/texts/*.jinja", "jinja2"),
    ("**.html", "jinja2"),
    ("**/kpis.toml", figures),
]
JINJA = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
OPTIONS: Any = {"**/texts/*.jinja": JINJA, "**.html": JINJA}


def catalogues() -> list[Path]:
    """All catalogues there are."""
    return sorted(
        path for top in ("shared", "gateway", "services") for path in (ROOT / top).glob("**/locale/*/*/messages.po")
    )


def language_of(path: Path) -> str:
    """In which language a catalogue is."""
    return path.parents[1].name


def said_in(folder: Path) -> Catalog:
    """The texts in the code of what lives in `folder`, none of them translated."""
    found = Catalog()
    for file, _, text, comments, context in extract_from_dir(
        folder, METHODS, OPTIONS, KEYWORDS, directory_filter=lambda each: Path(each).name not in ("static", "testing")
    ):
        place = (folder / file).relative_to(ROOT).as_posix()
        found.add(text, None, [(place, 0)], auto_comments=comments, context=context)
    return found


def translated(path: Path) -> Catalog:
    """A catalogue as it is."""
    with path.open("rb") as file:
        return read_po(file, locale=language_of(path))


def renewed(path: Path) -> str:
    """A catalogue with the texts that the code has now, as it is to be written."""
    known, written = translated(path), BytesIO()
    known.update(said_in(path.parents[3]), no_fuzzy_matching=True)
    for message in known:
        message.locations = sorted(set(message.locations))
    write_po(written, known, WIDTH, omit_header=True, sort_output=True, ignore_obsolete=True, include_lineno=False)
    head = HEAD.format(language=language_of(path), plurals=known.plural_forms)
    return head + written.getvalue().decode()


if __name__ == "__main__":
    for each in catalogues():
        each.write_text(renewed(each))
