"""What works once: a secret in a mail, or a step of signing in that one browser has still to finish."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.single_use import SingleUse
from shared.clock import now
from shared.errors import Unauthorized
from shared.language import gettext as _
from shared.orm import Base, Identified


class TokenInvalid(Unauthorized):
    """Expired, used, replaced, of another purpose, never made: never told apart."""

    code = "auth.token_invalid"

    def __init__(self) -> None:
        super().__init__(_("This link cannot be used. It may be too old, or used already: ask for a new one."))


class OneTimeToken(Base, Identified, SingleUse):
    """Of the secret (`token_hash`) and of the browser it is bound to (`flow_hash`) only SHA-256 hashes are kept.

    A person has one of each purpose that is not bound to a browser. `tries` counts guesses at what has to be shown
    with it. `facts` are the purpose's own.
    """

    __tablename__ = "one_time_tokens"

    purpose: Mapped[str]
    client_id: Mapped[UUID | None] = mapped_column(default=None)
    person_id: Mapped[UUID | None] = mapped_column(default=None)
    token_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    flow_hash: Mapped[str | None] = mapped_column(default=None, repr=False)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict[str, Any])
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    def code_digest(self, code: str) -> str:
        """The hash of a short code, good for this row only."""
        return sha256(f"{self.id}:{code}".encode()).hexdigest()


def new_code() -> str:
    """Six digits to type."""
    return f"{secrets.randbelow(10**6):06}"
