"""A client's own people, as their primary contact sees and changes them."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal import choices
from services.portal.answers import ProjectCard
from services.portal.edits import Stored
from services.portal.forms import FIND, Form
from services.portal.people.views import ROLE, roles_stored
from services.portal.services import ServiceProblem, Services
from shared.actor import Actor
from shared.language import gettext as _
from shared.language import marked

RANK = {None: 0, "feedback_only": 1, "viewer": 2, "approver": 3}
ROLES = {
    "approver": (
        marked("Approver"),
        marked("Sees what is shared of the project. A primary contact with this role can give it to others."),
    ),
    "viewer": (marked("Viewer"), marked("Sees what is shared of the project.")),
    "feedback_only": (marked("Feedback only"), marked("Can sign in and sees nothing of the project.")),
}
"""The project roles in words."""
MOST = 50
COLUMNS = ("name", "-last_sign_in_at")
"""What the table is sorted by."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One of the team (`GET team`)."""

    id: UUID
    name: str
    first_name: str
    last_name: str = ""
    email: str | None = None
    title: str = ""
    active: bool = True
    portal_access: bool = True
    is_primary_contact: bool = False
    project_roles: dict[UUID, str] = {}
    offered_roles: dict[UUID, str] = {}
    last_sign_in_at: datetime | None = None
    has_account: bool = False
    invitation: str = "none"
    version: int = 0

    @property
    def roles(self) -> dict[UUID, str]:
        """What they are in which project, or become when they accept their invitation."""
        return self.project_roles | self.offered_roles

    @property
    def is_awaited(self) -> bool:
        """Whether they have access and were never in: whatever they are counts from when they accept."""
        return self.portal_access and not self.has_account


class Team(msgspec.Struct, frozen=True):
    """A page of the client's people; `open` is whether the reader may change anything."""

    items: list[Member]
    open: bool = True
    next_cursor: str | None = None


class Line(msgspec.Struct, frozen=True):
    """A project, and the roles that may be given in it. Not `free`: the role there is above the reader's own."""

    project: ProjectCard
    roles: dict[str, str]
    free: bool
    held: str | None


class Roles(msgspec.Struct, frozen=True):
    """The projects on a form, and what may be given in each."""

    found: choices.Choice[ProjectCard]
    lines: list[Line]


async def team(services: Services, **wanted: object) -> Team:
    return await services.identity.get("team", Team, **wanted)


async def team_with_projects(services: Services, actor: Actor, **wanted: object) -> tuple[Team, list[ProjectCard]]:
    """The team, and the projects to name their roles by; none where the company shows the client no projects."""
    found = await team(services, limit=MOST, **wanted)
    named = {project for member in found.items for project in member.roles}
    return found, await choices.named(services, named) if "projects" not in actor.closed else []


async def member(services: Services, actor: Actor, person_id: UUID) -> Member:
    """One of the team whom the reader may change. Raises `ServiceProblem` (404)."""
    found = await team(services, id=person_id)
    one = next(iter(found.items), None)
    if one is None or one.is_primary_contact or one.id == actor.reader.id or not found.open:
        raise ServiceProblem(404, "not_found", _("There is nothing here."))
    return one


async def roles(services: Services, actor: Actor, held: dict[UUID, str], form: Form) -> Roles:
    """What may be given in each project: roles up to the reader's own. None where the company shows the client none."""
    if "projects" in actor.closed:
        return Roles(choices.Choice(ROLE, "", [], more=False), [])
    chosen = {*held, *form.members(ROLE)}
    found = await choices.projects(services, actor.client_id, ROLE, form.values[FIND + ROLE], chosen)
    return Roles(found, [_line(card, RANK[actor.role_in(card.id)], held.get(card.id)) for card in found.items])


def _line(card: ProjectCard, own: int, held: str | None) -> Line:
    return Line(card, {role: words[0] for role, words in ROLES.items() if RANK[role] <= own}, RANK[held] <= own, held)


def stored(found: Member, lines: list[Line]) -> Stored:
    """What a colleague is in the projects where the reader may change it."""
    shown = [each.project for each in lines if each.free and each.project.id in found.roles]
    return roles_stored(shown, found.roles, found.version)
