"""One's own account, whether one manages it from where one is, and how one may sign in (decision 0097)."""

from collections.abc import Sequence
from typing import NamedTuple, get_args
from uuid import UUID

from services.identity.clients.models import SignInMethod
from services.identity.invitations.models import STAFF_METHODS
from services.identity.people.models import AccountElsewhere, Person
from services.identity.sessions.queries import Account, Visitor
from services.identity.sessions.rules import Method, refusal
from shared.errors import Conflict
from shared.language import gettext as _


class PasskeysNotAccepted(Conflict):
    code = "passkey.not_accepted"

    def __init__(self) -> None:
        super().__init__(_("Your organisation does not accept passkeys, so one would not sign you in."))


class Own(NamedTuple):
    """Who is signed in as `here` proved to be the account `person`; `doors` are the account and its memberships.

    `managed`: they change its credentials from here. Those are changed at home, and elsewhere only while home is closed
    to them: nobody else's decision leaves an account without its owner, and none is made past an open home's rules.
    """

    here: Person
    person: Person
    doors: Sequence[Visitor]
    managed: bool

    @property
    def client_id(self) -> UUID | None:
        """The client at which they are, whose rules count and whose log has the event."""
        return self.here.client_id

    @property
    def account(self) -> Account:
        return Account(self.person.id, self.person.client_id)

    def require_managed(self) -> "Own":
        """Raises `AccountElsewhere`."""
        if not self.managed:
            raise AccountElsewhere
        return self

    def admits(self, method: Method) -> bool:
        """Whether they may sign in by this method at one of their clients, leaving networks aside."""
        if self.here.kind == "staff":
            return method in STAFF_METHODS
        return any(refusal(*door, method, None) is None for door in self.doors)

    @property
    def admitted(self) -> list[SignInMethod]:
        return [method for method in get_args(SignInMethod) if self.admits(method)]

    def require_passkeys(self) -> None:
        """Raises `PasskeysNotAccepted`: nobody makes a key that opens nothing."""
        if not self.admits("passkey"):
            raise PasskeysNotAccepted


def is_managed_from(here: Person, home: Visitor) -> bool:
    """Whether who proved to be the account at `home` changes its credentials as `here`: there, or while it is closed to
    them, because the client is, or because they have no access there.
    """
    return here.id == home[0].id or refusal(*home, "magic_link", None) == "closed"
