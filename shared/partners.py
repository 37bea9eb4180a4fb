"""Partner systems: OAuth 2 access tokens (RFC 9068) that identity issues, believed by the gateway and by every service.

A token is not enough: its api client may have been revoked since. Whoever reads one asks identity, with the token
itself as the proof, and believes a yes for a second at most.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
import msgspec

from shared.actor import Actor
from shared.breaker import Breaker
from shared.clock import inside
from shared.errors import Unauthorized, Unavailable
from shared.language import gettext as _
from shared.tokens import PublicKeys, SignedBody, TokenReader

TYPE = "at+jwt"
AUDIENCE = "client-portal"
MAX_LIFE = 600
LIVE_SECONDS = 1.0
"""How long a yes of identity counts, from the moment of the question."""
ASK_SECONDS = 2
REMEMBERED = 4096
JWKS_PATH = "/oauth/jwks.json"
WHOAMI_PATH = "/oauth/whoami"


class InvalidToken(Unauthorized):
    """Forged, too old, meant for others, or of an api client that was revoked or lost rights: never told apart."""

    code = "auth.invalid_token"
    challenge = 'Bearer error="invalid_token"'

    def __init__(self) -> None:
        super().__init__(_("The access token is not valid here. Get a new one."))


class AccessToken(SignedBody, frozen=True, kw_only=True):
    """A partner token's body: `sub` is the api client, `cid` the one client it is bound to, `ver` its version."""

    sub: UUID
    jti: UUID
    ver: int
    scope: str = ""
    cid: UUID | None = None

    def actor(self, name: str, ip: str) -> Actor:
        """The api client `name` as the author of what happens. Nothing it opens outlives the token."""
        return Actor(
            id=self.sub,
            name=name,
            kind="partner",
            client_id=self.cid,
            session_id=self.jti,
            session_ends=inside(datetime.fromtimestamp(self.exp, UTC)),
            scopes=frozenset(self.scope.split()),
            ip=ip,
        )


Liveness = Callable[[str, AccessToken], Awaitable[str | None]]
"""Returns the api client's name if this token is still valid, None if not. Raises `Unavailable` if that is unknown."""


class PartnerVerifier:
    """Checks partner tokens: `issuer` is the portal's public address, `live` whoever knows the api clients."""

    def __init__(self, issuer: str, keys: PublicKeys, live: Liveness) -> None:
        self._reader = TokenReader(AccessToken, keys, typ=TYPE, issuer=issuer, audience=AUDIENCE, max_life=MAX_LIFE)
        self._live = live

    async def verify(self, token: str, ip: str) -> Actor:
        """The partner a token names. Raises `InvalidToken`, or `Unavailable` while nobody can say if it counts."""
        try:
            body = await self._reader.read(token)
        except Unauthorized as error:
            raise InvalidToken from error
        name = await self._live(token, body)
        if name is None:
            raise InvalidToken
        return body.actor(name, ip)


def asking(issuer: str, identity: str) -> PartnerVerifier:
    """The verifier of everybody but identity, which answers at the address `identity`."""
    return PartnerVerifier(issuer, PublicKeys(f"{identity}{JWKS_PATH}"), _AskIdentity(identity))


class _AskIdentity:
    """Liveness over HTTP: callers with the same token share one question, and its answer for `LIVE_SECONDS`."""

    def __init__(self, identity: str) -> None:
        self._url = f"{identity}{WHOAMI_PATH}"
        self._breaker = Breaker(identity)
        self._asked: dict[str, tuple[float, asyncio.Task[str | None]]] = {}

    async def __call__(self, token: str, _body: AccessToken) -> str | None:
        since, question = self._asked.get(token, (0.0, None))
        if question is None or time.monotonic() - since >= LIVE_SECONDS or _failed(question):
            if len(self._asked) >= REMEMBERED:
                self._asked.clear()
            question = asyncio.create_task(self._ask(token))
            self._asked[token] = (time.monotonic(), question)
        return await asyncio.shield(question)

    async def _ask(self, token: str) -> str | None:
        if self._breaker.is_open:
            raise _nobody_knows()
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        bearer = {"Authorization": f"Bearer {token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self._url, headers=bearer, allow_redirects=False) as answer,
            ):
                self._breaker.answered()
                if answer.status == 200:
                    return msgspec.json.decode(await answer.read(), type=_Whoami).name
                if answer.status == 401:
                    return None
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
            if isinstance(error, TimeoutError):
                self._breaker.silent()
            raise _nobody_knows() from error
        raise _nobody_knows()


def _nobody_knows() -> Unavailable:
    return Unavailable(_("Nobody can say right now if this access token counts."), retry_after=2)


class _Whoami(msgspec.Struct):
    name: str


def _failed(question: "asyncio.Task[str | None]") -> bool:
    return question.done() and (question.cancelled() or question.exception() is not None)
