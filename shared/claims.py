"""The gateway's signed claims: verification with public keys only, and the guards routes use.

A service believes nothing but this token: no plain header, no network position.
"""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard
from prometheus_client import Counter

from shared.actor import Actor, Kind, Reader
from shared.errors import Forbidden, StepUpRequired, Unauthorized
from shared.language import gettext as _
from shared.strict import refuse_null, require_json
from shared.tokens import LEEWAY, InvalidClaims, PublicKeys, SignedBody, TokenReader

ISSUER = "portal-gateway"
TYPE = "portal-claims+jwt"
MAX_LIFE = 60
REMEMBERED = 4096
ANY_SCOPE = ""
"""`opt={"scope": ANY_SCOPE}`: any partner, whatever its scopes."""

REFUSED = Counter("claims_refused", "Tokens shown as the gateway's that this process did not believe.")

Connection = ASGIConnection[Any, Any, Any, Any]
log = structlog.get_logger("claims")


class ClaimsRefused(InvalidClaims):
    """No caller's fault: the gateway signs every request it forwards. It turns this answer into a 503."""

    code = "auth.claims_refused"
    challenge = 'Bearer realm="portal-claims", error="invalid_token"'


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
    seen: Reader | None = None
    asg: dict[UUID, UUID] | None = None
    pat: int = 0
    scp: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
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
            seen_as=self.seen,
            assignments=self.asg,
            proven_at=datetime.fromtimestamp(self.pat, UTC) if self.pat else None,
            scopes=self.scp,
            closed=self.off,
            ip=self.ip,
        )


class Verifier:
    """Checks the gateway's tokens for one audience, with the keys of a file or a URL (`source`)."""

    def __init__(self, audience: str, source: str) -> None:
        keys = PublicKeys(source)
        self._reader = TokenReader(Claims, keys, typ=TYPE, issuer=ISSUER, audience=audience, max_life=MAX_LIFE)
        self._known: dict[str, tuple[int, Actor]] = {}
        self._alarmed = float("-inf")

    def recall(self, token: str) -> Actor | None:
        """The actor of a token that was checked before and has not expired."""
        known = self._known.get(token)
        return known[1] if known and known[0] > time.time() else None

    async def verify(self, token: str) -> Actor:
        """The actor of a token; a token once checked is only looked up until it expires.

        Raises `ClaimsRefused`, which is an alarm: a clock or a key is wrong, or somebody speaks past the gateway.
        """
        if known := self.recall(token):
            return known
        try:
            claims = await self._reader.read(token)
        except InvalidClaims as error:
            REFUSED.inc()
            self._alarm(error)
            raise ClaimsRefused from error
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = (claims.exp + LEEWAY, actor := claims.actor())
        return actor

    def _alarm(self, refusal: InvalidClaims) -> None:
        """Say why, at most once a second: who floods a port floods no log."""
        if time.monotonic() - self._alarmed >= 1:
            self._alarmed = time.monotonic()
            log.error("claims.refused", why=repr(refusal.__cause__ or refusal))


# Guards are coroutines because the framework would send a plain function to a thread: two hops a request, a third of
# the time of a short one. It also copies the route's handler for each of them, so what every route needs is one guard.


async def admit(connection: Connection, _handler: BaseRouteHandler) -> None:
    """The guard of every route: refuses callers the route does not admit, and changes by read-only callers."""
    _require_known(connection)
    _refuse_closed(connection)
    _refuse_read_only(connection)
    require_json(connection)
    refuse_null(connection)


def _require_known(connection: Connection) -> None:
    """Somebody is signed in, unless the route says `opt={"public": True}`.

    `opt={"internal": True}` opens a route to the gateway itself and to nobody else. `opt={"scope": "projects:read"}`
    admits partner systems with that scope as well; without one they are refused, even if the route is public.
    """
    actor: Actor = connection.scope["auth"]
    options = connection.route_handler.opt
    if actor.kind == "partner":
        _require_scope(actor, options.get("scope"))
    if actor.kind == "anonymous" and not options.get("public"):
        raise Unauthorized(_("Sign in first."))
    if (actor.kind == "system") != bool(options.get("internal")):
        raise Forbidden(_("This route is for people.") if actor.kind == "system" else _("This is not a public route."))


class ModuleClosed(Forbidden):
    code = "module.closed"

    def __init__(self) -> None:
        super().__init__(
            _("This part of the portal is not open to your organisation. Ask your contact if you need it.")
        )


def _refuse_closed(connection: Connection) -> None:
    """`opt={"module": "activity"}`: the route is part of a module, which the company may close for a client."""
    actor: Actor = connection.scope["auth"]
    if actor.closed and connection.route_handler.opt.get("module") in actor.closed:
        raise ModuleClosed


class InsufficientScope(Forbidden):
    """RFC 6750, 3.1."""

    code = "auth.insufficient_scope"

    def __init__(self, scope: str | None) -> None:
        super().__init__(
            _("This needs the scope {scope}.", scope=scope) if scope else _("This is not for partner systems.")
        )
        self.challenge = 'Bearer error="insufficient_scope"' + (f', scope="{scope}"' if scope else "")


def _require_scope(actor: Actor, scope: str | None) -> None:
    if scope is None or (scope != ANY_SCOPE and scope not in actor.scopes):
        raise InsufficientScope(scope)


# A scope stands for the policy of the same capability: a token that `admit` accepted has the rights of staff with
# that policy, for the client it is bound to.


def require_staff(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Staff only, and partners with the route's scope. To a client's person the route does not exist."""
    actor: Actor = connection.scope["auth"]
    if not actor.is_staff and actor.kind != "partner":
        raise Forbidden(_("This is for staff."))


def require_policy(policy: str) -> Guard:
    """Staff holding `policy` only, and partners with the route's scope. Carries its name so that the rights
    matrix can be generated.
    """

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        actor: Actor = connection.scope["auth"]
        if not actor.can(policy) and actor.kind != "partner":
            raise Forbidden(_("This needs the policy {policy}.", policy=policy))

    guard.__name__ = f"require_{policy}"
    guard.policy = policy  # pyright: ignore[reportFunctionMemberAccess]
    return guard


async def require_fresh_proof(connection: Connection, _handler: BaseRouteHandler) -> None:
    """For what somebody at an unlocked screen must not do: a proof not older than `FRESH` (ASVS 7.5)."""
    actor: Actor = connection.scope["auth"]
    if not actor.is_freshly_proven:
        raise StepUpRequired


class ViewingOnly(Forbidden):
    code = "auth.viewing_only"

    def __init__(self) -> None:
        super().__init__(_("You are viewing as the client: nothing can be changed here."))


def _refuse_read_only(connection: Connection) -> None:
    """Viewing as a client may look and never write; every unsafe method of every service passes here.

    `opt={"while_viewing": True}` is for what concerns the viewer's own browser: to leave, and to sign out.
    """
    actor: Actor = connection.scope["auth"]
    looks = connection.scope.get("method", "") in ("GET", "HEAD", "OPTIONS")
    if actor.read_only and not looks and not connection.route_handler.opt.get("while_viewing"):
        raise ViewingOnly
