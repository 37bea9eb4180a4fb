"""An api client as Authlib wants to see it."""

# The checker's stubs describe an Authlib of years ago; what is overridden here is as 1.9 has it.
# pyright: reportIncompatibleMethodOverride=false

from collections.abc import Sequence
from hmac import compare_digest

from authlib.oauth2.rfc6749 import ClientMixin

from services.identity.api_clients.models import ApiClient, ApiClientSecret
from services.identity.tokens import digest
from shared.clock import now

SECRET_METHODS = ("client_secret_basic", "client_secret_post")


class OAuthClient(ClientMixin):
    """Authlib's shipped mixin keeps secrets in clear; this one has their hashes."""

    def __init__(self, row: ApiClient, secrets: Sequence[ApiClientSecret]) -> None:
        self.row = row
        self._secrets = secrets

    def get_client_id(self) -> str:
        return str(self.row.id)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the current secret, or a rotated one that is still valid."""
        shown = digest(client_secret)
        live = (each for each in self._secrets if each.expires_at is None or each.expires_at > now())
        return any(compare_digest(shown, each.secret_hash) for each in live)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  (Authlib's signature)
        return method in SECRET_METHODS if self.row.auth_method == "client_secret" else method == self.row.auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What was asked for, or everything where nothing was; None (`invalid_scope`) for one it has not."""
        asked = sorted(set(scope.split())) if scope else self.row.scopes
        return " ".join(asked) if set(asked) <= set(self.row.scopes) else None
