r"""One reading of a path for everybody: what is decided on is, byte for byte, what is forwarded.

The decision never decodes. It may therefore only accept a path that has one spelling: whatever another parser could
read as a different path (dot segments, `//`, `;`, `\`, an encoded slash or letter, overlong UTF-8) is refused.
"""

import re
from functools import lru_cache
from unicodedata import is_normalized

REMEMBERED = 1024
"""The same few pages make most of the requests. Small, for anybody may fill it with addresses of 8 kB."""
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)*/?")
_ENCODED = re.compile(rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)*/?")
_DOTS = re.compile(rb"/\.\.?(?:/|$)")
_TRIPLET = re.compile(rb"%([0-9A-Fa-f]{2})")
_RESERVED_FOR_US = frozenset(b"/\\;%?#")


@lru_cache(REMEMBERED)
def is_canonical(path: bytes) -> bool:
    """Whether `path`, as received, can be read in one way only."""
    if b"%" in path:
        return bool(_ENCODED.fullmatch(path)) and not _DOTS.search(path) and _encodes_only_what_needs_it(path)
    return bool(path) and bool(_PLAIN.fullmatch(path)) and not _DOTS.search(path)


def _encodes_only_what_needs_it(path: bytes) -> bool:
    """No triplet stands for a delimiter, a control, or what needs no encoding (RFC 3986, 6.2.2.2); all are UTF-8."""
    octets = bytes(int(found, 16) for found in _TRIPLET.findall(path))
    if any(octet < 0x20 or octet == 0x7F or octet in _RESERVED_FOR_US or _is_unreserved(octet) for octet in octets):
        return False
    try:
        text = _TRIPLET.sub(lambda found: bytes([int(found[1], 16)]), path).decode()
    except UnicodeDecodeError:
        return False
    # No full-width slash, which some readers fold into a plain one; no blank at an edge, which some readers cut off.
    return is_normalized("NFKC", text) and all(segment == segment.strip() for segment in text.split("/"))


def _is_unreserved(octet: int) -> bool:
    return octet < 0x80 and (chr(octet).isalnum() or octet in b"-._~")
