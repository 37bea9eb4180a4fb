"""How a table is sorted: by its column headings, which are links (decision 0096)."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlencode

import msgspec


class Sorting(msgspec.Struct, frozen=True):
    """The order of a table at `path`, whose address has also the `query` that narrows it.

    `columns` are the orders that a click on a heading begins with; the first is the table's own. `target` is the
    element that HTMX replaces.
    """

    path: str
    query: Mapping[str, str]
    columns: Sequence[str]
    asked: str
    target: str

    @property
    def by(self) -> str:
        """The order, as the service calls it; the table's own where the address asks for one that it does not have."""
        known = {column.removeprefix("-") for column in self.columns}
        return self.asked if self.asked.removeprefix("-") in known else self.columns[0]

    def direction(self, column: str) -> Literal["ascending", "descending", "none"]:
        """The value of `aria-sort` for a heading."""
        if self.by.removeprefix("-") != column.removeprefix("-"):
            return "none"
        return "descending" if self.by.startswith("-") else "ascending"

    @property
    def kept(self) -> dict[str, str]:
        """What an address says of the order: nothing where it is the table's own."""
        return self._said(self.by)

    def leads(self, column: str) -> str:
        """Where a heading leads: to its order, or to the opposite of it where the table has that already."""
        return self._address(self._said(column if self.by != column else _turned(column)))

    def following(self, cursor: str) -> str:
        """The address of the page behind `cursor`."""
        return self._address({**self.kept, "cursor": cursor})

    def _said(self, sort: str) -> dict[str, str]:
        return {} if sort == self.columns[0] else {"sort": sort}

    def _address(self, more: Mapping[str, str]) -> str:
        query = urlencode({**self.query, **more})
        return f"{self.path}?{query}" if query else self.path


def _turned(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
