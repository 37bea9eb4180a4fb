"""The keys partner tokens are signed with (RFC 8037: Ed25519 as a JSON Web Key)."""

from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from shared.config import SettingsError
from shared.partners import TYPE
from shared.tokens import ALGORITHM, InvalidClaims, PublicKeys

_registry = JWSRegistry(algorithms=[ALGORITHM])


class TokenKeys(PublicKeys):
    """Signs, and verifies what it has signed without asking anybody."""

    def __init__(self, text: str) -> None:
        """`text` is a private JWK or a set of them: the first signs, all are published. Raises `SettingsError`."""
        super().__init__("")
        self._private = [_import(each) for each in _jwks(text)]
        self._head = {"alg": ALGORITHM, "kid": self._private[0].kid, "typ": TYPE}
        public = [key.as_dict(private=False, alg=ALGORITHM, use="sig", kid=key.kid) for key in self._private]
        self._own = KeySet.import_key_set({"keys": public})
        self.jwks = msgspec.json.encode({"keys": public})
        """What is published (RFC 7517)."""

    async def for_key(self, kid: object) -> KeySet:
        """The set, with the key `kid` in it. Raises `InvalidClaims`."""
        if not any(key.kid == kid for key in self._own.keys):
            raise InvalidClaims
        return self._own

    def sign(self, body: dict[str, Any]) -> str:
        """An access token with this body."""
        return jwt.encode(self._head, body, self._private[0], registry=_registry)


def _jwks(text: str) -> list[dict[str, Any]]:
    try:
        read = msgspec.json.decode(text, type=dict[str, Any])
        found = msgspec.convert(read.get("keys", [read]), list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise SettingsError("PORTAL_TOKEN_KEY: not a JWK or JWK set") from error
    if not found:
        raise SettingsError("PORTAL_TOKEN_KEY: no key in the set")
    return found


def _import(jwk: dict[str, Any]) -> OKPKey:
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", ALGORITHM) or "d" not in jwk:
        raise SettingsError("PORTAL_TOKEN_KEY: not a private Ed25519 JWK")
    try:
        key = OKPKey.import_key(jwk)
    except (JoseError, ValueError) as error:
        raise SettingsError("PORTAL_TOKEN_KEY: a JWK that cannot be read") from error
    key.ensure_kid()
    return key
