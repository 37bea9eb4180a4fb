"""Which characters a text from outside may contain, in path, query, header, cookie, form and body."""

import re
import unicodedata

TEXT = r"^[^\x00]*$"
"""Anything that PostgreSQL can store, over several lines."""

_TURNS = r"\u202a-\u202e\u2066-\u2069"
"""What overrides the direction of the text around it (UAX 9): a name would read as another one."""
_ENDS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_IN_A_LINE = rf"[^{_ENDS}{_TURNS}]"
UNSEEN = (
    r"\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""White space, format characters, fillers and blanks that count as letters, selectors of variants: for a class."""
_SEEN = rf"[^{_ENDS}{_TURNS}{UNSEEN}]"

ANY_LINE = rf"^{_IN_A_LINE}*$(?!\n)"
"""One line, perhaps empty. A plain `$` would let one newline through at the end, and with it a header into a mail."""

LINE = rf"^{_IN_A_LINE}*{_SEEN}{_IN_A_LINE}*$(?!\n)"
"""One line with something in it to see."""

EMPTY_OR_LINE = rf"^(?:{_IN_A_LINE}*{_SEEN}{_IN_A_LINE}*)?$(?!\n)"
"""One line with something in it to see, or nothing at all."""

_PATH = re.compile(r"/(?!/)[^\x00-\x20\x7f\\]*")

ISOLATES = {ord(each): None for each in "\u2066\u2067\u2068\u2069"}
"""What `isolated` puts around a text, for `str.translate` to take away."""


def isolated(text: str) -> str:
    """A text from outside to stand among others: read from the right, it keeps to itself (UAX 9: FSI, PDI)."""
    if not text.isascii() and any(unicodedata.bidirectional(each) in ("R", "AL", "AN") for each in text):
        return f"\u2068{text}\u2069"
    return text


def is_path(text: str) -> bool:
    """Whether it stays on its site. Browsers read a backslash as a slash, a tab or a line break as nothing at all."""
    return _PATH.fullmatch(text) is not None
