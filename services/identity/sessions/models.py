"""A session: one browser of one person, until it ends."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.errors import Unauthorized
from shared.orm import Base, Identified

ABSOLUTE = timedelta(days=30)
"""A session ends this long after sign-in, whatever happens (ASVS 7.3.2)."""
IDLE = timedelta(days=7)
"""A session ends when nobody used it for this long (ASVS 7.3.1)."""


class InvalidCredentials(Unauthorized):
    """Wrong password, unknown address, inactive person, closed portal: never told apart (A5)."""

    code = "auth.invalid_credentials"

    def __init__(self) -> None:
        super().__init__("E-mail or password is not right.")


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at the door. `replaces` is the session their browser showed, to be ended by a new one."""

    id: UUID
    ip: str
    user_agent: str
    replaces: UUID | None = None


class Session(Base, Identified):
    """`hash` is the SHA-256 of the cookie; the cookie itself is stored nowhere. `client_id` is the person's tenant."""

    __tablename__ = "sessions"

    person_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    hash: Mapped[str] = mapped_column(repr=False)
    ip: Mapped[str]
    user_agent: Mapped[str]
    method: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    last_seen_at: Mapped[datetime] = mapped_column(default_factory=now)
    proven_at: Mapped[datetime] = mapped_column(default_factory=now)
    expires_at: Mapped[datetime] = mapped_column(default_factory=lambda: now() + ABSOLUTE)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
