"""What identity answers about api clients."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class ApiClient(msgspec.Struct, frozen=True, kw_only=True):
    """A partner system."""

    id: UUID
    name: str
    client_id: UUID | None
    client_name: str | None
    scopes: list[str]
    auth_method: str
    jwks: dict[str, Any] | None
    created_at: datetime
    created_by: str | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    old_secret_until: datetime | None

    @property
    def has_secret(self) -> bool:
        return self.auth_method == "client_secret"


class NewApiClient(ApiClient, frozen=True, kw_only=True):
    """One that was just made, with its secret, which is answered once."""

    client_secret: str | None


class Scope(msgspec.Struct, frozen=True):
    """`name` says in words what it allows."""

    key: str
    name: str


class Scopes(msgspec.Struct, frozen=True):
    items: list[Scope]


class Rotated(msgspec.Struct, frozen=True):
    client_secret: str
    old_valid_until: datetime
