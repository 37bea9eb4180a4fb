"""What of the projects is kept from clients: whole items while they are private, and single fields of a project.

Only the company's own side looks behind it: staff, and partner systems that are bound to no client. For everybody who
acts within one client, a private thing does not exist, and a hidden field is empty in every answer.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar, Literal, TypeVar

import msgspec

from shared.actor import Actor
from shared.errors import Conflict, Forbidden
from shared.language import gettext as _

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
"""What a project can keep from its client. `completion` is how far it is: all figures of progress, and which milestones
are completed when; `phase` also stands in milestones, `contact_details` are the address and number of the team.
"""


class CompanyDecides(Forbidden):
    code = "project.company_decides"

    def __init__(self) -> None:
        super().__init__(_("What the client sees is decided by the company, not from within the client."))


class DependsOnHidden(Forbidden):
    code = "project.depends_on_hidden"

    def __init__(self) -> None:
        super().__init__(
            _("This depends on something that the project keeps from its client. Only the company changes it.")
        )


class AlreadyShared(Conflict):
    code = "project.already_shared"

    def __init__(self) -> None:
        super().__init__(_("The client sees this already."))


class AlreadyPrivate(Conflict):
    code = "project.already_private"

    def __init__(self) -> None:
        super().__init__(_("This is kept from the client already."))


def looks_behind(actor: Actor) -> bool:
    """Whether private things and hidden fields are open to the actor. Viewing as a client is a client's look."""
    return actor.sees_all_clients


def require_company(actor: Actor) -> None:
    """Raises `CompanyDecides` for who acts within one client: what they hid they could not see themselves."""
    if not looks_behind(actor):
        raise CompanyDecides


def require_seen(actor: Actor, hidden_fields: Collection[str], judged_by: Iterable[str]) -> None:
    """Raises `DependsOnHidden` where the answer would be judged by what is hidden from the actor, whatever it is.

    A refusal, or an answer that nothing changed, would else tell what it was compared with (docs/decisions/0086).
    """
    if not looks_behind(actor) and not set(judged_by).isdisjoint(hidden_fields):
        raise DependsOnHidden


class Hideable(msgspec.Struct, frozen=True):
    """An answer, or a part of one, that holds what a project can keep from its client."""

    hidden_by: ClassVar[Mapping[str, str]] = {}
    """Which hidden field empties which field of this answer."""


V = TypeVar("V", bound=Hideable)


def seen_by(actor: Actor, view: V, hidden_fields: Collection[str]) -> V:
    """The answer as the actor sees it, of a project that hides these fields now."""
    if looks_behind(actor) or not hidden_fields:
        return view
    emptied = {
        name: _empty(name)
        for name, hidden in view.hidden_by.items()
        if hidden in hidden_fields and name in view.__struct_fields__
    }
    return msgspec.structs.replace(view, **emptied) if emptied else view


def _empty(field: str) -> object:
    """What stands where a field is hidden: the same as where nothing was filled in, so that nobody can tell."""
    match field:
        case "description" | "scope":
            return ""
        case "team" | "depends_on":
            return []
        case _:
            return None
