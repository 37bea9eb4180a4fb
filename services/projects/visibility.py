"""What of the projects is kept from clients: whole items while they are private, and single fields of a project.

Only the company's own side looks behind it: staff, and partner systems that are bound to no client. For everybody who
acts within one client, a private thing does not exist, and a hidden field is left out of the answer.
"""

from collections.abc import Collection
from typing import Literal, TypeVar

import msgspec

from shared.actor import Actor
from shared.errors import Conflict, Forbidden

HiddenField = Literal[
    "description",
    "scope",
    "starts_on",
    "ends_on",
    "completion",
    "phase",
    "team",
    "contact_details",
    "milestone_description",
    "milestone_starts_on",
    "milestone_depends_on",
]
"""What a project can keep from its client. `completion` are all figures of progress, `phase` also stands in milestones,
`contact_details` are the address and number of the team.
"""


class CompanyDecides(Forbidden):
    code = "project.company_decides"

    def __init__(self) -> None:
        super().__init__("What the client sees is decided by the company, not from within the client.")


class AlreadyShared(Conflict):
    code = "project.already_shared"

    def __init__(self) -> None:
        super().__init__("The client sees this already.")


class AlreadyPrivate(Conflict):
    code = "project.already_private"

    def __init__(self) -> None:
        super().__init__("This is kept from the client already.")


def looks_behind(actor: Actor) -> bool:
    """Whether private things and hidden fields are open to the actor. Viewing as a client is a client's look."""
    return actor.sees_all_clients


def require_company(actor: Actor) -> None:
    """Raises `CompanyDecides` for who acts within one client: what they hid they could not see themselves."""
    if not looks_behind(actor):
        raise CompanyDecides


def _empty(field: str) -> object:
    """What stands where a field is hidden: the same as where nothing was filled in, so that nobody can tell."""
    match field:
        case "description" | "scope":
            return ""
        case "team" | "depends_on":
            return []
        case _:
            return None


V = TypeVar("V", bound=msgspec.Struct)


def emptied(view: V, fields: Collection[str]) -> V:
    """The answer with these fields empty."""
    return msgspec.structs.replace(view, **{name: _empty(name) for name in fields}) if fields else view
