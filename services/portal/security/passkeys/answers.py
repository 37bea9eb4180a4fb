"""What identity answers about passkeys."""

from datetime import datetime
from uuid import UUID

import msgspec


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One of the person's passkeys (`GET passkeys`)."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyList(msgspec.Struct, frozen=True):
    items: list[Passkey]
