"""OAuth 2 for partner systems: tokens, what a token is, keys, and the document that says where all of this is."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec

from services.identity.api_clients.models import SCOPES
from services.identity.oauth.assertions import ALGORITHMS, METHOD
from services.identity.oauth.clients import SECRET_METHODS
from services.identity.oauth.commands import answer_token_request
from services.identity.oauth.server import TOKEN_PATH, Issuer, TokenRequest
from services.identity.sessions.limits import TOKEN, AttemptLimits, TooManyAttempts
from services.identity.sessions.models import Attempt
from shared.actor import SYSTEM, Actor
from shared.claims import ANY_SCOPE
from shared.database import UnitOfWork
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.partners import JWKS_PATH, WHOAMI_PATH

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 16_384
MOST_FIELDS = 20
PASSED_ON = "x-oauth-authorization"
"""`Authorization` as the gateway passes it on, which uses that header itself: what a caller shows, and no more."""


class Whoami(msgspec.Struct, frozen=True):
    """What an access token stands for. `client_id` is the client it is bound to, null for all."""

    id: UUID
    name: str
    client_id: UUID | None
    scopes: list[str]
    expires_at: datetime


class TokenForm(msgspec.Struct):
    """RFC 6749, 4.4.2, with one of the proofs of who asks; without `scope`, for all that the API client may."""

    grant_type: Literal["client_credentials"]
    scope: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_assertion_type: str = ""
    client_assertion: str = ""


class AccessToken(msgspec.Struct, frozen=True):
    """RFC 6749, 5.1; `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class Refusal(msgspec.Struct, frozen=True):
    """RFC 6749, 5.2."""

    error: str
    error_description: str = ""


class KeySet(msgspec.Struct, frozen=True):
    """RFC 7517, 5."""

    keys: list[dict[str, Any]]


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8414, 2."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]


REFUSED = {status: ResponseSpec(Refusal) for status in (400, 401, 429)}


@post(
    TOKEN_PATH,
    opt={"public": True, "basic": True, "form": TokenForm},
    status_code=200,
    responses={200: ResponseSpec(AccessToken), **REFUSED},
    tags=["partners"],
)
async def issue_token(
    request: Request[Any, Any, Any], attempt: Attempt, uow: UnitOfWork, limits: AttemptLimits, issuer: Issuer
) -> Response[dict[str, Any]]:
    """Issue an access token for an API client (RFC 6749, 4.4): a form with `grant_type=client_credentials` and, if less
    than everything is wanted, `scope`. The proof is `client_secret_basic`, `client_secret_post` or `private_key_jwt`.
    """
    asked = await _read(request)
    claimed = asked.claimed_clients()
    account = claimed.pop() if len(claimed) == 1 else ""
    try:
        await limits.admit(TOKEN if account else TOKEN[:1], ip=attempt.ip, account=account)
    except TooManyAttempts as error:
        body = {"error": "temporarily_unavailable", "error_description": error.detail}
        return Response(body, status_code=429, headers={"Retry-After": str(error.retry_after)})
    async with uow(SYSTEM) as db:
        answer = await answer_token_request(db, issuer, attempt, asked)
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


@get(WHOAMI_PATH, opt={"scope": ANY_SCOPE}, tags=["partners"])
async def whoami(actor: Actor) -> Whoami:
    """Read what the token of this request is valid for; 401 once it is invalid."""
    if actor.kind != "partner" or actor.id is None or actor.session_ends is None:
        raise Forbidden(_("This is for partner systems."))
    return Whoami(actor.id, actor.name, actor.client_id, sorted(actor.scopes), actor.session_ends)


@get(
    JWKS_PATH,
    opt={"public": True, "scope": ANY_SCOPE},
    responses={200: ResponseSpec(KeySet, media_type="application/jwk-set+json")},
    tags=["partners"],
)
async def jwks(issuer: Issuer) -> Response[bytes]:
    """The public keys that verify access tokens (RFC 7517)."""
    headers = {"Cache-Control": "public, max-age=60"}
    return Response(issuer.keys.jwks, media_type="application/jwk-set+json", headers=headers)


@get("/.well-known/oauth-authorization-server", opt={"public": True, "scope": ANY_SCOPE}, tags=["partners"])
async def metadata(issuer: Issuer) -> Metadata:
    """The endpoints and capabilities of the authorization server (RFC 8414)."""
    return Metadata(
        issuer=issuer.address,
        token_endpoint=issuer.token_endpoint,
        jwks_uri=f"{issuer.address}{JWKS_PATH}",
        scopes_supported=list(SCOPES),
        response_types_supported=[],
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=[*SECRET_METHODS, METHOD],
        token_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
    )


async def _read(request: Request[Any, Any, Any]) -> TokenRequest:
    """The request's form; a body of another type has no fields."""
    shown = request.headers.get(PASSED_ON) or request.headers.get("authorization", "")
    authorization = shown if shown.lower().startswith("basic ") else ""
    body = await request.body()
    form: list[tuple[str, str]] = []
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM and len(body) <= MOST_BYTES:
        try:
            form = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            form = []
    return TokenRequest(form, request.scope["query_string"].decode("latin-1"), authorization)


routers = [issue_token, whoami, jwks, metadata]
