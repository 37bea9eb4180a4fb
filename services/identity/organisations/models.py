"""What keeps somebody from going from one of their organisations to another."""

from typing import Literal

from services.identity.clients.models import Client
from services.identity.people.models import Person
from services.identity.sessions.models import Session
from services.identity.sessions.rules import Method, refusal
from shared.errors import Conflict, Forbidden
from shared.language import gettext as _

Obstacle = Literal["", "closed", "method", "second_factor", "network"]
"""Why one cannot go there now; '' where one can."""


class HereAlready(Conflict):
    code = "organisation.here_already"

    def __init__(self) -> None:
        super().__init__(_("This is the organisation you are in."))


class OrganisationClosed(Conflict):
    code = "organisation.closed"

    def __init__(self) -> None:
        super().__init__(_("This organisation's portal is closed at the moment."))


class SignInAgain(Conflict):
    """Signed in, but not in a way that this organisation takes."""

    code = "organisation.sign_in_again"

    def __init__(self, obstacle: Obstacle) -> None:
        if obstacle == "second_factor":
            way = _("This organisation asks for a second factor. Set one up, sign out, and sign in with it.")
        else:
            way = _("This organisation wants another way of signing in. Sign out, and use it.")
        super().__init__(way)


class WrongNetwork(Forbidden):
    code = "organisation.network"

    def __init__(self) -> None:
        super().__init__(_("This organisation is open from certain networks only, and this is none of them."))


class SomebodyElse(Conflict):
    """The invitation is for another address than the one signed in."""

    code = "organisation.somebody_else"

    def __init__(self) -> None:
        super().__init__(_("This invitation is for somebody else. Sign in with the address it was sent to."))


class ForClientPeople(Forbidden):
    code = "organisation.for_client_people"

    def __init__(self) -> None:
        super().__init__(_("Organisations are for the people of clients."))


REFUSALS = {"closed": OrganisationClosed, "network": WrongNetwork}


def obstacle(session: Session, person: Person, client: Client | None, ip: str) -> Obstacle:
    """What keeps the owner of `session` from being `person` in it. It was opened for another client's door, so it must
    have been opened in a way that this one's would take: no provider and no invitation of another client's counts.
    """
    method: Method = "magic_link" if session.method == "invitation" else session.method  # pyright: ignore[reportAssignmentType]
    if session.method == "sso":
        return "method"
    if reason := refusal(person, client, method, ip):
        return reason
    needs_factor = client is not None and client.second_factor == "required"
    return "second_factor" if needs_factor and not session.second_factor else ""


def require_open_way(found: Obstacle) -> None:
    """Raises `OrganisationClosed`, `WrongNetwork`, and `SignInAgain` for a method that is not accepted there."""
    if found in REFUSALS:
        raise REFUSALS[found]
    if found:
        raise SignInAgain(found)
