"""What the reader is notified of, a page at a time."""

from urllib.parse import urlencode
from uuid import UUID

import msgspec

from services.portal.notifications.answers import Notification
from services.portal.services import Services
from shared.pagination import Page as Listing

PATH = "/notifications"
PER_PAGE = 30


class Notices(msgspec.Struct, frozen=True):
    """A page of the list; `cursor` says where it begins. `unread`: of those alone that are not read yet. `upto` is the
    newest that was shown, on this page or the first one.
    """

    items: list[Notification]
    next_cursor: str | None
    cursor: str
    unread: bool
    upto: UUID | None

    @property
    def first(self) -> str:
        """The address of the first page."""
        return self._at()

    @property
    def here(self) -> str:
        """The address of this page."""
        return self._at(self.cursor)

    @property
    def more(self) -> str:
        """The address of the next page, or ""."""
        return self._at(self.next_cursor) if self.next_cursor else ""

    def _at(self, cursor: str = "") -> str:
        asked = {"unread": "true" if self.unread else "", "cursor": cursor, "upto": (cursor and self.upto) or ""}
        given = urlencode({name: value for name, value in asked.items() if value})
        return f"{PATH}?{given}" if given else PATH


async def listed(services: Services, cursor: str = "", *, unread: bool = False, upto: UUID | None = None) -> Notices:
    """A page, newest first. Raises `ServiceProblem`."""
    found = await services.notifications.get(
        "notifications", Listing[Notification], cursor=cursor, unread="true" if unread else None, limit=PER_PAGE
    )
    newest = found.items[0].id if found.items else None
    return Notices(found.items, found.next_cursor, cursor, unread, (cursor and upto) or newest)
