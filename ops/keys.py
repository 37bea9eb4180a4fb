"""The gateway's signing key and its public half (RFC 8037: Ed25519 as a JSON Web Key)."""

from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from ops.stack.secrets import write_private


def new_claims_key() -> dict[str, Any]:
    """A private JWK; its `kid` is the RFC 7638 thumbprint, so equal keys have equal names."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True)
    return key.as_dict(private=True)


def public_set(*private: dict[str, Any]) -> dict[str, Any]:
    """The JWK set that verifies what these keys sign."""
    return {"keys": [OKPKey.import_key(key).as_dict(private=False) for key in private]}


def ensure_claims_key(folder: Path) -> tuple[Path, Path]:
    """`claims-key.json` (private, 0600) and `jwks.json` in `folder`, made at the first call. Returns both paths."""
    private, public = folder / "claims-key.json", folder / "jwks.json"
    if not private.exists():
        write_private(private, as_text(new_claims_key()).encode())
    if not public.exists():
        write_private(public, as_text(public_set(read_key(private))).encode())
    return private, public


def read_key(path: Path) -> dict[str, Any]:
    """The JWK in a file."""
    return msgspec.json.decode(path.read_bytes())


def as_text(key: dict[str, Any]) -> str:
    """A key or key set as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(key)).decode()
