"""Words that depend on the language, and words of others made safe to stand among ours."""

import re
import unicodedata
from datetime import datetime

_UNITS = {
    "en": (("day", "days"), ("hour", "hours"), ("minute", "minutes")),
    "de": (("Tag", "Tage"), ("Stunde", "Stunden"), ("Minute", "Minuten")),
}
_SECONDS = (86_400, 3_600, 60)
_MONTHS = {
    "en": "January,February,March,April,May,June,July,August,September,October,November,December",
    "de": "Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember",
}
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows, also of our own words (Unicode UAX 9)."""
_ADDRESS = re.compile(r"://|\bwww\.", re.IGNORECASE)


def duration(seconds: int, language: str) -> str:
    """In the largest unit that divides it, as an accusative: "10 minutes", "1 Stunde", "14 Tage"."""
    for size, (one, many) in zip(_SECONDS, _UNITS[language], strict=True):
        count, rest = divmod(int(seconds), size)
        if count and not rest:
            return f"{count} {one if count == 1 else many}"
    raise ValueError("not a whole number of minutes")


def moment(at: datetime, language: str) -> str:
    """A moment in UTC: "20 November 2026, 09:05 UTC"."""
    day = f"{at.day}." if language == "de" else f"{at.day}"
    month = _MONTHS[language].split(",")[at.month - 1]
    return f"{day} {month} {at.year}, {at:%H:%M} UTC"


def plain(text: str) -> str:
    """What somebody calls themselves or something, as one line of text that changes nothing around it.

    Control characters end nothing here, a right-to-left name keeps to itself, and what a mail program would turn into a
    link, in a mail that comes from us, is no name.
    """
    if _ADDRESS.search(text):
        return ""
    kept = "".join(" " if unicodedata.category(each) == "Cc" else each for each in text if each not in _DIRECTIONS)
    line = " ".join(kept.split())
    if any(unicodedata.bidirectional(each) in ("R", "AL") for each in line):
        return f"\u2068{line}\u2069"
    return line


def readable_on(color: str) -> str:
    """Black or white, whichever can be read better on a colour `#rrggbb` (WCAG 2.2, relative luminance)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#000000"
