"""What identity answers to somebody who has not signed in yet."""

import msgspec

from services.portal.answers import Me


class SignInLink(msgspec.Struct, frozen=True):
    """A mailed link that can be used, and whether in this browser, and whom it signs in
    (`POST auth/magic-link/look`).
    """

    here: bool
    email: str = ""


class SingleSignOnDomain(msgspec.Struct, frozen=True):
    """Whether an address is of a domain with an organisation's own sign-in (`POST auth/sso/domain`)."""

    known: bool


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Signed in, with a second factor set up on the way."""

    person: Me | None
    recovery_codes: list[str]
