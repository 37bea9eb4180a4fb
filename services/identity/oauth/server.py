"""The authorization server: Authlib's, for client credentials alone (RFC 6749, 4.4).

It works with a synchronous session, so it runs inside `AsyncSession.run_sync`, one server a request.
"""

# The checker's stubs describe an Authlib of years ago; what is overridden here is as 1.9 has it.
# pyright: reportIncompatibleMethodOverride=false, reportGeneralTypeIssues=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from services.identity.api_clients.models import SCOPES
from services.identity.oauth.assertions import METHOD, ClientAssertion, UseOnce
from services.identity.oauth.clients import SECRET_METHODS, OAuthClient
from services.identity.oauth.keys import TokenKeys
from shared.clock import uuid7
from shared.partners import AUDIENCE, MAX_LIFE

TOKEN_PATH = "/oauth/token"  # noqa: S105  (an address)


_SCOPES = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")
WORDS = {
    "invalid_client": "Client authentication failed.",
    "invalid_request": "Send a form with each parameter once, nothing in the address, and authenticate by one method.",
    "invalid_scope": "This api client has not all of these scopes.",
    "unsupported_grant_type": "Only client_credentials is possible here.",
}


class Issuer(msgspec.Struct, frozen=True):
    """Who issues: the portal's public address, and its keys."""

    address: str
    keys: TokenKeys

    @property
    def token_endpoint(self) -> str:
        return f"{self.address}{TOKEN_PATH}"


class TokenRequest(OAuth2Request):
    """A request for a token: its form, what stood in the address, and the `Authorization` header, "" without one."""

    def __init__(self, form: list[tuple[str, str]], query: str, authorization: str) -> None:
        # Authlib asks this address whether the transport is safe; who ends TLS is up to whoever runs the portal.
        super().__init__("POST", f"https://identity{TOKEN_PATH}", headers={"Authorization": authorization})
        self.payload = BasicOAuth2Payload(dict(form))
        self._sent = len(form)
        self._query = query

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    def is_well_put(self) -> bool:
        """Nothing in the address, which ends up in logs; each parameter once; one proof (RFC 6749, 2.3 and 3.2)."""
        proofs = (self.headers["Authorization"], self.form.get("client_secret"), self.form.get("client_assertion"))
        return not self._query and self._sent == len(self.form) and sum(map(bool, proofs)) <= 1

    def names_scopes(self) -> bool:
        """Whether its scope, if there is one, is tokens between single spaces (RFC 6749, 3.3)."""
        return "scope" not in self.form or _SCOPES.fullmatch(self.form["scope"]) is not None

    def claimed_clients(self) -> set[str]:
        """Who it says it is, in its proof and beside it, nothing of it verified: one api client, or none, or two (which
        is nobody).
        """
        try:
            named, _ = extract_basic_authorization(self.headers)
        except UnicodeDecodeError:
            return set()
        said = (named, self.form.get("client_id"), _subject_of(self.form.get("client_assertion", "")))
        return {_one_spelling(each) for each in said if each}


def _one_spelling(client_id: str) -> str:
    """As an id is kept: of one api client that is written in two ways, the attempts count together."""
    try:
        return str(UUID(client_id))
    except ValueError:
        return client_id


def _subject_of(assertion: str) -> str:
    try:
        found = msgspec.json.decode(extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError, RecursionError, msgspec.MsgspecError):
        return ""
    return str(found.get("sub", "")) if isinstance(found, dict) else ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer, and what happened: the api client if it is known, a new token's id, or OAuth's error."""

    status: int
    body: dict[str, Any]
    headers: list[tuple[str, str]]
    client: OAuthClient | None
    jti: UUID
    error: str = ""


class Server(AuthorizationServer):
    """Answers one request. `find` looks an api client up by its id."""

    def __init__(self, issuer: Issuer, find: Callable[[UUID], OAuthClient | None], use_once: UseOnce) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self._issuer = issuer
        self._find = find
        self._client: OAuthClient | None = None
        self._jti = uuid7()
        self.register_grant(_Grant)
        self.register_token_generator("default", BearerTokenGenerator(self._sign, expires_generator=MAX_LIFE))
        audiences = [issuer.token_endpoint, issuer.address]
        self.register_client_auth_method(METHOD, ClientAssertion(audiences, use_once))

    def answer(self, request: TokenRequest) -> Answer:
        """The token, or the refusal."""
        try:
            if request.is_well_put():
                if len(request.claimed_clients()) > 1:  # RFC 7521, 4.2
                    return self.handle_error_response(request, InvalidClientError())
                if not request.names_scopes():
                    return self.handle_error_response(request, InvalidScopeError())
                return self.create_token_response(request)
        except (UnicodeDecodeError, RecursionError):  # a name and password that are no text, a bottomless assertion
            pass
        return self.handle_error_response(request, InvalidRequestError())

    def query_client(self, client_id: str) -> OAuthClient | None:
        """The api client that may ask, by what it says it is."""
        try:
            self._client = self._find(UUID(client_id))
        except ValueError:
            return None
        return self._client

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        return request

    def save_token(self, token: dict[str, Any], request: TokenRequest) -> None:
        """Store nothing: the validity of a token follows from its api client, which is looked up every second."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]) -> Answer:
        error = body.get("error", "")
        return Answer(status=status, body=body, headers=headers, client=self._client, jti=self._jti, error=error)

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Answer:  # noqa: ARG002
        """Answer with our own text, because Authlib's repeats what was sent. Every invalid proof gets the same 401
        (RFC 6749, 5.2).
        """
        if isinstance(error, InvalidClientError):
            error.status_code = 401
        error.description = WORDS.get(str(error.error), "")
        return self.handle_response(*error())

    def _sign(self, client: OAuthClient, grant_type: str, user: None, scope: str) -> str:  # noqa: ARG002
        """RFC 9068, 2.2, with the client it is bound to and its version."""
        now = int(time.time())
        body = {
            "iss": self._issuer.address,
            "aud": AUDIENCE,
            "sub": client.get_client_id(),
            "client_id": client.get_client_id(),
            "scope": scope,
            "ver": client.row.version,
            "jti": str(self._jti),
            "iat": now,
            "exp": now + MAX_LIFE,
        }
        bound = {"cid": str(client.row.client_id)} if client.row.client_id else {}
        return self._issuer.keys.sign(body | bound)


class _Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [*SECRET_METHODS, METHOD]  # noqa: RUF012  (Authlib's way)
