"""How words are found and ordered where no service does it: by their letters, whatever marks they carry (0107)."""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u206f\ufeff]")
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i"})
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


def folded(text: str) -> str:
    """The same as `folded` of the services' databases (`shared.migrations.tables`): "Größl" is "grossl"."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text).lower().translate(_LETTERS))


def found_by(text: str) -> str:
    """What a word has to be in to be found in `text`: "Größl" is found by "grossl" and by "groessl"."""
    return f"{folded(text)} {folded(unicodedata.normalize('NFC', text).lower().translate(_WRITTEN_OUT))}"
