"""What one noun brings to the portal: its pages, a place in the navigation, a module, parts of other nouns' pages."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from litestar import Router

if TYPE_CHECKING:
    from services.portal.page import Page
    from services.portal.services import Slot

Where = Literal["dashboard", "client"]


def everybody(_page: "Page") -> bool:
    """For who is signed in."""
    return True


def staff(page: "Page") -> bool:
    """For the company's own people."""
    return page.actor.is_staff


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the navigation, for `who` has something to do there. An `office` is one beyond the five that a phone's
    bar has room for: it stands below the others, on a phone in the account's menu.
    """

    path: str
    label: str
    icon: str
    who: Callable[["Page"], bool] = everybody
    office: bool = False

    @property
    def section(self) -> str:
        """By which its pages mark it."""
        return self.path.strip("/") or "dashboard"


class Closable(msgspec.Struct, frozen=True, kw_only=True):
    """A module or an action that the company may close for a client (decision 0054), by the name the services know.

    `about` is for staff who decide. `shows` is for who meets a module's page closed: what `{company}` does not show.
    """

    name: str
    label: str
    about: str
    shows: str = ""


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a dashboard or of a client's page that keeps itself up to date.

    It comes with the page, and alone at `/widgets/dashboard/<name>` or `/widgets/clients/<id>/<name>`. `load` takes the
    page, the client it is about (None: all of them) and the seconds to wait; its answer is `slot` in the template.
    """

    name: str
    template: str
    load: Callable[["Page", UUID | None, float | None], Awaitable["Slot[Any]"]]
    where: Where
    who: Callable[["Page"], bool] = everybody
    place: Literal["top", "main", "side"] = "main"


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one noun that others need to know of."""

    pages: Sequence[Router]
    chapters: tuple[str, ...]
    """Of the guide: a page offers the first that its reader may read. Part of an area says otherwise by `opt`."""
    entry: Entry | None = None
    module: Closable | None = None
    actions: Sequence[Closable] = ()
    widgets: Sequence[Widget] = ()


class Areas:
    """All of them, in the order in which they are offered."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas = tuple(areas)
        self.modules = [area.module for area in self._areas if area.module]
        self.actions = [action for area in self._areas for action in area.actions]

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas)

    def entries(self, page: "Page", *, office: bool = False) -> list[Entry]:
        """The places in the navigation that lead this reader somewhere."""
        found = (area.entry for area in self._areas if area.entry)
        return [entry for entry in found if entry.office == office and entry.who(page)]

    def widgets(self, where: Where) -> list[Widget]:
        """Every part of these pages, whoever sees it."""
        return [widget for area in self._areas for widget in area.widgets if widget.where == where]
