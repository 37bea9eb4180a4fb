"""Callers with claims signed by a test key, as the gateway would sign them."""

import time
from pathlib import Path
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from shared.actor import Actor
from shared.claims import ISSUER, MAX_LIFE, TYPE
from shared.tokens import ALGORITHM


class Signer:
    """Signs tokens; its public keys lie in the file `jwks`."""

    def __init__(self, directory: Path) -> None:
        self.key = OKPKey.generate_key("Ed25519", parameters={"kid": "test", "alg": ALGORITHM, "use": "sig"})
        self.jwks = directory / "jwks.json"
        self.jwks.write_bytes(msgspec.json.encode({"keys": [self.key.as_dict(private=False)]}))

    def token(self, actor: Actor, *audience: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of `actor` for `audience`; `header` and `claims` replace parts of it for hostile tests."""
        issued = int(time.time())
        body: dict[str, Any] = {
            "iss": ISSUER,
            "aud": list(audience),
            "iat": issued,
            "exp": issued + MAX_LIFE,
            "sub": str(actor.id or ""),
            "name": actor.name,
            "kind": actor.kind,
            "cid": str(actor.client_id or ""),
            "sid": str(actor.session_id or ""),
            "sexp": int(actor.session_ends.timestamp()) if actor.session_ends else 0,
            "sv": 1,
            "pol": sorted(actor.policies),
            "roles": {str(project): role for project, role in actor.project_roles.items()},
            "prim": actor.is_primary_contact,
            "ro": actor.read_only,
            "asg": actor.assignments and {str(project): str(client) for project, client in actor.assignments.items()},
            "pat": int(actor.proven_at.timestamp()) if actor.proven_at else 0,
            "ip": actor.ip,
        } | ({"off": sorted(actor.closed)} if actor.closed else {})
        body |= {"scp": sorted(actor.scopes)} if actor.scopes else {}
        body |= {"seen": {"id": str(actor.seen_as.id), "name": actor.seen_as.name}} if actor.seen_as else {}
        head = {"alg": ALGORITHM, "kid": "test", "typ": TYPE} | (header or {})
        return jwt.encode(head, body | claims, self.key, registry=JWSRegistry(algorithms=[ALGORITHM]))

    def headers(self, actor: Actor, *audience: str) -> dict[str, str]:
        """The header a request of `actor` carries."""
        return {"Authorization": f"Bearer {self.token(actor, *audience)}"}
