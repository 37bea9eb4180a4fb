"""What staff see and enter about people."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.portal.answers import ProjectCard
from services.portal.clients import Services
from services.portal.edits import Edit
from services.portal.forms import Form
from services.portal.people.answers import Person, Policies
from shared.actor import Actor
from shared.pagination import Page as Listing

ROLES = {"approver": "Approver", "viewer": "Viewer", "feedback_only": "Feedback only"}
"""What a client's person can be in a project (seed 004)."""
LANGUAGES = {"en": "English", "de": "Deutsch"}
DETAILS = ("first_name", "last_name", "title", "phone", "language")
MOST_PAGES = 5


class Detail(msgspec.Struct, frozen=True):
    """One person, and what can be decided about them. `beyond` names the policies they hold and the reader does not."""

    person: Person
    policies: Policies
    projects: list[ProjectCard]
    beyond: list[str]


async def listed(services: Services, kind: str, q: str, cursor: str) -> Listing[Person]:
    """People of one kind by name."""
    query = {"kind": kind, "q": q, "cursor": cursor, "limit": 50}
    return (await services.identity.send("GET", "people", Listing[Person], query=query)).body


async def policies(services: Services) -> Policies:
    return await services.identity.get("policies", Policies)


async def person(services: Services, person_id: UUID) -> Person:
    return await services.identity.get(f"people/{person_id}", Person)


async def detail(services: Services, actor: Actor, person_id: UUID) -> Detail:
    """The person with everything their page decides. Raises `ServiceProblem` when there is no such person."""
    found = await person(services, person_id)
    known = await policies(services)
    beyond = [policy.name for policy in known.policies if policy.key in set(found.policies) - actor.policies]
    return Detail(found, known, await projects(services, found.client_id), beyond)


async def projects(services: Services, client_id: UUID | None) -> list[ProjectCard]:
    """The projects one can have a role in or be assigned to: a client's, or all of them; by client and name."""
    found: list[ProjectCard] = []
    cursor: str | None = ""
    for _ in range(MOST_PAGES):
        page = await services.projects.get(
            "projects", Listing[ProjectCard], client_id=client_id, limit=100, cursor=cursor
        )
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    return sorted(found, key=lambda each: ((each.client_name or "").lower(), each.name.lower(), each.id))


def details(found: Person) -> Edit:
    """The form with somebody's details as they are stored."""
    return Edit({name: getattr(found, name) for name in DETAILS})


def rights(found: Person) -> Form:
    """The form with what somebody may do, as it is stored."""
    ticked: dict[str, object] = {f"policy-{each}": "on" for each in found.policies}
    ticked |= {f"project-{each}": "on" for each in found.assigned_projects}
    ticked |= {f"role-{project}": role for project, role in found.project_roles.items()}
    return Form(ticked | {"limited": "on" if found.limited else ""})


def ticked(data: Mapping[str, str], kind: str) -> list[str]:
    """The names behind `kind-` of the boxes that are ticked."""
    return [name.removeprefix(f"{kind}-") for name, value in data.items() if name.startswith(f"{kind}-") and value]


def roles(data: Mapping[str, str]) -> dict[str, str]:
    """The roles chosen by project; none is left out."""
    return {project: data[f"role-{project}"] for project in ticked(data, "role")}
