"""Everything that happened, day by day."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.portal import choices
from services.portal.answers import Entry, ProjectCard
from services.portal.choices import Choice
from services.portal.clients import Services
from services.portal.formats import local
from shared.pagination import Page as Listing

PER_PAGE = 30


class Feed(msgspec.Struct, frozen=True):
    """A page of the feed, and where in it the reader is: `after` is the last day they have seen a heading for."""

    days: list[tuple[date, list[Entry]]]
    next_cursor: str | None
    client_id: UUID | None = None
    project_id: UUID | None = None
    cursor: str = ""
    after: date | None = None


async def entries(services: Services, client_id: UUID | None, project_id: UUID | None, cursor: str) -> Listing[Entry]:
    """A page of the feed, newest first."""
    return await services.activity.get(
        "activity", Listing[Entry], client_id=client_id, project_id=project_id, cursor=cursor, limit=PER_PAGE
    )


async def projects(services: Services, client_id: UUID | None, q: str, chosen: UUID | None) -> Choice[ProjectCard]:
    """What the feed may be filtered by."""
    return await choices.projects(services, client_id, "project", q, [chosen] if chosen else [])


def by_day(items: Iterable[Entry], zone: ZoneInfo | None) -> list[tuple[date, list[Entry]]]:
    """Entries under the day they happened on, where the reader is."""
    return [(day, list(group)) for day, group in groupby(items, key=lambda entry: local(entry.at, zone).date())]
