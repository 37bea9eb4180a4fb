"""`private_key_jwt`: an api client authenticates with an assertion signed by its own key (RFC 7523, RFC 7521)."""

# The checker's stubs describe an Authlib of years ago; what is overridden here is as 1.9 has it.
# pyright: reportIncompatibleMethodOverride=false, reportGeneralTypeIssues=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from services.identity.oauth.clients import OAuthClient
from services.identity.public_keys import Unfit, usable

METHOD = "private_key_jwt"
ALGORITHMS = ["Ed25519", "EdDSA", "ES256", "RS256"]
"""EdDSA is what most libraries still call Ed25519; the keys themselves are of these three kinds only."""
MAX_LIFE = 300
LEEWAY = 30
MAX_JTI = 200

UseOnce = Callable[[OAuthClient, str, datetime], bool]
"""Takes the `jti` of an api client, good until then; False where it was taken before."""

_jws = JWSRegistry(algorithms=ALGORITHMS)


class ClientAssertion(JWTBearerClientAssertion):
    """At most 5 minutes, for our token endpoint or issuer, each `jti` once."""

    CLIENT_AUTH_METHOD = METHOD

    def __init__(self, audiences: list[str], use_once: UseOnce) -> None:
        super().__init__(leeway=LEEWAY)
        self._audiences = audiences
        self._use_once = use_once

    def __call__(self, query_client: Callable[[str], OAuthClient | None], request: Any) -> OAuthClient | None:
        self._request = request
        return super().__call__(query_client, request)

    def get_audiences(self) -> list[str]:
        return self._audiences

    def resolve_client_public_key(self, client: OAuthClient) -> KeySet:
        if client.row.jwks is None:
            raise InvalidClientError
        try:
            return usable(client.row.jwks["keys"])
        except Unfit as error:
            raise InvalidClientError from error

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """The verified claims. No header of the assertion chooses key or algorithm beyond what is registered."""
        try:
            claims = jwt.decode(assertion, resolve_key, algorithms=ALGORITHMS, registry=_jws).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise InvalidClientError from error
        self.verify_claims(claims)
        return claims

    def validate_jti(self, claims: dict[str, Any], jti: object) -> bool:
        """The last check of all, so that what is refused for another reason uses nothing up."""
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or claims["exp"] - time.time() > MAX_LIFE + LEEWAY:
            return False
        return self._use_once(self._request.client, jti, datetime.fromtimestamp(claims["exp"] + LEEWAY, UTC))
