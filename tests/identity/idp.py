"""An organisation's identity provider: a real HTTP server on this machine, with Authlib's authorization server in it.

What a test sets in `claims`, `algorithm` or `metadata`, this provider gets wrong.
"""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from aiohttp import web
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import OpenIDCode
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

SECRET = "a secret of the provider"
CLIENT = "portal-at-the-provider"


@cache
def key_for(algorithm: str) -> Key:
    """The provider's key for an algorithm."""
    if algorithm in ("RS256", "PS256"):
        return RSAKey.generate_key(2048, auto_kid=True)
    if algorithm in ("Ed25519", "EdDSA"):
        return OKPKey.generate_key("Ed25519", auto_kid=True)
    return ECKey.generate_key("P-256", auto_kid=True)


@dataclass
class Granted:
    """What a code stands for."""

    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    user: dict[str, Any]

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    get_acr = get_amr = get_auth_time


class Registered(ClientMixin):
    """The portal, as it is registered here."""

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/sign-in/sso/callback")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value


class Asked(OAuth2Request):
    """A request as Authlib wants to see it."""

    def __init__(self, request: web.Request, form: dict[str, str]) -> None:
        headers = {name.title(): value for name, value in request.headers.items()}
        super().__init__(request.method, str(request.url), headers=headers)
        self._args, self._form = dict(request.query), form
        self.payload = BasicOAuth2Payload(self._args | self._form)

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


@dataclass
class IdentityProvider:
    """One provider. `user` is who sits at the browser; `calls` are the paths that were asked for."""

    user: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """Laid over an id token's own claims; None takes one away."""
    algorithm: str = "ES256"
    signer: Key | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, web.Response] = field(default_factory=dict)
    """What a path answers instead."""
    hangs: str = ""
    trickles: str = ""
    """A path whose good answer comes drop by drop, for two seconds."""
    calls: list[str] = field(default_factory=list)
    url: str = ""
    codes: dict[str, Granted] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    async def start(self) -> web.AppRunner:
        app = web.Application(middlewares=[self._misbehave])
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._configuration),
                web.get("/jwks", self._jwks),
                web.get("/authorize", self._authorize),
                web.post("/token", self._token),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def visit(self, location: str) -> dict[str, str]:
        """What the browser brings back from the provider: the query it is sent to the portal with."""
        async with httpx2.AsyncClient(timeout=30) as http:
            answer = await http.get(location)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def sign(self, claims: dict[str, Any]) -> str:
        """An id token, as well or as badly signed as the test wants it."""
        header = {"alg": self.algorithm, "typ": "JWT"}
        if self.algorithm == "none":
            return f"{_encoded(json.dumps(header))}.{_encoded(json.dumps(claims))}."
        if self.algorithm == "HS256":
            return _signed_with_the_public_key(header, claims)
        key = self.signer or key_for(self.algorithm)
        return jwt.encode(header | {"kid": key.kid}, claims, key, [self.algorithm])

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(request.path)
        if request.path == self.hangs:
            await asyncio.sleep(30)
        answer = self.answers[request.path] if request.path in self.answers else await handler(request)
        return await _trickle(request, answer) if request.path == self.trickles else answer

    async def _configuration(self, _request: web.Request) -> web.Response:
        own = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(own | self.metadata)

    async def _jwks(self, _request: web.Request) -> web.Response:
        keys = self.keys or [key_for(name) for name in ("ES256", "RS256", "Ed25519")]
        return web.json_response({"keys": [key.as_dict(private=False) for key in keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        server, asked = Server(self), Asked(request, {})
        reply = server.create_authorization_response(asked, self.user, server.get_authorization_grant(asked))
        return _web(reply)

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        return _web(Server(self).create_token_response(Asked(request, form)))


class Server(AuthorizationServer):
    """Authlib's server for one request."""

    def __init__(self, idp: IdentityProvider) -> None:
        super().__init__()
        self.idp = idp
        self.register_token_generator("default", BearerTokenGenerator(lambda *_, **__: "an access token nobody uses"))
        self.register_grant(Codes, [CodeChallenge(required=True), IdTokens(require_nonce=True)])
        if idp.metadata.get("authorization_response_iss_parameter_supported", True):
            self.register_extension(Issuer(idp.url))

    def query_client(self, client_id: str) -> Registered | None:
        return Registered() if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Access tokens are for nothing here."""

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        return Reply(status, body, dict(headers))

    def send_signal(self, *_: object, **__: object) -> None:
        """Nobody listens."""


class Issuer(IssuerParameter):
    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class Codes(AuthorizationCodeGrant):
    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        sent = request.payload.data
        challenge = (sent.get("code_challenge"), sent.get("code_challenge_method"))
        self.server.idp.codes[code] = Granted(
            sent["redirect_uri"], sent["scope"], sent.get("nonce"), *challenge, user=request.user
        )

    def query_authorization_code(self, code: str, client: Registered) -> Granted | None:
        return self.server.idp.codes.get(code)

    def delete_authorization_code(self, authorization_code: Granted) -> None:
        codes = self.server.idp.codes
        codes.pop(next((code for code, granted in codes.items() if granted is authorization_code), ""), None)

    def authenticate_user(self, authorization_code: Granted) -> dict[str, Any]:
        return authorization_code.user


class IdTokens(OpenIDCode):
    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return False

    def __call__(self, grant: Any) -> None:
        self.idp: IdentityProvider = grant.server.idp
        super().__call__(grant)

    def get_client_claims(self, client: Registered) -> dict[str, Any]:
        return {"iss": self.idp.url, "aud": CLIENT}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> dict[str, Any]:
        return user

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        told = self.get_compatible_claims(request) | self.get_authorization_code_claims(request.authorization_code)
        told |= self.generate_user_info(request.user, token["scope"]) | self.idp.claims
        return self.idp.sign({name: value for name, value in told.items() if value is not None})


def _signed_with_the_public_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The provider's public key taken for the secret of an HMAC: what everybody knows signs (RFC 8725, 2.1)."""
    public = key_for("RS256")
    signed = ".".join(_encoded(json.dumps(part)) for part in (header | {"kid": public.kid}, claims))
    return f"{signed}.{_encoded(hmac.digest(public.as_pem(private=False), signed.encode(), 'sha256'))}"


def _encoded(part: str | bytes) -> str:
    raw = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _trickle(request: web.Request, answer: web.Response) -> web.StreamResponse:
    slow = web.StreamResponse(status=answer.status)
    await slow.prepare(request)
    for _ in range(20):
        await slow.write(b" ")
        await asyncio.sleep(0.1)
    await slow.write(answer.body if isinstance(answer.body, bytes) else b"")
    return slow


def _web(reply: Reply) -> web.Response:
    body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    return web.Response(status=reply.status, text=body, headers=reply.headers)


@asynccontextmanager
async def running_idp() -> AsyncIterator[IdentityProvider]:
    idp = IdentityProvider()
    runner = await idp.start()
    try:
        yield idp
    finally:
        await runner.cleanup()
