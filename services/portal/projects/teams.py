"""The teams of projects with their staff as they are called and reached today, which identity knows (decision 0105)."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

import msgspec

from services.portal.answers import Member, ProjectCard
from services.portal.services import Services, slot

T = TypeVar("T", bound=ProjectCard)


class StaffInTeam(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the staff in a project's team (`GET project-teams`)."""

    project_id: UUID
    person_id: UUID
    name: str
    email: str | None = None
    phone: str | None = None
    active: bool = True


class StaffInTeams(msgspec.Struct, frozen=True):
    items: list[StaffInTeam]


async def as_today(services: Services, projects: Sequence[T]) -> list[T]:
    """The same projects with the staff in their teams as they are today.

    While identity does not answer, and in the moment before it has heard of a new member, the project's own copy of the
    name stands there, without address and number.
    """
    ids = [project.id for project in projects if any(member.person_id for member in project.team)]
    found = (await slot(services.identity.get("project-teams", StaffInTeams, id=ids))).value if ids else None
    known = {(each.project_id, each.person_id): each for each in found.items} if found else {}

    def today(project_id: UUID, member: Member) -> Member:
        staff = member.person_id and known.get((project_id, member.person_id))
        if not staff:
            return member
        shown = {"name": staff.name, "email": staff.email, "phone": staff.phone, "active": staff.active}
        return msgspec.structs.replace(member, **shown)

    return [
        msgspec.structs.replace(project, team=[today(project.id, member) for member in project.team])
        for project in projects
    ]


async def one_as_today(services: Services, project: T) -> T:
    """The same for a single project."""
    return (await as_today(services, [project]))[0]
