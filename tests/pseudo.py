"""A language made of English, longer and accented: what stays plain in it was never put into a language."""

import re
from gettext import NullTranslations

from shared.language import teach

LANGUAGE = "en-XA"
_ACCENTED = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž"
)
_PLACE = re.compile(r"(%\(\w+\)s|%%|\{\w*\}|</?[a-z][^>]*>|&\w+;)")
"""What no translation changes: places for values, and markup."""


def pseudo(text: str) -> str:
    """`text` with accents, a third longer, and what stands in its places, and its markup, left as they are."""
    said = [part if _PLACE.fullmatch(part) else part.translate(_ACCENTED) for part in _PLACE.split(text)]
    return f"⟦{''.join(said)}{'·' * (len(text) // 3)}⟧"


def plain_words(text: str) -> list[str]:
    """What of a text is in no language yet."""
    return re.findall(r"[A-Za-z]{2,}", text)


class _Pseudo(NullTranslations):
    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)


teach(LANGUAGE, _Pseudo())
