"""The gateway's signed claims: verification with public keys only, and the guards routes use.

A service believes nothing but this token: no plain header, no network position (architecture: "A request").
"""

import asyncio
import base64
import binascii
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar
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
from shared.clock import now
from shared.errors import Forbidden, Unauthorized, Unavailable

ISSUER = "portal-gateway"
TYPE = "portal-claims+jwt"
ALGORITHM = "Ed25519"
MAX_LIFE = 60
LEEWAY = 5
REFRESH_SECONDS = 30
"""A token with an unknown key id asks for the key set again, at most this often."""
KEYS_LIVE_SECONDS = 300
"""A key that is published no more counts no more after this time, if the source can be asked."""
REMEMBERED = 4096
FRESH = timedelta(minutes=10)
"""How long a proof of who somebody is counts for what needs a fresh one."""
ANY_SCOPE = ""
"""`opt={"scope": ANY_SCOPE}`: any partner, whatever its scopes."""

_jws = JWSRegistry(algorithms=[ALGORITHM])
Connection = ASGIConnection[Any, Any, Any, Any]


class SignedBody(msgspec.Struct, frozen=True, kw_only=True):
    """What every token of ours says of itself, in seconds since 1970."""

    exp: int
    iat: int


B = TypeVar("B", bound=SignedBody)


class Claims(SignedBody, frozen=True, kw_only=True):
    """The token's body. Short names: it travels with every request."""

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
    scp: frozenset[str] = frozenset()
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
            scopes=self.scp,
            ip=self.ip,
        )


class InvalidClaims(Unauthorized):
    code = "auth.invalid_token"

    def __init__(self) -> None:
        super().__init__("The token is not valid here.")


class PublicKeys:
    """The keys of one issuer, from a file or a URL (`source`); they stay in use while it is down (G6)."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._keys = KeySet([])
        self._asked = float("-inf")
        self._lock = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def for_key(self, kid: object) -> KeySet:
        """The set, with the key `kid` in it. Raises `InvalidClaims` where there is none, `Unavailable` without a set.

        For an unknown key the source is asked at most once per `REFRESH_SECONDS`. Keys that grew old are asked for
        again while they go on being used.
        """
        if self._has(kid):
            if self._age() > KEYS_LIVE_SECONDS:
                self._asked = time.monotonic()
                self._renewing = asyncio.create_task(self._load())
            return self._keys
        async with self._lock:
            if not self._has(kid) and self._age() > REFRESH_SECONDS:
                await self._load()
        if not self._has(kid):
            raise InvalidClaims
        return self._keys

    def _age(self) -> float:
        return time.monotonic() - self._asked

    def _has(self, kid: object) -> bool:
        return isinstance(kid, str) and any(key.kid == kid for key in self._keys.keys)

    async def _load(self) -> None:
        try:
            self._keys = KeySet.import_key_set(msgspec.json.decode(await _fetch(self._source)))
        except (OSError, aiohttp.ClientError, TimeoutError, ValueError, JoseError, msgspec.MsgspecError) as error:
            if not self._keys.keys:
                raise Unavailable("The signing keys cannot be read right now.") from error
        self._asked = time.monotonic()


class TokenReader(Generic[B]):
    """Reads signed tokens of one type (`typ`), issuer and audience that live at most `max_life` seconds."""

    def __init__(self, body: type[B], keys: PublicKeys, *, typ: str, issuer: str, audience: str, max_life: int) -> None:
        self._body = body
        self._keys = keys
        self._typ = typ
        self._max_life = max_life
        self._registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True, "allow_blank": True},
        )

    async def read(self, token: str) -> B:
        """The body of a token that is good here and now. Raises `InvalidClaims`, or `Unavailable` without keys."""
        head = header_of(token)
        if head.get("typ") != self._typ:
            raise InvalidClaims
        keys = await self._keys.for_key(head.get("kid"))
        try:
            found = jwt.decode(token, keys, algorithms=[ALGORITHM], registry=_jws, decoder_cls=_Unambiguous).claims
            self._registry.validate(found)
            body = msgspec.convert({name: value for name, value in found.items() if value != ""}, self._body)
        except (JoseError, ValueError, TypeError, msgspec.ValidationError) as error:
            raise InvalidClaims from error
        if body.exp - body.iat > self._max_life:
            raise InvalidClaims
        return body


class Verifier:
    """Checks the gateway's tokens for one audience, with the keys of a file or a URL (`source`)."""

    def __init__(self, audience: str, source: str) -> None:
        keys = PublicKeys(source)
        self._reader = TokenReader(Claims, keys, typ=TYPE, issuer=ISSUER, audience=audience, max_life=MAX_LIFE)
        self._known: dict[str, tuple[int, Actor]] = {}

    async def verify(self, token: str) -> Actor:
        """The actor of a token. Raises `InvalidClaims`; a token once checked is only looked up until it expires."""
        known = self._known.get(token)
        if known and known[0] > time.time():
            return known[1]
        claims = await self._reader.read(token)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = (claims.exp, actor := claims.actor())
        return actor


class _Unambiguous(json.JSONDecoder):
    """JSON in which no name counts twice: two readers could read two things (RFC 8725, 2.4)."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def header_of(token: str) -> dict[str, Any]:
    """What a token says of itself in its head, nothing of it verified; {} where it says nothing readable."""
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), cls=_Unambiguous)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


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

    `opt={"internal": True}` opens a route to the gateway itself and to nobody else. `opt={"scope": "projects:read"}`
    opens it to partner systems with that scope as well; without one they have no way in, not even where it is public.
    """
    actor: Actor = connection.scope["auth"]
    options = connection.route_handler.opt
    if actor.kind == "partner":
        _require_scope(actor, options.get("scope"))
    if actor.kind == "anonymous" and not options.get("public"):
        raise Unauthorized("Sign in first.")
    if (actor.kind == "system") != bool(options.get("internal")):
        raise Forbidden("This route is for people." if actor.kind == "system" else "This is not a public route.")


class InsufficientScope(Forbidden):
    """RFC 6750, 3.1."""

    code = "auth.insufficient_scope"

    def __init__(self, scope: str | None) -> None:
        super().__init__(f"This needs the scope {scope}." if scope else "This is not for partner systems.")
        self.challenge = 'Bearer error="insufficient_scope"' + (f', scope="{scope}"' if scope else "")


def _require_scope(actor: Actor, scope: str | None) -> None:
    if scope is None or (scope != ANY_SCOPE and scope not in actor.scopes):
        raise InsufficientScope(scope)


# A scope stands for the policy of the same capability: who got past `require_known` with it may do what staff with the
# policy may, for the client the token is bound to.


def require_staff(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Staff only, and partners with the route's scope. To a client's person the route does not exist."""
    actor: Actor = connection.scope["auth"]
    if not actor.is_staff and actor.kind != "partner":
        raise Forbidden("This is for staff.")


def require_policy(policy: str) -> Guard:
    """Staff holding `policy` only (seed 002), and partners with the route's scope. Carries its name so that the rights
    matrix can be generated.
    """

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        actor: Actor = connection.scope["auth"]
        if not actor.can(policy) and actor.kind != "partner":
            raise Forbidden(f"This needs the policy {policy}.")

    guard.__name__ = f"require_{policy}"
    guard.policy = policy  # pyright: ignore[reportFunctionMemberAccess]
    return guard


class StepUpRequired(Forbidden):
    code = "auth.step_up_required"

    def __init__(self) -> None:
        super().__init__("Prove once more that it is you, then try again.")


def freshly_proven(actor: Actor) -> bool:
    """Whether the actor has proven within `FRESH` who they are."""
    return actor.proven_at is not None and now() - actor.proven_at < FRESH


async def require_fresh_proof(connection: Connection, _handler: BaseRouteHandler) -> None:
    """For what somebody at an unlocked screen must not do: a proof not older than `FRESH` (ASVS 7.5)."""
    if not freshly_proven(connection.scope["auth"]):
        raise StepUpRequired


class ViewingOnly(Forbidden):
    code = "auth.viewing_only"

    def __init__(self) -> None:
        super().__init__("You are viewing as the client: nothing can be changed here.")


async def refuse_read_only(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Viewing as a client may look and never write; every unsafe method of every service passes here.

    `opt={"while_viewing": True}` is for what concerns the viewer's own browser: to leave, and to sign out.
    """
    actor: Actor = connection.scope["auth"]
    looks = connection.scope.get("method", "") in ("GET", "HEAD", "OPTIONS")
    if actor.read_only and not looks and not connection.route_handler.opt.get("while_viewing"):
        raise ViewingOnly
