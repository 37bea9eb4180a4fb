"""A short answer that survives one redirect: "Milestone completed"."""

import base64
from typing import Annotated, Literal

import msgspec
from litestar.datastructures import Cookie

from services.portal.cookies import cookie

TOAST_COOKIE = "portal_toast"
SECONDS = 60
LONGEST = 300

Tone = Literal["done", "info", "risk", "over"]


class Undo(msgspec.Struct, frozen=True):
    """What takes it back: a POST to `action`, a path of the portal, with `fields`."""

    action: str
    fields: dict[str, str] = {}


class Toast(msgspec.Struct, frozen=True):
    """A sentence for the person, shown once; `tone` is a state colour. `undo` is a button beside it."""

    text: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    tone: Tone = "done"
    undo: Undo | None = None


def remember(toast: Toast) -> Cookie:
    """The cookie that carries `toast` to the next page."""
    return cookie(TOAST_COOKIE, base64.urlsafe_b64encode(msgspec.json.encode(toast)).decode().rstrip("="), SECONDS)


def recall(value: str | None) -> Toast | None:
    """The toast of a cookie's value; None for none, and for one we did not write."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(value + "=="), type=Toast) if value else None
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
