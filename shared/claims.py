"""The gateway's signed claims: verification with public keys only, and the guards routes use.

A service believes nothing but this token: no plain header, no network position (architecture: "A request").
"""

import asyncio
import base64
import binascii
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from shared.actor import Actor, Kind
from shared.errors import Forbidden, Unauthorized, Unavailable

ISSUER = "portal-gateway"
TYPE = "portal-claims+jwt"
ALGORITHM = "Ed25519"
MAX_LIFE = 60
LEEWAY = 5
REFRESH_SECONDS = 30
"""A token with an unknown key id asks for the key set again, at most this often."""
REMEMBERED = 4096

_registry = jwt.JWTClaimsRegistry(
    leeway=LEEWAY,
    iss={"essential": True, "value": ISSUER},
    exp={"essential": True},
    iat={"essential": True},
    sub={"essential": True, "allow_blank": True},
)
_jws = JWSRegistry(algorithms=[ALGORITHM])
Connection = ASGIConnection[Any, Any, Any, Any]


class Claims(msgspec.Struct, frozen=True):
    """The token's body. Short names: it travels with every request."""

    aud: list[str]
    exp: int
    iat: int
    kind: Kind
    sub: UUID | None = None
    name: str = ""
    cid: UUID | None = None
    sid: UUID | None = None
    sexp: int = 0
    pol: frozenset[str] = frozenset()
    roles: dict[UUID, str] = msgspec.field(default_factory=dict[UUID, str])
    prim: bool = False
    ro: bool = False
    asg: dict[UUID, UUID] | None = None
    pat: int = 0
    ip: str = ""

    def actor(self) -> Actor:
        return Actor(
            id=self.sub,
            name=self.name,
            kind=self.kind,
            client_id=self.cid,
            session_id=self.sid,
            session_ends=datetime.fromtimestamp(self.sexp, UTC) if self.sexp else None,
            policies=self.pol,
            project_roles=self.roles,
            is_primary_contact=self.prim,
            read_only=self.ro,
            assignments=self.asg,
            proven_at=datetime.fromtimestamp(self.pat, UTC) if self.pat else None,
            ip=self.ip,
        )


class InvalidClaims(Unauthorized):
    code = "auth.invalid_token"

    def __init__(self) -> None:
        super().__init__("The token is not valid here.")


class Verifier:
    """Checks tokens for one audience. Keys come from a file or a URL (`source`) and stay in use while it is down."""

    def __init__(self, audience: str, source: str) -> None:
        self._audience = audience
        self._source = source
        self._keys = KeySet([])
        self._asked = -REFRESH_SECONDS * 2.0
        self._lock = asyncio.Lock()
        self._known: dict[str, tuple[int, Actor]] = {}

    async def verify(self, token: str) -> Actor:
        """The actor of a token. Raises `InvalidClaims`; a token once checked is only looked up until it expires."""
        known = self._known.get(token)
        if known and known[0] > time.time():
            return known[1]
        claims = await self._check(token)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = (claims.exp, actor := claims.actor())
        return actor

    async def _check(self, token: str) -> Claims:
        await self._load_keys_for(token)
        if not self._has_key(token):
            raise InvalidClaims
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM], registry=_jws)
            _registry.validate(decoded.claims)
            claims = msgspec.convert(_without_blanks(decoded.claims), Claims)
        except (JoseError, ValueError, TypeError, msgspec.ValidationError) as error:
            raise InvalidClaims from error
        if decoded.header.get("typ") != TYPE or self._audience not in claims.aud or claims.exp - claims.iat > MAX_LIFE:
            raise InvalidClaims
        return claims

    async def _load_keys_for(self, token: str) -> None:
        """Have the key the token names, asking the source at most once per `REFRESH_SECONDS`."""
        if self._has_key(token) or time.monotonic() - self._asked < REFRESH_SECONDS:
            return
        async with self._lock:
            if self._has_key(token) or time.monotonic() - self._asked < REFRESH_SECONDS:
                return
            try:
                self._keys = KeySet.import_key_set(msgspec.json.decode(await _fetch(self._source)))
                self._asked = time.monotonic()
            except (OSError, aiohttp.ClientError, TimeoutError, ValueError, JoseError, msgspec.MsgspecError) as error:
                if not self._keys.keys:
                    raise Unavailable("The signing keys cannot be read right now.") from error
                self._asked = time.monotonic()

    def _has_key(self, token: str) -> bool:
        kid = _key_id(token)
        return kid is not None and any(key.kid == kid for key in self._keys.keys)


def _key_id(token: str) -> str | None:
    head = token.partition(".")[0]
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    return header.get("kid") if isinstance(header, dict) else None


def _without_blanks(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value != ""}


async def _fetch(source: str) -> bytes:
    if not source.startswith("http"):
        return await asyncio.to_thread(Path(source).read_bytes)
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(source, raise_for_status=True) as answer:
        return await answer.read()


# Guards are coroutines because the framework would send a plain function to a thread: two hops a request, a third of
# the time of a short one.


async def require_known(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of every route: somebody is signed in, unless the route says `opt={"public": True}`.

    `opt={"internal": True}` opens a route to the gateway itself and to nobody else.
    """
    actor: Actor = connection.scope["auth"]
    options = connection.route_handler.opt
    if actor.kind == "anonymous" and not options.get("public"):
        raise Unauthorized("Sign in first.")
    if (actor.kind == "system") != bool(options.get("internal")):
        raise Forbidden("This route is for people." if actor.kind == "system" else "This is not a public route.")


def require_staff(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Staff only. To a client's person the route does not exist."""
    actor: Actor = connection.scope["auth"]
    if not actor.is_staff:
        raise Forbidden("This is for staff.")


def require_policy(policy: str) -> Guard:
    """Staff holding `policy` only (seed 002). Carries its name so that the rights matrix can be generated."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        actor: Actor = connection.scope["auth"]
        if not actor.can(policy):
            raise Forbidden(f"This needs the policy {policy}.")

    guard.__name__ = f"require_{policy}"
    guard.policy = policy  # pyright: ignore[reportFunctionMemberAccess]
    return guard


async def refuse_read_only(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Viewing as a client may look and never write; every unsafe method of every service passes here."""
    actor: Actor = connection.scope["auth"]
    method: str = connection.scope.get("method", "")
    if actor.read_only and method not in ("GET", "HEAD", "OPTIONS"):
        raise Forbidden("You are viewing as the client: nothing can be changed here.")
