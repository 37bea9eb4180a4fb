"""A passkey: a key pair in somebody's device or password manager, of which the portal knows the public half."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.errors import Conflict, Invalid, Unauthorized
from shared.language import gettext as _
from shared.orm import Base, Identified

CHALLENGE = timedelta(minutes=5)
"""How long a browser has to answer a challenge."""
MOST = 20
"""Passkeys one person may have."""


class PasskeyRefused(Unauthorized):
    """Unknown passkey, wrong signature, old or used challenge, person without access: always the same answer."""

    code = "auth.passkey_refused"

    def __init__(self) -> None:
        super().__init__(_("This passkey was not accepted. Try again, or sign in another way."))


class PasskeyUnusable(Invalid):
    code = "passkey.unusable"

    def __init__(self) -> None:
        super().__init__(_("The passkey could not be added. Start again."), field="credential")


class PasskeyKnown(Conflict):
    code = "passkey.known"

    def __init__(self) -> None:
        super().__init__(_("This passkey is registered already."), field="credential")


class TooManyPasskeys(Conflict):
    code = "passkey.too_many"

    def __init__(self) -> None:
        super().__init__(_("There are {most} passkeys already. Remove one you do not use any more.", most=MOST))


class Passkey(Base, Identified):
    """`client_id` is the person's tenant. `sign_count` is what the authenticator last said; many always say 0."""

    __tablename__ = "passkeys"

    person_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes] = mapped_column(repr=False)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)

    def used(self, sign_count: int) -> bool:
        """Note a use; False, and nothing is noted, where the counter says that two devices hold this key.

        WebAuthn Level 3, 6.1.1: a counter above zero must rise with every signature.
        """
        if (sign_count or self.sign_count) and sign_count <= self.sign_count:
            return False
        self.sign_count, self.last_used_at = sign_count, now()
        return True
