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
COLUMNS = ("-status", "name")
"""What the table on a client's page is sorted by: what needs attention comes first."""


class Cards(msgspec.Struct, frozen=True):
    """Projects; where one of a client's people sees none, whom to ask."""

    projects: list[ProjectCard]
    ask: Asked | None = None


class Rows(msgspec.Struct, frozen=True):
    """A page of a client's projects, and how its table is sorted."""

    found: Listing[ProjectCard]
    sorting: Sorting


async def cards(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Cards]:
    """For a dashboard."""
    found = await urgent(page, client_id, deadline)
    if found.value is None:
        return Slot(found.state)
    ask = None
    if not (page.actor.is_staff or found.value):
        asked = await whom_to_ask(page.services)
        others = [each for each in asked.contacts if each.id != page.actor.reader.id]
        ask = Asked(others, asked.company)
    return Slot("ready", Cards(found.value, ask))


async def urgent(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[list[ProjectCard]]:
    """The most urgent: what needs attention first, then what runs well, then what is done; each newest first."""

    async def listed() -> list[ProjectCard]:
        query = {"client_id": client_id, "sort": "-status", "limit": MOST}
        found = await page.services.projects.get("projects", Listing[ProjectCard], **query)
        return await as_today(page.services, found.items)

    return await slot(listed(), deadline=deadline)


async def rows(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Rows]:
    """For a client's page, whose address says in which order."""
    sorting = Sorting(f"/clients/{client_id}", {}, COLUMNS, page.asked("sort"), "projects")
    query = {"client_id": client_id, "sort": sorting.by, "cursor": page.asked("cursor"), "limit": MOST}
    listed = await slot(page.services.projects.get("projects", Listing[ProjectCard], **query), deadline=deadline)
    return Slot(listed.state, listed.value and Rows(listed.value, sorting))
