"""A session: one browser of one person, until it ends."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.errors import Unauthorized
from shared.language import gettext as _
from shared.orm import Base, Identified

GRACE = timedelta(seconds=10)
"""How long the id before a rotation remains valid, for requests that were under way."""


class Lifetime(msgspec.Struct, frozen=True):
    """A session ends this long after sign-in whatever happens, or when nobody used it for so long (ASVS 7.3)."""

    absolute: timedelta
    idle: timedelta


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True):
    """By the kind of person: staff see every client, so theirs are shorter."""

    client: Lifetime = Lifetime(timedelta(days=30), timedelta(days=7))
    staff: Lifetime = Lifetime(timedelta(hours=12), timedelta(hours=2))

    def of(self, kind: str) -> Lifetime:
        return self.staff if kind == "staff" else self.client


class InvalidCredentials(Unauthorized):
    """Wrong password, unknown address, inactive person, closed portal: never told apart."""

    code = "auth.invalid_credentials"

    def __init__(self) -> None:
        super().__init__(_("E-mail or password is not right."))


class SessionEnded(Unauthorized):
    def __init__(self) -> None:
        super().__init__(_("Sign in first."))


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to sign in. `replaces` is the session their browser showed, to be ended by a new one. They are on the
    way to `organisation`, a client that may be one of several that they work for.
    """

    id: UUID
    ip: str
    user_agent: str
    replaces: UUID | None = None
    lifetimes: Lifetimes = Lifetimes()
    organisation: UUID | None = None

    def heading_for(self, organisation: UUID | None) -> "Attempt":
        """The same attempt, on its way there."""
        return msgspec.structs.replace(self, organisation=organisation)


class Session(Base, Identified):
    """`hash` is the SHA-256 of the cookie; the cookie itself is stored nowhere. `client_id` is the person's tenant.

    `rotate_due`: a right changed, so the next page brings a new id, and `previous_hash` counts for `GRACE` longer.
    `viewing_client_id` is the client through whose eyes a member of staff looks, and `viewing_person_id` which of its
    people, where it is one of them. `account_id` is who proved themselves:
    the person, or the account they joined with. `second_factor` is what they showed beside the first proof, or ''.
    """

    __tablename__ = "sessions"

    person_id: Mapped[UUID]
    account_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    hash: Mapped[str] = mapped_column(repr=False)
    ip: Mapped[str]
    user_agent: Mapped[str]
    expires_at: Mapped[datetime]
    idle: Mapped[timedelta]
    method: Mapped[str] = mapped_column(default="")
    second_factor: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    last_seen_at: Mapped[datetime] = mapped_column(default_factory=now)
    proven_at: Mapped[datetime] = mapped_column(default_factory=now)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    rotate_due: Mapped[bool] = mapped_column(default=False)
    previous_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    rotated_at: Mapped[datetime | None] = mapped_column(default=None)
    viewing_client_id: Mapped[UUID | None] = mapped_column(default=None)
    viewing_person_id: Mapped[UUID | None] = mapped_column(default=None)

    @property
    def seconds_left(self) -> int:
        """For the cookie: no browser needs it longer."""
        return max(0, round((self.expires_at - now()).total_seconds()))
