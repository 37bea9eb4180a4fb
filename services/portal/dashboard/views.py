"""What the dashboard shows: figures, projects and what happened, each with its own call and its own deadline."""

import asyncio
from uuid import UUID

import msgspec

from services.portal.activity import views as feed
from services.portal.answers import Client, Entry, Kpis, ProjectCard
from services.portal.people.answers import Person
from services.portal.projects.teams import as_today
from services.portal.projects.views import Project, nothing, seen
from services.portal.services import WIDGET_DEADLINE, Services, Slot, once_known, slot
from shared.actor import Actor
from shared.pagination import Page as Listing

NEWEST = 20
MOST_PROJECTS = 50


class Dashboard(msgspec.Struct, frozen=True):
    """The widgets of a dashboard; None is one whose module the company closed for the client."""

    kpis: Slot[Kpis] | None
    """A client's figures; none over all clients."""
    projects: Slot[list[ProjectCard]] | None
    activity: Slot[Listing[Entry]] | None
    only: Project | None = None
    """The one active project, where a client has exactly one: then the dashboard is that project."""

    @property
    def is_empty(self) -> bool:
        return not (self.kpis or self.projects or self.activity)


class CompanyContact(msgspec.Struct, frozen=True):
    """Whom at the company somebody can write to."""

    name: str
    email: str


class Contacts(msgspec.Struct, frozen=True):
    """`GET auth/contacts`."""

    company: CompanyContact | None = None


async def whom_to_ask(services: Services) -> tuple[list[Person], CompanyContact | None]:
    """Whom somebody who sees no project can ask, as far as that can be said now: their own primary contacts, and
    somebody of the company.
    """
    found, known = await asyncio.gather(
        slot(services.identity.get("people", Listing[Person], limit=100)),
        slot(services.identity.get("auth/contacts", Contacts)),
    )
    people = found.value.items if found.value else []
    return [each for each in people if each.is_primary_contact and each.active], known.value and known.value.company


async def load(services: Services, actor: Actor, client_id: UUID | None) -> Dashboard:
    """Everything that is not closed at once, each within its deadline."""
    closed = actor.closed
    figures, found, newest = await asyncio.gather(
        kpis(services, client_id) if client_id and "figures" not in closed else nothing(),
        _projects_or_the_one(services, actor, client_id) if "projects" not in closed else nothing(),
        activity(services, client_id) if "activity" not in closed else nothing(),
    )
    cards, only = found or (None, None)
    return Dashboard(figures, cards, newest, only)


async def _projects_or_the_one(
    services: Services, actor: Actor, client_id: UUID | None
) -> tuple[Slot[list[ProjectCard]], Project | None]:
    cards = await projects(services, client_id)
    active = [project for project in cards.value or [] if project.status != "completed"]
    if client_id is None or len(active) != 1:
        return cards, None
    return cards, (await slot(seen(services, actor, active[0].id))).value


async def kpis(services: Services, client_id: UUID | None, deadline: float | None = WIDGET_DEADLINE) -> Slot[Kpis]:
    async def owned() -> object:
        return await services.identity.get(f"clients/{client_id}", Client)

    figures = once_known(services.activity.get("kpis", Kpis, client_id=client_id), owned, Kpis([]))
    return await slot(figures, deadline=deadline)


async def projects(
    services: Services, client_id: UUID | None, deadline: float | None = WIDGET_DEADLINE
) -> Slot[list[ProjectCard]]:
    """The most urgent: what needs attention first, then what runs well, then what is done; each newest first."""

    async def listed() -> list[ProjectCard]:
        query = {"client_id": client_id, "sort": "-status", "limit": MOST_PROJECTS}
        found = await services.projects.get("projects", Listing[ProjectCard], **query)
        return await as_today(services, found.items)

    return await slot(listed(), deadline=deadline)


async def activity(
    services: Services, client_id: UUID | None, deadline: float | None = WIDGET_DEADLINE
) -> Slot[Listing[Entry]]:
    return await slot(feed.entries(services, client_id, limit=NEWEST), deadline=deadline)
