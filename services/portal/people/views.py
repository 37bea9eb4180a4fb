"""What staff see and enter about people."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from services.portal import choices
from services.portal.answers import ProjectCard
from services.portal.choices import Choice
from services.portal.edits import Edit, Stored
from services.portal.forms import FIND, Form
from services.portal.people.answers import Person, Policies
from services.portal.profile.answers import Pictures
from services.portal.services import Services, slot
from shared.actor import Actor
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing
from shared.texts import isolated

ROLES = {"approver": marked("Approver"), "viewer": marked("Viewer"), "feedback_only": marked("Feedback only")}
"""What a client's person can be in a project."""
DETAILS = ("first_name", "last_name", "title", "phone", "language")
COLUMNS = ("name", "client_name", "active", "-last_sign_in_at")
"""What the table is sorted by."""
POLICY, PROJECT, ROLE = "policy", "project", "role"
"""Begin the names of the inputs of each set of rights."""


class Detail(msgspec.Struct, frozen=True):
    """One person, and what can be decided about them. `beyond` names the policies they hold and the reader does not."""

    person: Person
    policies: Policies
    choice: Choice[ProjectCard]
    beyond: list[str]
    has_picture: bool

    @property
    def projects(self) -> list[ProjectCard]:
        return self.choice.items


class Rights(msgspec.Struct, frozen=True):
    """The forms of a person's rights, of which at most one was sent."""

    policies: Edit | None = None
    assignments: Edit | None = None
    roles: Edit | None = None

    @property
    def sent(self) -> Edit | None:
        return self.policies or self.assignments or self.roles

    def stored(self, found: Detail) -> Stored:
        """What is stored now of the rights whose form was sent."""
        if self.policies:
            return policies_of(found)
        return assignments_of(found) if self.assignments else roles_of(found)


async def listed(services: Services, kind: str, q: str, sort: str, cursor: str) -> Listing[Person]:
    """People of one kind."""
    query = {"kind": kind, "q": q, "sort": sort, "cursor": cursor, "limit": 50}
    return (await services.identity.send("GET", "people", Listing[Person], query=query)).body


async def policies(services: Services) -> Policies:
    return await services.identity.get("policies", Policies)


async def person(services: Services, person_id: UUID) -> Person:
    return await services.identity.get(f"people/{person_id}", Person)


async def detail(services: Services, actor: Actor, person_id: UUID, form: Form | None = None) -> Detail:
    """The person with everything their page decides; `form` is the one of their rights that was sent. Raises
    `ServiceProblem` when there is no such person.
    """
    found = await person(services, person_id)
    known = await policies(services)
    pictures = await slot(services.identity.get("people/pictures", Pictures, id=[person_id]))
    beyond = [policy.name for policy in known.policies if policy.key in set(found.policies) - actor.policies]
    field, held = (PROJECT, found.assigned_projects) if found.is_staff else (ROLE, found.roles)
    form = form or Form()
    chosen = {*held, *form.members(field)}
    choice = await choices.projects(services, found.client_id, field, form.values[FIND + field], chosen)
    return Detail(found, known, choice, beyond, bool(pictures.value and pictures.value.items))


async def roles_choice(
    services: Services, client_id: UUID, form: Form, held: Iterable[UUID] = ()
) -> Choice[ProjectCard]:
    """A client's projects to give somebody a role in: those `held` already, those chosen on the form, and those that
    are looked for.
    """
    chosen = {*held, *form.members(ROLE)}
    return await choices.projects(services, client_id, ROLE, form.values[FIND + ROLE], chosen)


def details(found: Person) -> Edit:
    """The form with somebody's details as they are stored."""
    return Edit({name: getattr(found, name) for name in DETAILS})


def policies_of(found: Detail) -> Stored:
    """The policies of a member of staff, as the inputs of their form."""
    held = found.person.policies
    names = [policy.name for policy in found.policies.policies if policy.key in held]
    ticks = {f"{POLICY}-{each}": "on" for each in held}
    return Stored(
        {**ticks, "version": found.person.version}, {POLICY: (_("Permissions"), ", ".join(names) or _("None"))}
    )


def assignments_of(found: Detail) -> Stored:
    """What a member of staff is limited to, as far as the page shows it."""
    held = [project for project in found.projects if project.id in found.person.assigned_projects]
    limited = "on" if found.person.limited else ""
    ticks = {f"{PROJECT}-{project.id}": "on" for project in held}
    words = {
        "limited": (_("Sees"), _("Only some projects") if limited else _("Everything")),
        PROJECT: (_("Projects"), ", ".join(project.name for project in held) or _("None")),
    }
    return Stored({**ticks, "limited": limited, "version": found.person.version}, words)


def roles_of(found: Detail) -> Stored:
    """What a client's person is in which project, as far as the page shows it."""
    held = found.person.roles
    return roles_stored([project for project in found.projects if project.id in held], held, found.person.version)


def roles_stored(projects: list[ProjectCard], held: Mapping[UUID, str], version: int) -> Stored:
    """Roles in these projects, as the inputs of a form."""
    inputs: dict[str, object] = {f"{ROLE}-{project.id}": held[project.id] for project in projects}
    said = ", ".join(f"{isolated(project.name)}: {_(ROLES[held[project.id]])}" for project in projects)
    return Stored({**inputs, "version": version}, {ROLE: (_("Project roles"), said or _("None"))})


def added_and_removed(form: Edit, field: str) -> dict[str, list[str]]:
    """What was ticked and what was cleared among the members of a set, as identity wants it."""
    changes = form.changed_members(field)
    return {
        "add": [each for each, value in changes.items() if value],
        "remove": [each for each, value in changes.items() if not value],
    }


def changed_roles(form: Edit) -> dict[str, str | None]:
    """The roles that were changed, by project; None removes a role."""
    return {project: role or None for project, role in form.changed_members(ROLE).items()}


def roles(data: Mapping[str, str]) -> dict[str, str]:
    """The roles chosen by project; none is left out."""
    begin = f"{ROLE}-"
    return {name.removeprefix(begin): value for name, value in data.items() if name.startswith(begin) and value}
