"""Partner systems for tests: api clients made through the API, and how they get tokens."""

import base64
import time
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from services.identity.api_clients.models import SCOPES
from services.identity.tokens import new_token
from shared.actor import Actor
from shared.clock import now
from tests.identity.rig import ADMIN, PUBLIC_URL, Identity, somewhere, staff

TOKEN_ENDPOINT = f"{PUBLIC_URL}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ERP = "acme-erp/2.1"
EVERY_SCOPE = list(SCOPES)


def manager(*policies: str) -> Actor:
    """Staff with these policies, all of them if none is named, who have just proven who they are."""
    return msgspec.structs.replace(staff(*policies) if policies else ADMIN, proven_at=now())


def basic(name: str, password: str) -> dict[str, str]:
    """RFC 6749, 2.3.1."""
    pair = f"{quote(name, safe='')}:{quote(password, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def create(identity: Identity, **fields: Any) -> dict[str, Any]:
    """A new api client as its one answer shows it, for all clients and with every scope unless told otherwise."""
    body = {"name": "Acme ERP", "scopes": EVERY_SCOPE, "client_id": None, **fields}
    answer = await identity.api(manager(), "POST", "api-clients", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(identity: Identity, proof: dict[str, str] | None = None, **request: Any) -> httpx2.Response:
    """Ask for a token, from an address of its own; `proof` is the `Authorization` header."""
    form = {"grant_type": "client_credentials", **request.pop("form", {})}
    headers = {"User-Agent": ERP, **request.pop("headers", {})}
    if proof:  # as it comes through the gateway, which uses that header itself
        headers["X-OAuth-Authorization"] = proof["Authorization"]
    return await identity.api(
        request.pop("at", None) or somewhere(), "POST", "/oauth/token", data=form, headers=headers, **request
    )


async def token_of(identity: Identity, made: dict[str, Any], **form: str) -> str:
    """An access token of an api client."""
    answer = await ask(identity, basic(made["id"], made["client_secret"]), form=form)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def call(identity: Identity, token: str, method: str, path: str, **request: Any) -> httpx2.Response:
    """Ask identity with an access token, at its own port."""
    headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})}
    return await identity.api(None, method, path, headers=headers, **request)


KEYS: dict[str, Key] = {
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
}
JWKS = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}


def assertion(client: str, alg: str = "Ed25519", key: Key | None = None, **claims: Any) -> dict[str, str]:
    """The form fields of `private_key_jwt` (RFC 7523, 2.2); a claim of None is left out."""
    signing = key or KEYS[alg]
    now = int(time.time())
    body = {
        "iss": client,
        "sub": client,
        "aud": TOKEN_ENDPOINT,
        "jti": new_token(),
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    body = {name: value for name, value in body.items() if value is not None}
    head = {"alg": alg, "kid": signing.kid}
    signed = jwt.encode(head, body, signing, registry=JWSRegistry(algorithms=[alg]))
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
