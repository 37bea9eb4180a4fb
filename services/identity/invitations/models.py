"""An invitation: a link by which somebody signs in for the first time, or again after they lost access."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from services.identity.project_roles.models import Ahead
from services.identity.single_use import single_use
from shared.errors import Conflict, Invalid, Unauthorized
from shared.language import gettext as _

INVITATION = single_use("invitation")
REGISTRATION = single_use("registration")
"""Asked for by somebody with an address of a client's own domain; from there on it is an invitation like any other."""
GIVEN_UP = "given_up"
"""Why an invitation is void before its time: who signs in with the address changed it for another one."""
STAFF_METHODS = ("magic_link", "password", "passkey")
Status = Literal["none", "waiting", "sent", "failed", "accepted", "expired"]


class InvitationState(msgspec.Struct, frozen=True):
    """What became of the last invitation of a person. `failure` says why a mail did not go out (`mails.models`), or
    that it expired before its time, `expires_at`, because its address was given up (`GIVEN_UP`).
    """

    status: Status = "none"
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    failure: str = ""


class CompanyContact(msgspec.Struct, frozen=True):
    """Somebody of the company whom a client's people can write to."""

    name: str
    email: str


class Contacts(msgspec.Struct, frozen=True):
    """`company` is None where nobody of today's staff has invited anybody of the client."""

    company: CompanyContact | None = None


class PasswordNotUsed(Invalid):
    code = "auth.password_not_used"

    def __init__(self) -> None:
        super().__init__(_("Nobody signs in with a password here. Leave it out."), field="password")


class PasswordNeeded(Invalid):
    """Whoever accepted without one could not sign in again: the invitation works once."""

    code = "auth.password_needed"

    def __init__(self) -> None:
        super().__init__(_("Choose a password: you sign in with it from now on."), field="password")


class InvitationTaken(Unauthorized):
    """The link was good and has been accepted: told to who holds it and to nobody else. Its person signs in."""

    code = "auth.invitation_accepted"

    def __init__(self) -> None:
        super().__init__(_("This invitation was accepted already. Sign in."))


class SignInFirst(Conflict):
    code = "organisation.sign_in_first"

    def __init__(self) -> None:
        super().__init__(_("You sign in with this address already. Sign in, and join with that."))


class InvitationView(msgspec.Struct, frozen=True):
    """What somebody who holds the link sees before accepting. `client_name` is None for staff. `joins_account`: they
    sign in with this address already, and join with that (`auth/organisations/join`). `password_needed`: it is the only
    method here, and they have none. `ahead` is None where the link alone opens nothing (`joins_account`) and where they
    were not invited to anything: nobody reads there what they could not open with the link.
    """

    email: str
    first_name: str
    last_name: str
    client_name: str | None
    company_name: str
    sign_in_methods: Sequence[str]
    expires_at: datetime
    joins_account: bool = False
    password_needed: bool = False
    invited_by: str = ""
    ahead: Ahead | None = None
