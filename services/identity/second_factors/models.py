"""A second factor: time-based codes (RFC 6238), and recovery codes for the day the phone is gone."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.single_use import SingleUse, single_use
from services.identity.tokens import digest
from shared.clock import now
from shared.errors import Conflict, Invalid, Unauthorized
from shared.language import gettext as _
from shared.orm import Base, Identified

Step = Literal["second_factor", "enrol"]
SECOND_FACTOR: Step = "second_factor"
ENROL: Step = "enrol"
RECOVERY_CODE = "recovery_code"
TOTP = "totp"
for each in (SECOND_FACTOR, ENROL, RECOVERY_CODE):
    single_use(each)

TRIES = 5
"""Codes that can be tried in one sign-in; after that it starts again with the first factor."""
SETUP = timedelta(minutes=15)
"""How long a new secret waits for its first code."""
RECOVERY_CODES = 10
FOR_GOOD = timedelta(days=3650)


class FactorRefused(Unauthorized):
    """Wrong, used, or of another time: never told apart."""

    code = "auth.second_factor_invalid"

    def __init__(self) -> None:
        super().__init__(_("This code cannot be used. Wait for the next one, or sign in again."))


class NothingPending(Unauthorized):
    """No sign-in waits for a code in this browser: too late, tried too often, finished, or never begun here. The code
    was not looked at.
    """

    code = "auth.nothing_pending"

    def __init__(self) -> None:
        super().__init__(_("No sign-in waits for a code in this browser (any more). Sign in again; no code was used."))


class SetupRefused(Invalid):
    code = "two_factor.code_invalid"

    def __init__(self) -> None:
        super().__init__(_("This is not a code of the new secret, or the secret waited too long."), field="code")


class FactorRequired(Conflict):
    code = "two_factor.required"

    def __init__(self) -> None:
        super().__init__(_("Your organisation requires a second factor, so it cannot be turned off."))


class NotEnrolled(Conflict):
    code = "two_factor.not_enabled"

    def __init__(self) -> None:
        super().__init__(_("There is no second factor to change."))


class Authenticator(Base):
    """A person's app. `secret` counts once the app has shown a code of it; until then it waits in `pending`.

    Both are sealed to the person. `last_step` is the step of the newest code that was used: no code of it or of an
    older one is taken again (RFC 6238, 5.2).
    """

    __tablename__ = "authenticators"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    secret: Mapped[bytes | None] = mapped_column(default=None, repr=False)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    pending: Mapped[bytes | None] = mapped_column(default=None, repr=False)
    pending_until: Mapped[datetime | None] = mapped_column(default=None)


class RecoveryCode(Base, Identified, SingleUse):
    """120 random bits, so their SHA-256 is enough to keep (ASVS 6.5.2)."""

    __tablename__ = "recovery_codes"

    person_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    code_hash: Mapped[str] = mapped_column(repr=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


def new_recovery_code() -> str:
    """Six groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def recovery_digest(code: str) -> str:
    """The hash of a recovery code, however it was typed."""
    return digest("".join(code.split()).replace("-", "").lower())
