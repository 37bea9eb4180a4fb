"""Who at the client sees a project, and to whom it can be shown."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.portal.clients.answers import ClientAccess
from services.portal.ids import read_id
from services.portal.people.answers import Person
from services.portal.services import ServiceProblem, Services, slot
from shared.language import gettext as _
from shared.language import marked
from shared.pagination import Page as Listing
from shared.texts import isolated

PERSON, VERSION = "person", "version"
"""Begin the names of the inputs with a role for one person, and with the version of theirs that the form showed."""
SEEING = ("approver", "viewer")
"""The roles that show a project."""
MOST = 100
STALE = marked(
    "Somebody changed who has access in the meantime. Nothing was saved: look at what is there now, and send it again."
)


class Audience(msgspec.Struct, frozen=True):
    """The client's people who have access to the portal: who sees the project, now or when they accept their
    invitation, as far as it depends on them, and who does not. `is_known` is whether they could be asked for, and
    `more` whether there are others beside the first hundred of either.
    """

    project_id: UUID
    seeing: list[Person]
    unseeing: list[Person]
    more: bool
    client: ClientAccess | None = None
    is_known: bool = True

    @property
    def people(self) -> list[Person]:
        return [*self.seeing, *self.unseeing]

    @property
    def closed(self) -> str:
        """What keeps everybody at the client from the project, whoever has a role: a key, or "" for nothing."""
        if self.client is None:
            return ""
        if not self.client.active:
            return "inactive"
        if not self.client.portal_enabled:
            return "portal"
        return "module" if "projects" in self.client.closed_modules else ""

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a role that would show the project."""
        return self.is_known and not self.seeing


async def audience(services: Services, client_id: UUID, project_id: UUID) -> Audience:
    """Who of the client could see the project."""
    asked = {"client_id": client_id, "project_id": project_id, "limit": MOST}
    seeing, unseeing, client = await asyncio.gather(
        slot(services.identity.get("people", Listing[Person], **asked)),
        slot(services.identity.get("people", Listing[Person], **asked, sees="false")),
        slot(services.identity.get(f"clients/{client_id}", ClientAccess)),
    )
    if seeing.value is None or unseeing.value is None or client.value is None:
        return Audience(project_id, [], [], more=False, is_known=False)
    more = bool(seeing.value.next_cursor or unseeing.value.next_cursor)
    return Audience(project_id, seeing.value.items, unseeing.value.items, more, client.value)


async def give_roles(services: Services, shown: Audience, data: Mapping[str, str]) -> list[str]:
    """Give the people of a form the roles that were chosen for them in this project; the names of those who got one.

    Only what differs is sent, at the version of each person that the form showed. Before anything is sent all of it is
    compared. Raises `ServiceProblem`, 412 where somebody was changed meanwhile or is no longer there.
    """
    people = {each.id: each for each in shown.people}
    begin = f"{PERSON}-"
    changes: list[tuple[Person, str, str]] = []
    for name, role in data.items():
        if not (name.startswith(begin) and role):
            continue
        key = name.removeprefix(begin)
        person, version = people.get(read_id(key) or shown.project_id), data.get(f"{VERSION}-{key}", "")
        if person is None or str(person.version) != version:
            raise ServiceProblem(412, "stale", _(STALE))
        if role != person.roles.get(shown.project_id):
            changes.append((person, role, f'"{version}"'))
    given: list[str] = []
    for person, role, etag in changes:
        body = {"roles": {str(shown.project_id): role}}
        try:
            await services.identity.patch(f"people/{person.id}/project-roles", Person, body, etag=etag)
        except ServiceProblem as problem:
            if given:
                told = _("{names}: access given.", names=", ".join(given))
                problem.detail = f"{told} {isolated(person.name)}: {problem.detail}"
            raise
        given.append(isolated(person.name))
    return given
