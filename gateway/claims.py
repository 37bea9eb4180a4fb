"""The claims token that services accept: 60 seconds at most, one audience list, Ed25519 (RFC 8037, RFC 9864)."""

import time
from collections.abc import Iterable
from datetime import datetime
from hmac import digest
from typing import Any
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from gateway.sessions import Session
from shared.actor import Actor, Reader
from shared.claims import ISSUER, MAX_LIFE, TYPE
from shared.config import SettingsError
from shared.tokens import ALGORITHM

RENEW_BEFORE = 20
"""A token with fewer seconds left is not handed out: the service's own work and a clock off by a few must fit in."""
REMEMBERED = 20_000

_registry = JWSRegistry(algorithms=[ALGORITHM])
_Stamp = tuple[UUID, int, datetime, UUID | None, tuple[str, ...], Reader | None]
_Key = tuple[_Stamp | None, tuple[str, ...], str]


class ClaimsSigner:
    """Signs, and remembers a token until it is `RENEW_BEFORE` seconds from its end."""

    def __init__(self, keys: str) -> None:
        """`keys` is a private JWK or a set of them: the first signs, all are published, so a key can be rotated.

        Raises `SettingsError`.
        """
        self._keys = [_import(each) for each in _jwks(keys)]
        self._header = {"alg": ALGORITHM, "kid": self._keys[0].kid, "typ": TYPE}
        self._tokens: dict[_Key, tuple[float, bytes]] = {}
        self.jwks = msgspec.json.encode({"keys": [_public(key) for key in self._keys]})

    def token(self, session: Session | None, audience: tuple[str, ...], ip: str) -> bytes:
        """A token of whoever holds `session`; of nobody (`anonymous`), with a trustworthy address, without one."""
        key = (_stamp(session) if session else None, audience, ip)
        known = self._tokens.get(key)
        if known and known[0] > time.time():
            return known[1]
        if len(self._tokens) >= REMEMBERED:
            self._tokens.clear()
        token = self._sign(_who(session) if session else {"kind": "anonymous"}, audience, ip)
        self._tokens[key] = (time.time() + MAX_LIFE - RENEW_BEFORE, token)
        return token

    def partner_token(self, partner: Actor, audience: tuple[str, ...], ip: str) -> bytes:
        """A token of a partner system whose own one was checked just now."""
        who = {
            "sub": str(partner.id),
            "name": partner.name,
            "kind": partner.kind,
            "cid": str(partner.client_id or ""),
            "sid": str(partner.session_id),
            "sexp": int(partner.session_ends.timestamp()) if partner.session_ends else 0,
            "scp": sorted(partner.scopes),
        }
        return self._sign(who, audience, ip)

    def system_token(self, service: str) -> bytes:
        """A token of the gateway itself, for the one internal question it asks of `service`."""
        return self._sign({"kind": "system", "name": "Gateway"}, (service,), "")

    def secret(self, purpose: str) -> bytes:
        """256 bits derived from the signing key: the same for every gateway that has this key."""
        return digest(str(self._keys[0].as_dict(private=True)["d"]).encode(), purpose.encode(), "sha256")

    def _sign(self, who: dict[str, Any], audience: Iterable[str], ip: str) -> bytes:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": list(audience), "iat": now, "exp": now + MAX_LIFE, "sub": "", **who, "ip": ip}
        return jwt.encode(self._header, claims, self._keys[0], registry=_registry).encode()


def _stamp(session: Session) -> _Stamp:
    """What tells two states of a session apart: the person's rights raise the version, and nothing else does."""
    return (
        session.session_id,
        session.version,
        session.proven_at,
        session.client_id,
        session.closed,
        session.seen_as,
    )


def _who(session: Session) -> dict[str, Any]:
    seen = session.seen_as
    who = {
        "sub": str(session.person_id),
        "name": session.name,
        "kind": session.kind,
        "cid": str(session.client_id or ""),
        "sid": str(session.session_id),
        "sexp": int(session.expires_at.timestamp()),
        "sv": session.version,
        "pol": session.policies,
        "roles": {str(project): role for project, role in session.project_roles.items()},
        "prim": session.is_primary_contact,
        "ro": session.read_only,
        "asg": session.assignments and {str(project): str(client) for project, client in session.assignments.items()},
        "pat": int(session.proven_at.timestamp()),
    } | ({"off": session.closed} if session.closed else {})
    return who | ({"seen": {"id": str(seen.id), "name": seen.name}} if seen else {})


def _jwks(text: str) -> list[dict[str, Any]]:
    try:
        read = msgspec.json.decode(text, type=dict[str, Any])
        found = msgspec.convert(read.get("keys", [read]), list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise SettingsError("PORTAL_CLAIMS_KEY: not a JWK or JWK set") from error
    if not found:
        raise SettingsError("PORTAL_CLAIMS_KEY: no key in the set")
    return found


def _import(jwk: dict[str, Any]) -> OKPKey:
    if (jwk.get("kty"), jwk.get("crv")) != ("OKP", ALGORITHM) or "d" not in jwk:
        raise SettingsError("PORTAL_CLAIMS_KEY: not a private Ed25519 JWK")
    key = OKPKey.import_key(jwk)
    key.ensure_kid()
    return key


def _public(key: OKPKey) -> dict[str, Any]:
    return key.as_dict(private=False, alg=ALGORITHM, use="sig", kid=key.kid)
