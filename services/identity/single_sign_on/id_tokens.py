"""What an id token must say before it is believed (OpenID Connect Core 1.0, 3.1.3.7; RFC 9700)."""

import time
import warnings

import msgspec
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from shared.addresses import NotAnAddress, kept_address

ALGORITHMS = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"]
"""Signatures of key pairs. Never `none`; never HS*, whose key could be a public one."""
LEEWAY = 60
OLDEST = 600
"""Seconds since a token was made: it comes straight from the provider."""

_registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
# Providers still write EdDSA where RFC 9864 wants Ed25519; the signature is the same.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class Distrusted(Exception):
    """The token does not prove what it claims; the message says why, for the log."""


class UnknownKey(Distrusted):
    """Signed with a key we have not seen: the provider may have new ones."""


class Subject(msgspec.Struct, frozen=True):
    """Who somebody is at a provider. `email` is "" unless the provider has verified it."""

    issuer: str
    subject: str
    email: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None
    nbf: float = 0
    email: str | None = None
    email_verified: object = None

    def audiences(self) -> list[str]:
        return [self.aud] if isinstance(self.aud, str) else self.aud


def read_id_token(token: str, keys: KeySet, *, issuer: str, audience: str, nonce: str) -> Subject:
    """Whom the token speaks of, if `issuer` made it for us (`audience`), now, and for this sign-in (`nonce`).

    Raises `Distrusted`, or `UnknownKey` among them.
    """
    try:
        claims = msgspec.convert(jwt.decode(token, keys, registry=_registry).claims, _Claims)
    except InvalidKeyIdError as error:
        raise UnknownKey("kid") from error
    except (JoseError, ValueError, TypeError, RecursionError, msgspec.ValidationError) as error:
        raise Distrusted(type(error).__name__) from error
    if wrong := _what_is_wrong(claims, issuer, audience, nonce):
        raise Distrusted(wrong)
    return Subject(issuer, claims.sub, _kept(claims.email) if claims.email_verified is True else "")


def _kept(email: str | None) -> str:
    """An address as it is kept here; "" for what is none."""
    try:
        return kept_address(email or "")
    except NotAnAddress:
        return ""


def _what_is_wrong(claims: _Claims, issuer: str, audience: str, nonce: str) -> str:
    now, audiences = time.time(), claims.audiences()
    checks = {
        "iss": claims.iss == issuer,
        "aud": audience in audiences,
        "azp": claims.azp == audience or (claims.azp is None and len(audiences) == 1),
        "sub": 0 < len(claims.sub) <= 255,
        "exp": claims.exp > now - LEEWAY,
        "iat": now - OLDEST < claims.iat < now + LEEWAY,
        "nbf": claims.nbf < now + LEEWAY,
        "nonce": bool(nonce) and claims.nonce == nonce,
    }
    return next((name for name, right in checks.items() if not right), "")
