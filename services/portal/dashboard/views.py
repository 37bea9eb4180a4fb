"""What the dashboard shows: what the areas bring to it, each with its own call and its own deadline."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from services.portal.answers import Client
from services.portal.area import Widget
from services.portal.dashboard.answers import Kpis
from services.portal.page import Page
from services.portal.projects.views import Project, seen
from services.portal.projects.widgets import Cards
from services.portal.services import WIDGET_DEADLINE, Slot, once_known, slot

Part = tuple[Widget, Slot[Any]]


class Dashboard(msgspec.Struct, frozen=True):
    """The parts that are not closed for the reader."""

    parts: list[Part]
    only: Project | None = None
    """The one active project, where a client has exactly one: then the dashboard is that project."""

    @property
    def is_empty(self) -> bool:
        return not self.parts

    @property
    def top(self) -> list[Part]:
        """What stands above the others, as wide as the page."""
        return [part for part in self.parts if part[0].place == "top"]

    @property
    def rest(self) -> list[Part]:
        """What stands beside each other."""
        return [part for part in self.parts if part[0].place != "top"]

    def slot(self, name: str) -> Slot[Any] | None:
        """What this part got; None where it is closed."""
        return next((slot for widget, slot in self.parts if widget.name == name), None)


async def load(page: Page) -> Dashboard:
    """Everything that is not closed at once, each within its deadline."""
    widgets = [widget for widget in page.areas.widgets("dashboard") if widget.who(page)]
    loading = {each.name: asyncio.ensure_future(each.load(page, page.client_id, WIDGET_DEADLINE)) for each in widgets}
    slots, only = await asyncio.gather(asyncio.gather(*loading.values()), _only(page, loading.get("projects")))
    return Dashboard(list(zip(widgets, slots, strict=True)), only)


async def _only(page: Page, cards: "asyncio.Future[Slot[Cards]] | None") -> Project | None:
    if page.client_id is None or cards is None:
        return None
    found = (await cards).value
    active = [project for project in found.projects if project.status != "completed"] if found else []
    return (await slot(seen(page.services, page.actor, active[0].id))).value if len(active) == 1 else None


async def kpis(page: Page, client_id: UUID | None, deadline: float | None) -> Slot[Kpis]:
    """A client's figures."""

    async def owned() -> object:
        return await page.services.identity.get(f"clients/{client_id}", Client)

    figures = once_known(page.services.activity.get("kpis", Kpis, client_id=client_id), owned, Kpis([]))
    return await slot(figures, deadline=deadline)
