"""Everything that happened, day by day."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.portal import choices
from services.portal.answers import Client, Entry, ProjectCard, ProjectDetail
from services.portal.choices import Choice
from services.portal.formats import local
from services.portal.page import Page
from services.portal.services import Services, Slot, once_known, slot
from shared.pagination import Page as Listing

PER_PAGE = 30
NEWEST = 20


class Feed(msgspec.Struct, frozen=True):
    """A page of the feed, and where in it the reader is: `after` is the last day they have seen a heading for."""

    days: list[tuple[date, list[Entry]]]
    next_cursor: str | None
    client_id: UUID | None = None
    project_id: UUID | None = None
    cursor: str = ""
    after: date | None = None


async def entries(
    services: Services,
    client_id: UUID | None = None,
    project_id: UUID | None = None,
    *,
    cursor: str = "",
    limit: int = PER_PAGE,
) -> Listing[Entry]:
    """A page of the feed, newest first; empty for what was just made. Raises `ServiceProblem`."""

    async def owned() -> object:
        if project_id:
            return await services.projects.get(f"projects/{project_id}", ProjectDetail)
        return await services.identity.get(f"clients/{client_id}", Client)

    told = services.activity.get(
        "activity", Listing[Entry], client_id=client_id, project_id=project_id, cursor=cursor, limit=limit
    )
    return await once_known(told, owned if project_id or client_id else None, Listing([]))


async def newest(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Listing[Entry]]:
    """What happened last, for a part of another page."""
    return await slot(entries(page.services, client_id, limit=NEWEST), deadline=deadline)


async def on_dashboard(page: Page, _client_id: UUID | None, deadline: float | None) -> Slot[Listing[Entry]]:
    """The same for a dashboard, which has it in its overview."""
    return await page.overview(lambda found: found.newest, "newest", deadline=deadline)


async def projects(services: Services, client_id: UUID | None, q: str, chosen: UUID | None) -> Choice[ProjectCard]:
    """What the feed may be filtered by."""
    return await choices.projects(services, client_id, "project", q, [chosen] if chosen else [])


def by_day(items: Iterable[Entry], zone: ZoneInfo | None) -> list[tuple[date, list[Entry]]]:
    """Entries under the day they happened on, where the reader is."""
    return [(day, list(group)) for day, group in groupby(items, key=lambda entry: local(entry.at, zone).date())]
