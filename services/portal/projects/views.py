"""What the pages about projects show: lists by filter, and one project with its plan and its people."""

from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.portal.activity import views as feed
from services.portal.answers import Entry, ProjectCard, ProjectDetail
from services.portal.projects.audience import Audience, audience
from services.portal.projects.teams import as_today, one_as_today
from services.portal.services import WIDGET_DEADLINE, Services, Slot, slot
from shared.actor import Actor
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing

NEWEST = 20


class Hideable(NamedTuple):
    """What a project can keep from its client: what it is called alone, inside a sentence, and on the form."""

    alone: str
    inside: str
    asked: str


HIDEABLE = {
    "description": Hideable(marked("Summary"), marked("summary"), marked("Hide summary")),
    "scope": Hideable(marked("Scope"), marked("scope"), marked("Hide scope")),
    "starts_on": Hideable(marked("Start"), marked("start"), marked("Hide start")),
    "ends_on": Hideable(marked("Planned end"), marked("planned end"), marked("Hide planned end")),
    "completion": Hideable(marked("Progress"), marked("progress"), marked("Hide progress")),
    "phase": Hideable(marked("Phases"), marked("phases"), marked("Hide phases")),
    "team": Hideable(marked("Team"), marked("team"), marked("Hide team")),
    "contact_details": Hideable(
        marked("E-mail and phone of the team"),
        marked("e-mail and phone of the team"),
        marked("Hide e-mail and phone of the team"),
    ),
    "milestone_description": Hideable(
        marked("Descriptions of milestones"),
        marked("descriptions of milestones"),
        marked("Hide descriptions of milestones"),
    ),
    "milestone_starts_on": Hideable(
        marked("Start of milestones"), marked("start of milestones"), marked("Hide start of milestones")
    ),
    "milestone_depends_on": Hideable(
        marked("What milestones depend on"),
        marked("what milestones depend on"),
        marked("Hide what milestones depend on"),
    ),
}
SORTS = {
    "": marked("Newest first"),
    "-status": marked("Most urgent first"),
    "ends_on": marked("Earliest planned end first"),
    "name": marked("By name"),
    "client_name": marked("By client"),
}
"""The orders of the list, as the service calls them, in words."""


def hideable(field: str) -> Hideable:
    """What is kept from the client, in words; a field that is not known here by its own name."""
    return HIDEABLE.get(field, Hideable(field, field, field))


class Filter(msgspec.Struct, frozen=True):
    """What the reader asked to see; empty means everything."""

    q: str = ""
    status: str = ""
    sort: str = ""
    cursor: str = ""


class Project(msgspec.Struct, frozen=True):
    """One project with what its page tells."""

    detail: ProjectDetail
    audience: Audience | None = None
    """Who at the client can see it, where staff read that and it is shared."""

    @property
    def hidden(self) -> list[str]:
        """What of it the client does not see, as a sentence names it; staff only know."""
        return [_(hideable(field).inside) for field in self.detail.hidden_fields]

    @property
    def milestone_names(self) -> dict[UUID, str]:
        return {milestone.id: milestone.name for milestone in self.detail.milestones}


async def listed(services: Services, client_id: UUID | None, wanted: Filter) -> Listing[ProjectCard]:
    query = msgspec.structs.asdict(wanted)
    found = await services.projects.get("projects", Listing[ProjectCard], client_id=client_id, **query)
    return Listing(await as_today(services, found.items), found.next_cursor)


async def project(services: Services, project_id: UUID) -> Project:
    """The project; raises `ServiceProblem` when it does not exist or is somebody else's."""
    return Project(await detail_of(services, project_id))


async def seen(services: Services, actor: Actor, project_id: UUID) -> Project:
    """The project as its own page shows it: staff read there who at the client can see it."""
    found = await project(services, project_id)
    if not actor.is_staff or found.detail.private:
        return found
    return replace(found, audience=await audience(services, found.detail.client_id, project_id))


async def detail_of(services: Services, project_id: UUID) -> ProjectDetail:
    """What the service tells of it; raises as `project` does."""
    return await one_as_today(services, await services.projects.get(f"projects/{project_id}", ProjectDetail))


async def nothing() -> None:
    """In the place of a widget whose module is closed."""


async def activity(
    services: Services, project_id: UUID, deadline: float | None = WIDGET_DEADLINE
) -> Slot[Listing[Entry]]:
    """What happened in this project, newest first."""
    return await slot(feed.entries(services, project_id=project_id, limit=NEWEST), deadline=deadline)
