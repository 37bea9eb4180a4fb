"""What identity answers about one's own second factor."""

from datetime import datetime

import msgspec


class TwoFactor(msgspec.Struct, frozen=True, kw_only=True):
    """One's own second factor (`GET two-factor`); `required` by the client or, for staff, by the company."""

    enabled: bool
    required: bool = False
    recovery_codes_left: int = 0
    since: datetime | None = None


class Enrolment(msgspec.Struct, frozen=True):
    """A secret for an authenticator app: as a `otpauth:` address, and to type by hand."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    recovery_codes: list[str]
