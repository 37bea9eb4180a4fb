"""Rules for what a client's primary contact can change about the client's own people."""

from collections.abc import Mapping
from uuid import UUID

from services.identity.people.models import Person
from shared.actor import Actor
from shared.errors import Forbidden, TooMany
from shared.language import gettext as _

RANK = {None: 0, "feedback_only": 1, "viewer": 2, "approver": 3}
"""Project roles by how much they allow."""


class NotPrimaryContact(Forbidden):
    code = "team.not_primary_contact"

    def __init__(self) -> None:
        super().__init__(_("Your primary contact manages the team. Ask them to add somebody or change a role."))


class TeamClosed(Forbidden):
    code = "team.closed"

    def __init__(self) -> None:
        super().__init__(_("The company manages your team. Ask your contact there to change it."))


class NotYours(Forbidden):
    code = "team.not_yours"

    def __init__(self) -> None:
        super().__init__(_("You cannot change yourself or another primary contact here. Ask us to."))


class RoleAboveOwn(Forbidden):
    code = "team.role_above_own"

    def __init__(self) -> None:
        super().__init__(_("In that project, this is a role above your own: you can neither give nor take it."))


class TooManyInvitations(TooMany):
    code = "team.too_many_invitations"

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(
            _(
                "Your organisation can invite {limit} people from outside a day, and has. Go on later, or ask us.",
                limit=limit,
            ),
            retry_after=retry_after,
        )


def require_manageable(actor: Actor, person: Person) -> None:
    """A colleague, but not oneself and no primary contact. Raises `NotYours`."""
    if person.id == actor.id or person.is_primary_contact:
        raise NotYours


def require_within_own(actor: Actor, before: Mapping[UUID, str], after: Mapping[UUID, str]) -> None:
    """Nobody gives or takes a role above their own in the same project. Raises `RoleAboveOwn`."""
    for project in before.keys() | after.keys():
        was, will = before.get(project), after.get(project)
        if was != will and max(RANK[was], RANK[will]) > RANK[actor.role_in(project)]:
            raise RoleAboveOwn
