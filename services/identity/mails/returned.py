"""Reads what a mail server sends back (RFC 3464): which of our mails nobody will get.

Runs in a child of `shared.sandbox`: whoever can write to the sender's address can send something that looks like it.
"""

import re
from email.message import Message
from email.parser import BytesParser, HeaderParser
from uuid import UUID

from shared.confinement import Rejected

MESSAGE_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[0-9]{1,9}@[^\s<>]+>?")
"""How our mails are named: `<id.attempt@host>`. Nobody guesses the id of a mail that was not sent to them."""
STATUS = ("message/delivery-status", "message/global-delivery-status")
RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
"""The same about addresses beyond ASCII: RFC 6533."""
HEADERS = HeaderParser()


def id_of(message_id: str) -> UUID | None:
    """The id of the mail with this Message-ID; None where it is no mail of ours."""
    found = MESSAGE_ID.fullmatch(message_id.strip())
    return UUID(found[1]) if found else None


def work(data: bytes) -> bytes:
    """The id of the mail that will not arrive, in ASCII; nothing where it is late, or arrived. Raises `Rejected`:
    `format` for what is no report, `foreign` for one about a mail that is not ours.
    """
    parts = _parts(data)
    status = next((part for part in parts if part.get_content_type() in STATUS), None)
    returned = next((part for part in parts if part.get_content_type() in RETURNED), None)
    if status is None or returned is None:
        raise Rejected("format")
    mail = id_of(str(_headers_of(returned)["Message-ID"]))
    if mail is None:
        raise Rejected("foreign")
    return str(mail).encode() if any(_gave_up(each) for each in _recipients(status)) else b""


def _parts(data: bytes) -> list[Message]:
    message = BytesParser().parsebytes(data)
    return _within(message) if message.get_content_type() == "multipart/report" else []


def _recipients(status: Message) -> list[Message]:
    """The groups of fields that are about a recipient each: all but the first (RFC 3464, 2.1)."""
    groups = _within(status)
    if status.get_content_type() == STATUS[0]:
        return groups[1:]
    return [HEADERS.parsestr(text) for each in groups for text in re.split(r"\r?\n\r?\n", str(each.get_payload()))]


def _gave_up(recipient: Message) -> bool:
    """Whether the mail server tries no more (RFC 3464, 2.3.3), whatever the reason: also 4.4.7 after days of trying."""
    return str(recipient["Action"]).strip().lower() == "failed"


def _headers_of(returned: Message) -> Message:
    return next(iter(_within(returned)), None) or HEADERS.parsestr(str(returned.get_payload()))


def _within(part: Message) -> list[Message]:
    """The messages that a part consists of."""
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []
