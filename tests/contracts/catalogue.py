"""What the documents list of the contracts. `python -m tests.contracts.schemas` writes it into them."""

import re
import textwrap
from pathlib import Path

from shared.contracts import EVENTS, TOLD
from shared.events import publisher_of

DOCS = Path(__file__).parents[2] / "docs"
ARCHITECTURE, PARTNERS = DOCS / "architecture.md", DOCS / "partners.md"
_TABLE = re.compile(r"^\| type \| subject \|.*\n(?:\|.*\n)+", re.MULTILINE)
_TYPES = re.compile(r"^`data` is an entry of the feed.*?\n\n", re.MULTILINE | re.DOTALL)


def catalogue() -> str:
    """The table of all events."""
    rows = [
        f"| `{kind.type}` | `{kind.subject}` | {publisher_of(kind.subject)} | {kind.audit} | {'yes ' if kind.told else ''}|\n"
        for _, kind in sorted(EVENTS.items())
    ]
    return "| type | subject | published by | in the audit log | in the feed |\n" + "| --- " * 5 + "|\n" + "".join(rows)


def with_catalogue(text: str) -> str:
    """A document with the table as it is to be."""
    return _TABLE.sub(lambda _: catalogue(), text)


def with_types(text: str) -> str:
    """A document in which the paragraph on the data of webhooks names every type that the feed tells."""

    def named(found: re.Match[str]) -> str:
        types = ", ".join(f"`{kind.type}`" for kind in TOLD)
        told = re.sub(r"Types: .*?; and", f"Types: {types}; and", found[0], flags=re.DOTALL)
        return textwrap.fill(told, width=130, break_long_words=False, break_on_hyphens=False) + "\n\n"

    return _TYPES.sub(named, text)


def write() -> None:
    """Bring both documents up to date."""
    ARCHITECTURE.write_text(with_catalogue(ARCHITECTURE.read_text()))
    PARTNERS.write_text(with_types(PARTNERS.read_text()))
