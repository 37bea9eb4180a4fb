"""Words that depend on the language, and words of others made safe to stand among ours."""

import re
import unicodedata
from datetime import UTC, datetime
from ipaddress import ip_address

from shared.addresses import shown_address
from shared.language import day, gettext, ngettext
from shared.texts import isolated

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows, also of our own words (Unicode UAX 9)."""
_JOINS = frozenset("-'\u2019\u2010\u2011")
"""Hyphens and apostrophes."""
_BESIDE_NAMES = str.maketrans("", "", "\u2068\u2069\u201e\u201c\u201d")
"""What our own sentences have beside names: isolates and quotation marks."""
_VERSION = re.compile(r" \d{1,5}$")
_SIGNS = frozenset(
    '()[]!?&+%#\u00a7\u20ac\u00b0\u00b7\u2022|\u2026\u2013\u2014"\u201a\u2018\u00ab\u00bb\u201e\u201c\u201d'
)
"""What stands in the names of projects beside letters and digits: no part of an address."""
_NUMBER = re.compile(r"\d{6}|\d+(\.\d+){3}|(\d[ ./()-]*){9}")
"""What a program makes a link of without a letter in it: a code, an IP address, a telephone number."""
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]+(\.[\w-]+)+")


def duration(seconds: int) -> str:
    """In the largest unit that divides it, as an accusative: "10 minutes", "1 Stunde", "14 Tage"."""
    minutes, rest = divmod(int(seconds), 60)
    if rest or not minutes:
        raise ValueError("not a whole number of minutes")
    if minutes % 1440 == 0:
        return ngettext("{count} day", "{count} days", minutes // 1440)
    if minutes % 60 == 0:
        return ngettext("{count} hour", "{count} hours", minutes // 60)
    return ngettext("{count} minute", "{count} minutes", minutes)


def moment(at: str) -> str:
    """A moment (ISO 8601) in UTC: "20 November 2026, 09:05 UTC"."""
    utc = datetime.fromisoformat(at).astimezone(UTC)
    return gettext("{day}, {time} UTC", day=day(utc, "MMMM y"), time=f"{utc:%H:%M}")


def name(text: str) -> str:
    """What somebody calls themselves or something, if it reads as a name; "" otherwise, and the mail does without.

    Letters, marks, spaces, apostrophes, hyphens, and a dot before a space or at the end: no mail program makes a link
    of that. A right-to-left name keeps to itself.
    """
    line = unicodedata.normalize("NFC", text)
    if not all(_names(each, after) for each, after in zip(line, [*line[1:], " "], strict=False)):
        return ""
    return isolated(" ".join(line.split()))


def title(text: str) -> str:
    """What a project is called, if no mail program makes a link of any part of it; "" otherwise: "CRM 2.0 - Einführung
    (Phase 1)", "Website 2027/28", "Verein e.V.".
    """
    line = unicodedata.normalize("NFC", text)
    around = zip(f" {line}", line, [*line[1:], " "], [*line[2:], " ", " "], strict=False)
    if _NUMBER.search(line) or not all(_titles(*each) for each in around):
        return ""
    return isolated(" ".join(line.split()))


def sentence(text: str) -> str:
    """A sentence of ours in which others are named, if all of it reads as names; "" otherwise."""
    return text if title(text.translate(_BESIDE_NAMES).removesuffix(".")) else ""


def _titles(before: str, character: str, after: str, last: str) -> bool:
    """Whether `character` is part of a title where it stands: a dot where no domain can end (a top one has two
    letters at least), a colon or a comma before a space or among digits, a slash by itself.
    """
    if character == ".":
        kinds = [unicodedata.category(each)[0] for each in (before, after, last)]
        abbreviates = kinds[0] in "LN" and kinds[1] == "L" and kinds[2] not in "LMN"
        return abbreviates or kinds[1] not in "LMN" or kinds[:2] == ["N", "N"]
    if character in ":;,":
        return after == " " or (before.isdigit() and after.isdigit())
    if character == "/":
        return "/" not in (before, after)
    return character in _SIGNS or unicodedata.category(character) == "Nd" or _names(character, after)


def _names(character: str, after: str) -> bool:
    if character == ".":
        return unicodedata.category(after) == "Zs"
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Zs" or character in _JOINS


def device(text: str) -> str:
    """A browser and its system, each a name and the number of its version: "Firefox 140, Linux". What a browser says of
    itself is anybody's words as well.
    """
    parts = [(name(_VERSION.sub("", part)), _VERSION.search(part)) for part in text.split(", ")]
    return ", ".join(f"{found}{version[0] if version else ''}" for found, version in parts if found)


def address(text: str) -> str:
    """A mailbox that has to be named, if nothing in it could be taken for the address of a page; "" otherwise."""
    shown = shown_address(text)
    return isolated(shown) if _EMAIL.fullmatch(shown) else ""


def host(text: str) -> str:
    """Where a partner system receives events, as staff set it up: the name of a host, or its IP address, and nothing
    behind it; "" for anything else.
    """
    return text if _HOST.fullmatch(text) else network_address(text.strip("[]"))


def network_address(text: str) -> str:
    """An IP address; "" for whatever is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def plain(text: str) -> str:
    """The company's own words, as one line: control characters end nothing here."""
    ends = ("Cc", "Zl", "Zp")
    kept = "".join(" " if unicodedata.category(each) in ends else each for each in text if each not in _DIRECTIONS)
    return isolated(" ".join(kept.split()))
