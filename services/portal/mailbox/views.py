"""The mails of the embedded stack's sink: one `.eml` file each, read here and nowhere else."""

import email
import re
from base64 import b64encode
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import msgspec

from shared.errors import NotFound

SHOWN = 50
_NAME = re.compile(r"[0-9]+-[0-9]+")
"""How the sink names its files: time of arrival in nanoseconds, and a counter."""


class Mail(msgspec.Struct, frozen=True):
    """One mail that was never sent on. `html` is its author's markup: to be shown in a sandbox only."""

    name: str
    arrived: datetime
    to: str
    sender: str
    subject: str
    text: str
    html: str


def newest(folder: Path) -> list[Mail]:
    """The latest mails first."""
    files = sorted(folder.glob("*.eml"), reverse=True)[:SHOWN]
    return [_read(path) for path in files if _NAME.fullmatch(path.stem)]


def one(folder: Path, name: str) -> Mail:
    """The mail called `name`. Raises `NotFound` for anything the sink did not write."""
    path = folder / f"{name}.eml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    return _read(path, pictures=True)


def _read(path: Path, *, pictures: bool = False) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=default)
    return Mail(
        name=path.stem,
        arrived=datetime.fromtimestamp(int(path.stem.partition("-")[0]) / 1e9, UTC),
        to=message.get("X-Envelope-To", message.get("To", "")),
        sender=message.get("From", ""),
        subject=message.get("Subject", ""),
        text=_part(message, "plain"),
        html=_shown(message) if pictures else _part(message, "html"),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content() if part else ""


def _shown(message: EmailMessage) -> str:
    """Its markup with the pictures that the mail carries in it (RFC 2392): what is shown loads nothing."""
    html = _part(message, "html")
    for part in message.walk():
        if part.get_content_maintype() == "image" and (carried := part.get("Content-ID")):
            data = f"data:{part.get_content_type()};base64,{b64encode(part.get_content()).decode()}"
            html = html.replace(f'"cid:{carried.strip("<>")}"', f'"{data}"')
    return html
