"""The projects on other pages: cards on a dashboard, rows on a client's page."""

from uuid import UUID

import msgspec

from services.portal.answers import ProjectCard
from services.portal.dashboard.asked import Asked, whom_to_ask
from services.portal.page import Page
from services.portal.projects.teams import as_today
from services.portal.services import Slot, slot
from services.portal.sorting import Sorting
from shared.pagination import Page as Listing

MOST = 50
CARDS = 12
COLUMNS = ("-status", "name")
"""What the table on a client's page is sorted by: what needs attention comes first."""


class Cards(msgspec.Struct, frozen=True):
    """The most urgent projects, and whether there are others; where one of a client's people sees none, whom to ask."""

    projects: list[ProjectCard]
    has_more: bool = False
    ask: Asked | None = None


class Rows(msgspec.Struct, frozen=True):
    """A page of a client's projects, and how its table is sorted."""

    found: Listing[ProjectCard]
    sorting: Sorting


async def cards(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Cards]:
    """For a dashboard."""
    found = await slot(_urgent(page, client_id), deadline=deadline)
    if found.value is None or page.actor.is_staff or found.value.projects:
        return found
    asked = await whom_to_ask(page.services)
    others = [each for each in asked.contacts if each.id != page.actor.reader.id]
    return Slot("ready", Cards([], ask=Asked(others, asked.company)))


async def _urgent(page: Page, client_id: UUID | None) -> Cards:
    """What needs attention first, then what runs well, then what is done; each newest first."""
    query = {"client_id": client_id, "sort": "-status", "limit": CARDS}
    found = await page.services.projects.get("projects", Listing[ProjectCard], **query)
    return Cards(await as_today(page.services, found.items), has_more=found.next_cursor is not None)


async def rows(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Rows]:
    """For a client's page, whose address says in which order."""
    sorting = Sorting(f"/clients/{client_id}", {}, COLUMNS, page.asked("sort"), "projects")
    query = {"client_id": client_id, "sort": sorting.by, "cursor": page.asked("cursor"), "limit": MOST}
    listed = await slot(page.services.projects.get("projects", Listing[ProjectCard], **query), deadline=deadline)
    return Slot(listed.state, listed.value and Rows(listed.value, sorting))
