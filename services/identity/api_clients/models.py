"""An api client: a partner system that may use the API, as far as its scopes go. In OAuth's words, a client."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.public_keys import Unfit, read_key
from services.identity.tokens import digest, new_token
from shared.actor import Actor
from shared.clock import now
from shared.contracts.api_clients import ApiClientCreated, ApiClientRevoked, ApiClientRotated, ApiClientUpdated
from shared.errors import Conflict, Forbidden, Invalid
from shared.language import gettext as _
from shared.language import marked
from shared.orm import Base, Identified, Timestamped

Scope = Literal[
    "clients:read",
    "clients:write",
    "contacts:read",
    "contacts:write",
    "projects:read",
    "projects:write",
    "activity:read",
    "events:read",
    "audit:read",
    "mails:write",
]
SCOPES: dict[Scope, str] = {
    "clients:read": marked("See clients"),
    "clients:write": marked("Add clients and change them"),
    "contacts:read": marked("See the contacts of clients, with their addresses"),
    "contacts:write": marked("Add contacts of clients and change them"),
    "projects:read": marked("See projects and their plans"),
    "projects:write": marked("Start projects, change them and their milestones"),
    "activity:read": marked("See what happened, and key figures"),
    "events:read": marked("Receive events as they happen"),
    "audit:read": marked("Read the audit log"),
    "mails:write": marked("Report mails that came back"),
}
"""What each scope allows, for people."""
POLICY_OF: dict[str, str] = {
    "clients:write": "manageClients",
    "contacts:write": "manageClients",
    "projects:write": "manageProjects",
    "audit:read": "viewAudit",
    "mails:write": "managePortalAccess",
}
"""The staff policy a scope stands for: who has not the one cannot hand out the other."""
AuthMethod = Literal["client_secret", "private_key_jwt"]
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MOST_KEYS = 10


class KeysNeeded(Invalid):
    code = "api_client.keys"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, field="jwks")


class Revoked(Conflict):
    code = "api_client.revoked"

    def __init__(self) -> None:
        super().__init__(_("This api client was revoked. That cannot be undone; create a new one."))


class NoSecret(Conflict):
    code = "api_client.no_secret"

    def __init__(self) -> None:
        super().__init__(
            _("This api client signs with its own key: there is no secret to rotate. Change its keys instead.")
        )


class GrantsBeyondOwn(Forbidden):
    """A secret is a right as well: whoever gets to see one can do what its scopes allow."""

    code = "api_client.grants_beyond_own"

    def __init__(self) -> None:
        super().__init__(
            _("You cannot grant a partner system a permission you do not have yourself, nor manage one that has it.")
        )


class ApiClient(Base, Identified, Timestamped):
    """`client_id` is the one client it is bound to, None for all. `version` stands in its tokens and rises with what
    ends them. `jwks` holds the public keys of `private_key_jwt`.
    """

    __tablename__ = "api_clients"

    name: Mapped[str]
    client_id: Mapped[UUID | None]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    auth_method: Mapped[str]
    created_by: Mapped[UUID]
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    version: Mapped[int] = mapped_column(default=1)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    def created(self) -> ApiClientCreated:
        """Say that it exists. Raises `KeysNeeded` where method and keys do not agree."""
        if self.auth_method == "private_key_jwt":
            require_public_keys(self.jwks)
        elif self.jwks is not None:
            raise KeysNeeded(_("Keys are for api clients that sign with their own."))
        return ApiClientCreated(scopes=self.scopes, auth_method=self.auth_method)

    def change(self, changes: Mapping[str, Any]) -> ApiClientUpdated | None:
        """Take over what is new among `name`, `scopes` and `jwks`; None where nothing is.

        Tokens with a scope that was taken away end with it; whatever else changes costs the partner no request.
        """
        self._require_live()
        if "jwks" in changes:
            if self.auth_method != "private_key_jwt":
                raise KeysNeeded(_("This api client has a secret, no keys."))
            require_public_keys(changes["jwks"])
        new = {field: value for field, value in changes.items() if getattr(self, field) != value}
        if set(self.scopes) - set(new.get("scopes", self.scopes)):
            self.version += 1
        for field, value in new.items():
            setattr(self, field, value)
        return ApiClientUpdated(fields=sorted(new), scopes=self.scopes) if new else None

    def rotated(self, old_valid_until: datetime) -> ApiClientRotated:
        """Say that it has a new secret beside the one that lives on until then."""
        self._require_live()
        if self.auth_method != "client_secret":
            raise NoSecret
        return ApiClientRotated(old_valid_until=old_valid_until)

    def revoke(self) -> ApiClientRevoked | None:
        """End it and all its tokens; None where that has happened already."""
        if self.revoked_at:
            return None
        self.revoked_at = now()
        return ApiClientRevoked()

    def _require_live(self) -> None:
        if self.revoked_at:
            raise Revoked


def require_own(actor: Actor, scopes: Iterable[str]) -> None:
    """Raise `GrantsBeyondOwn` where a scope stands for a policy that the actor has not."""
    if not all(actor.can(POLICY_OF[scope]) for scope in scopes if scope in POLICY_OF):
        raise GrantsBeyondOwn


class ApiClientSecret(Base, Identified):
    """Only the hash is stored. `expires_at` is None for the current secret and set for rotated ones."""

    __tablename__ = "api_client_secrets"

    api_client_id: Mapped[UUID]
    secret_hash: Mapped[str] = mapped_column(repr=False)
    created_at: Mapped[datetime] = mapped_column(default_factory=now)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)

    @classmethod
    def draw(cls, api_client_id: UUID) -> tuple["ApiClientSecret", str]:
        """A new secret of 256 bits: what is kept of it, and itself, shown once."""
        secret = new_token()
        return cls(api_client_id=api_client_id, secret_hash=digest(secret)), secret

    def retire(self, until: datetime) -> datetime:
        """Live on until then, never longer than was said before; when that is."""
        end = min(until, self.expires_at) if self.expires_at else until
        self.expires_at = end
        return end


def require_public_keys(jwks: Mapping[str, Any] | None) -> None:
    """Ed25519, P-256 or RSA keys, at most ten, and nothing private among them (RFC 7517). Raises `KeysNeeded`."""
    keys = (jwks or {}).get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise KeysNeeded(_("Give a JWK set with 1 to {most} public keys.", most=MOST_KEYS))
    try:
        for key in keys:
            if isinstance(key, dict) and PRIVATE_PARTS & set(key):
                raise KeysNeeded(_("There is a private key among them. It is known to others now: make a new one."))
            read_key(key)
    except Unfit as error:
        raise KeysNeeded(str(error)) from error
