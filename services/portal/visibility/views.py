"""Who at the client sees a project, and to whom it can be shown."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.portal.clients import Services, Slot, slot
from services.portal.people.answers import Person
from shared.pagination import Page as Listing

PERSON = "person"
"""Begins the names of the inputs with a role for one person."""
SEEING = ("approver", "viewer")
"""The roles that show a project."""
MOST = 100


class Audience(msgspec.Struct, frozen=True):
    """The client's people who have access to the portal; `is_known` is whether they could be asked for, and `more`
    whether there are others beside the first hundred.
    """

    project_id: UUID
    people: list[Person]
    more: bool
    is_known: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nobody would see the project. A client with many people has somebody for every project."""
        seen = any(each.is_primary_contact or each.roles.get(self.project_id) in SEEING for each in self.people)
        return self.is_known and not (self.more or seen)

    @property
    def without_role(self) -> list[Person]:
        """Who could be given one here."""
        return [each for each in self.people if self.project_id not in each.roles]


async def audience(services: Services, client_id: UUID, project_id: UUID) -> Audience:
    """Who of the client could see the project."""
    found: Slot[Listing[Person]] = await slot(
        services.identity.get("people", Listing[Person], client_id=client_id, limit=MOST)
    )
    if found.value is None:
        return Audience(project_id, [], more=False, is_known=False)
    comers = [each for each in found.value.items if each.active and each.portal_access]
    return Audience(project_id, comers, more=found.value.next_cursor is not None)


async def give_roles(services: Services, project_id: UUID, data: Mapping[str, str]) -> int:
    """Give the people of a form the role that was chosen for each in this project; how many got one."""
    begin = f"{PERSON}-"
    chosen = {name.removeprefix(begin): role for name, role in data.items() if name.startswith(begin) and role}
    for person, role in chosen.items():
        body = {"roles": {str(project_id): role}}
        await services.identity.patch(f"people/{UUID(person)}/project-roles", Person, body)
    return len(chosen)
