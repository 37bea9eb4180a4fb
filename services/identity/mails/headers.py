"""How the headers of a mail are written: subjects and names beyond ASCII, the same in every version of Python."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from email.headerregistry import Address
from email.policy import EmailPolicy
from textwrap import wrap
from typing import Any

LINE = 65
"""Characters of a value, so that with the name of its header a line keeps to 78 (RFC 5322, 2.1.1)."""
BYTES = 39
"""What an encoded word holds: with "Subject: " before it a line keeps to 76 characters (RFC 2047, 2)."""


class Written(EmailPolicy):
    """Writes text and addresses itself: beside encoded words Python loses blanks or adds some, encodes an id that is
    longer than a line, and in its later versions puts words together without a blank, which servers refuse.

    Reads neither: Python decodes encoded words in what it is given, and what others are called or write is no header.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """As the message holds it: a text or an `Address`. What describes a part is Python's to read."""
        return super().header_store_parse(name, value) if _describes(name) else (name, value)

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """As people read it."""
        return super().header_fetch_parse(name, value) if _describes(name) else str(value)

    def fold(self, name: str, value: Any) -> str:
        """A header as its lines; `value` is as the message holds it. A text that is no subject is one line of ours."""
        if _describes(name):
            return super().fold(name, value)
        lines: Iterable[str] = [value]
        if isinstance(value, Address):
            lines = _mailbox(value)
        elif name == "Subject":
            lines = _lines(value)
        return name + ": " + self.linesep.join(lines) + self.linesep

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The same, as it goes out."""
        return self.fold(name, value).encode("utf-8" if self.utf8 else "ascii")


WRITTEN = Written()
AS_SENT = WRITTEN.clone(linesep="\r\n")
"""`utf8`, where an address is not ASCII (RFC 6532), leaves the text around it as it is elsewhere."""


def mailbox(address: str, name: str = "") -> Address:
    """Whom a mail is from or for. Nothing of it is parsed, as it would be if it came as one text."""
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _describes(name: str) -> bool:
    return name.lower().startswith(("content-", "mime-"))


def _lines(text: str) -> Iterator[str]:
    """A text as the lines of a header; all but the first begin with the blank that continues it."""
    lines = wrap(text, LINE, break_long_words=False, break_on_hyphens=False)
    # What looks like an encoded word would be read as one.
    if not text.isascii() or "=?" in text or " ".join(lines) != text or any(len(line) > LINE for line in lines):
        return _encoded(text)
    return _continued(lines)


def _encoded(text: str) -> Iterator[str]:
    return _continued(f"=?utf-8?b?{b64encode(part).decode()}?=" for part in _parts(text))


def _continued(lines: Iterable[str]) -> Iterator[str]:
    return (f" {line}" if number else line for number, line in enumerate(lines))


def _parts(text: str) -> Iterator[bytes]:
    """What each encoded word holds: whole characters (RFC 2047, 5)."""
    part = b""
    for character in text:
        encoded = character.encode()
        if len(part + encoded) > BYTES:
            yield part
            part = b""
        part += encoded
    yield part


def _mailbox(address: Address) -> Iterator[str]:
    """A name and an address; a name in ASCII is quoted where it must be (RFC 5322, 3.4)."""
    name = address.display_name
    if " ".join(name.split()) == name and [*_lines(name)] in ([], [name]):  # blanks count for one outside of quotes
        yield str(address)
    else:
        yield from _encoded(name)
        yield f" <{address.addr_spec}>"
