"""The keys of an installation: what the gateway signs with (RFC 8037: Ed25519 as a JSON Web Key), what identity signs
partner tokens with, and what identity, notifications and the portal seal with.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from ops.stack.secrets import write_private


@dataclass(frozen=True)
class KeyFiles:
    """Where each lies. `claims` is the gateway's alone, `tokens` and `secrets` are identity's, `webhook_secrets`
    notifications', `form_secrets` the portal's, `jwks` is everybody's. `orders` is identity's, and for services that
    order mails with a secret in them.
    """

    claims: Path
    jwks: Path
    tokens: Path
    secrets: Path
    orders: Path
    webhook_secrets: Path
    form_secrets: Path


def new_secrets_key() -> str:
    """256 random bits in base64url."""
    return secrets.token_urlsafe(32)


def new_claims_key() -> dict[str, Any]:
    """A private JWK; its `kid` is the RFC 7638 thumbprint, so equal keys have equal names."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True)
    return key.as_dict(private=True)


def public_set(*private: dict[str, Any]) -> dict[str, Any]:
    """The JWK set that verifies what these keys sign."""
    return {"keys": [OKPKey.import_key(key).as_dict(private=False) for key in private]}


def ensure_keys(gateway: Path, identity: Path, notifications: Path, portal: Path) -> KeyFiles:
    """`claims-key.json` and `jwks.json` in the folder `gateway`, `token-key.json`, `secrets-key` and `orders-key` in
    `identity`, `webhook-secrets-key` in `notifications`, `form-secrets-key` in `portal`; each is made at the first
    call, readable by its owner alone (0600).
    """
    files = KeyFiles(
        claims=gateway / "claims-key.json",
        jwks=gateway / "jwks.json",
        tokens=identity / "token-key.json",
        secrets=identity / "secrets-key",
        orders=identity / "orders-key",
        webhook_secrets=notifications / "webhook-secrets-key",
        form_secrets=portal / "form-secrets-key",
    )
    for private in (files.claims, files.tokens):
        if not private.exists():
            write_private(private, as_text(new_claims_key()).encode())
    if not files.jwks.exists():
        write_private(files.jwks, as_text(public_set(read_key(files.claims))).encode())
    for sealing in (files.secrets, files.orders, files.webhook_secrets, files.form_secrets):
        if not sealing.exists():
            write_private(sealing, new_secrets_key().encode())
    return files


def read_key(path: Path) -> dict[str, Any]:
    """The JWK in a file."""
    return msgspec.json.decode(path.read_bytes())


def as_text(key: dict[str, Any]) -> str:
    """A key or key set as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(key)).decode()
