"""Keyset pages: `?limit=` and an opaque `?cursor=`."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar.params import Parameter

from shared.errors import Invalid
from shared.texts import ANY_LINE

T = TypeVar("T")
K = TypeVar("K")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

Limit = Annotated[int, Parameter(query="limit", ge=1, le=MAX_LIMIT, default=DEFAULT_LIMIT)]
Cursor = Annotated[str | None, Parameter(query="cursor", max_length=400, pattern=ANY_LINE, default=None)]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A slice of a list, newest first unless the route says otherwise; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


class BadCursor(Invalid):
    code = "cursor.invalid"


class Sorted(msgspec.Struct, frozen=True, array_like=True):
    """The place of a row in a list by name. What stands there may be renamed or deleted, the place stays."""

    sort_key: str
    id: UUID


def mark(row: Mapping[str, Any]) -> str:
    """The place after a row of a list that is in the order of `sort_key` and `id`."""
    return encode_cursor(Sorted(row["sort_key"], row["id"]))


def place(cursor: str | None) -> tuple[str, UUID]:
    """`sort_key` and `id` behind which a page begins; before every row without a cursor. Raises `BadCursor`."""
    after = decode_cursor(cursor, Sorted) if cursor else Sorted("", UUID(int=0))
    if "\x00" in after.sort_key:
        raise BadCursor("This page link is not one of ours. Start again from the first page.", field="cursor")
    return after.sort_key, after.id


def encode_cursor(key: object) -> str:
    """The place after a row, as the caller will send it back. Holds only sort keys; the tenant comes from the token."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str, kind: type[K]) -> K:
    """Read a cursor back as `kind`. Raises `BadCursor` for anything we did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, UnicodeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise BadCursor(
            "This page link is not one of ours. Start again from the first page.", field="cursor"
        ) from error
