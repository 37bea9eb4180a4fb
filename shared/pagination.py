"""Keyset pages: `?limit=` and an opaque `?cursor=`."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec
from asyncpg import Record
from litestar.params import Parameter

from shared.errors import Invalid
from shared.language import gettext as _
from shared.texts import ANY_LINE

T = TypeVar("T")
K = TypeVar("K")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

Limit = Annotated[
    int, Parameter(query="limit", ge=1, le=MAX_LIMIT, default=DEFAULT_LIMIT, description="How many a page has at most.")
]
Cursor = Annotated[
    str | None,
    Parameter(
        query="cursor",
        max_length=400,
        pattern=ANY_LINE,
        default=None,
        description="The `next_cursor` of the page before; none for the first.",
    ),
]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A slice of a list, newest first unless the route says otherwise; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


class BadCursor(Invalid):
    code = "cursor.invalid"

    def __init__(self) -> None:
        super().__init__(_("This page link is not one of ours. Start again from the first page."), field="cursor")


class Order(msgspec.Struct, frozen=True):
    """An order by an SQL expression, then by id, and the place behind which a page begins: key and id of a row, which
    may be renamed or deleted meanwhile. The key is a text and never null (docs/decisions/0096).
    """

    sort: str
    key: str
    place: tuple[str, UUID] | None

    @property
    def by(self) -> str:
        way = " desc" if self.sort[0] == "-" else ""
        return f"order by sort_value{way}, id{way}"

    def rows(self, table: str, where: str, first: int) -> str:
        """The SELECT of a page, to be limited; `place` becomes its parameters from number `first` on."""
        key, sign = f'({self.key}) collate "C"', "<" if self.sort[0] == "-" else ">"
        after = f" and ({key}, id) {sign} (${first}, ${first + 1})" if self.place else ""
        return f"select *, {key} as sort_value from {table} where {where}{after} {self.by}"  # noqa: S608  (no input)

    def page(self, rows: Sequence[Record], limit: int, items: list[T]) -> Page[T]:
        """The items made of the first `limit` rows; where more were found, another page follows."""
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(items, encode_cursor((self.sort, last["sort_value"], last["id"])) if last else None)


class Orders:
    """What a list can be sorted by, under the names that its parameter `sort` takes; a hyphen turns an order round.

    `{none}` in a key is the value of rows that have none, which are at the end in both directions.
    """

    def __init__(self, default: str, **keys: str) -> None:
        self.parameter = Parameter(query="sort", default=default, pattern=rf"^-?({'|'.join(keys)})$(?!\n)")
        self._keys = keys

    def order(self, sort: str, cursor: str | None) -> Order:
        """The order of that name. Raises `BadCursor` for a cursor of another."""
        key = self._keys[sort.removeprefix("-")].format(none="''" if sort[0] == "-" else f"'{chr(0x10FFFF)}'")
        if not cursor:
            return Order(sort, key, None)
        of, value, row_id = decode_cursor(cursor, tuple[str, str, UUID])
        if of != sort or "\x00" in value:
            raise BadCursor
        return Order(sort, key, (value, row_id))


def encode_cursor(key: object) -> str:
    """The place after a row, as the caller will send it back. Holds only sort keys; the tenant comes from the token."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(cursor: str, kind: type[K]) -> K:
    """Read a cursor back as `kind`. Raises `BadCursor` for anything we did not make."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, UnicodeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise BadCursor from error
