"""How the headers of a mail are written: subjects and names beyond ASCII, the same in every version of Python."""

from base64 import b64encode
from collections.abc import Iterator
from email.headerregistry import Address, AddressHeader, UnstructuredHeader
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
    """

    def fold(self, name: str, value: Any) -> str:
        """A header as its lines; `value` is as the message holds it."""
        if isinstance(value, UnstructuredHeader):
            lines = self.linesep.join(_lines(str(value)))
        elif isinstance(value, AddressHeader):
            lines = f",{self.linesep} ".join(self.linesep.join(_mailbox(each)) for each in value.addresses)
        else:
            return super().fold(name, value)
        return name + ": " + lines + self.linesep

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The same, as it goes out."""
        return self.fold(name, value).encode("utf-8" if self.utf8 else "ascii")


AS_SENT = Written(linesep="\r\n", max_line_length=78)
"""`utf8`, where an address is not ASCII (RFC 6532), leaves the text around it as it is elsewhere."""


def _lines(text: str) -> Iterator[str]:
    """A text as the lines of a header; all but the first begin with the blank that continues it."""
    lines = wrap(text, LINE, break_long_words=False, break_on_hyphens=False)
    if not text.isascii() or " ".join(lines) != text:
        lines = [f"=?utf-8?b?{b64encode(part).decode()}?=" for part in _parts(text)]
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
    if address.display_name.isascii():
        yield str(address)
    else:
        yield from _lines(address.display_name)
        yield f" <{address.addr_spec}>"
