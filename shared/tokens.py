"""Signed tokens: their keys, asked for where they are published, and what makes one good here and now."""

import asyncio
import base64
import binascii
import json
import time
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from shared.errors import Unauthorized, Unavailable
from shared.language import gettext as _

ALGORITHM = "Ed25519"
LEEWAY = 30
"""Seconds by which the clocks of who signs and who reads may differ, either way."""
REFRESH_SECONDS = 30
"""A token with an unknown key id asks for the key set again, at most this often."""
KEYS_LIVE_SECONDS = 300
"""A key that is published no more counts no more after this time, if the source can be asked."""

_jws = JWSRegistry(algorithms=[ALGORITHM])


class SignedBody(msgspec.Struct, frozen=True, kw_only=True):
    """What every token of ours says of itself, in seconds since 1970."""

    exp: int
    iat: int


B = TypeVar("B", bound=SignedBody)


class InvalidClaims(Unauthorized):
    code = "auth.invalid_token"

    def __init__(self) -> None:
        super().__init__(_("The token is not valid here."))


class PublicKeys:
    """The keys of one issuer, from a file or a URL (`source`); they stay in use while it is down."""

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
                raise Unavailable(_("The signing keys cannot be read right now.")) from error
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
