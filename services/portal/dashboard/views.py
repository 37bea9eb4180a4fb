"""What the dashboard shows: what the areas bring to it, each within its own deadline."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from services.portal.answers import ClientsAttention, Kpis, Overview, Thing
from services.portal.area import Widget
from services.portal.page import Page
from services.portal.projects.views import Project, seen
from services.portal.projects.widgets import Cards
from services.portal.services import WIDGET_DEADLINE, Slot, slot

Part = tuple[Widget, Slot[Any]]


class Dashboard(msgspec.Struct, frozen=True):
    """The parts that are not closed for the reader."""

    parts: list[Part]
    only: Project | None = None
    """The one active project, where a client has exactly one: then the dashboard is that project."""

    @property
    def is_empty(self) -> bool:
        return not self.parts

    def at(self, place: str) -> list[Part]:
        """What stands there: `top`, as wide as the page, or beside each other `main` and `side`."""
        return [part for part in self.parts if part[0].place == place]

    def slot(self, name: str) -> Slot[Any] | None:
        """What this part got; None where it is closed."""
        return next((slot for widget, slot in self.parts if widget.name == name), None)


class Coming(msgspec.Struct, frozen=True):
    """What waits for the reader, the longest first, and what else is due, the earliest first."""

    turn: list[Thing]
    due: list[Thing]

    @classmethod
    def of(cls, overview: Overview) -> "Coming":
        turn = overview.turn or []
        waiting = {thing.id for thing in turn}
        return cls(turn, [thing for thing in overview.due or [] if thing.id not in waiting])


async def load(page: Page) -> Dashboard:
    """Everything that is not closed at once, each within its deadline, with what the frame around it needs."""
    widgets = [widget for widget in page.areas.widgets("dashboard") if widget.who(page)]
    loading = {each.name: asyncio.ensure_future(each.load(page, page.client_id, WIDGET_DEADLINE)) for each in widgets}
    only = _only(page, loading.get("projects"))
    slots, only, _ = await asyncio.gather(asyncio.gather(*loading.values()), only, page.load_organisations())
    return Dashboard(list(zip(widgets, slots, strict=True)), only)


async def _only(page: Page, cards: "asyncio.Future[Slot[Cards]] | None") -> Project | None:
    if page.client_id is None or cards is None:
        return None
    found = (await cards).value
    active = [project for project in found.projects if project.status != "completed"] if found else []
    return (await slot(seen(page.services, page.actor, active[0].id))).value if len(active) == 1 else None


async def kpis(page: Page, _client_id: UUID | None, deadline: float | None) -> Slot[Kpis]:
    """The figures of a client, or of all."""
    return await page.overview(lambda found: found.kpis, "kpis", deadline=deadline)


async def coming(page: Page, _client_id: UUID | None, deadline: float | None) -> Slot[Coming]:
    """What waits for the reader and what is due at a client."""
    return await page.overview(Coming.of, "turn", "due", deadline=deadline)


async def clients(page: Page, _client_id: UUID | None, deadline: float | None) -> Slot[ClientsAttention]:
    """For staff who look at all clients: which of them have something overdue or waiting. Of one client alone, none."""
    return await page.overview(lambda found: found.clients or ClientsAttention([], 0), "clients", deadline=deadline)
