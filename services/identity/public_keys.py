"""Public keys of others, as identity providers and partner systems publish them (RFC 7517): which are used at all."""

from collections.abc import Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.util import base64_to_int

from shared.language import gettext as _

LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 8192
"""A longer one makes each look at a signature dear, for whoever is asked to look, and nothing safer."""
MOST_EXPONENT_BITS = 32
"""Everybody's is 65537; the work grows with it, and a key can have one as long as itself."""
_LONGEST = MOST_RSA_BITS // 6 + 2
"""Characters of a number in base64url: a longer one is not even read."""


class Unfit(ValueError):
    """Not a key that is used here; the message says why, in words for whoever gave it."""


def read_key(jwk: Any) -> Key:
    """An Ed25519, P-256 or RSA key of a size that is used. Raises `Unfit`."""
    try:
        match jwk:
            case {"kty": "OKP", "crv": "Ed25519"}:
                return OKPKey.import_key(jwk)
            case {"kty": "EC", "crv": "P-256"}:
                return ECKey.import_key(jwk)
            case {"kty": "RSA", "n": str(modulus), "e": str(exponent)}:
                _require_size(modulus, exponent)
                return RSAKey.import_key(jwk)
            case _:
                raise Unfit(_("Each key must be an Ed25519, P-256 or RSA key."))
    except Unfit:
        raise
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unfit(_("These keys cannot be read.")) from error


def usable(jwks: Sequence[Any]) -> KeySet:
    """Those of the keys that can be used: providers publish others beside them. Raises `Unfit` where none can."""
    found: list[Key] = []
    for jwk in jwks:
        try:
            found.append(read_key(jwk))
        except Unfit:
            continue
    if not found:
        raise Unfit(_("There is no key among them that can be used."))
    return KeySet(found)


def _require_size(modulus: str, exponent: str) -> None:
    if len(modulus) > _LONGEST or base64_to_int(modulus).bit_length() > MOST_RSA_BITS:
        raise Unfit(_("An RSA key may have {most} bits at most.", most=MOST_RSA_BITS))
    if base64_to_int(modulus).bit_length() < LEAST_RSA_BITS:
        raise Unfit(_("An RSA key needs {least} bits at least.", least=LEAST_RSA_BITS))
    if len(exponent) > _LONGEST or base64_to_int(exponent).bit_length() > MOST_EXPONENT_BITS:
        raise Unfit(_("The public exponent of an RSA key may have {most} bits at most.", most=MOST_EXPONENT_BITS))
