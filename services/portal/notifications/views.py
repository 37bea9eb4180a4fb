"""What the reader is notified of, a page at a time."""

import msgspec

from services.portal.notifications.answers import Notification
from services.portal.services import Services
from shared.pagination import Page as Listing

PER_PAGE = 30


class Notices(msgspec.Struct, frozen=True):
    """A page of the list; `cursor` says where it begins."""

    items: list[Notification]
    next_cursor: str | None
    cursor: str = ""

    @property
    def has_unread(self) -> bool:
        return any(not each.read for each in self.items)


async def listed(services: Services, cursor: str) -> Notices:
    """A page, newest first. Raises `ServiceProblem`."""
    found = await services.notifications.get("notifications", Listing[Notification], cursor=cursor, limit=PER_PAGE)
    return Notices(found.items, found.next_cursor, cursor)
