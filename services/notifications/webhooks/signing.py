"""How a receiver knows that it was us: the symmetric scheme of the Standard Webhooks specification, version 1."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(SECRET_BYTES)


def as_text(secret: bytes) -> str:
    """A secret as its receiver gets it."""
    return PREFIX + base64.b64encode(secret).decode()


def signed_headers(keys: Iterable[bytes], delivery_id: UUID, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery: a signature for each of the keys, over id, time (Unix, seconds) and body."""
    content = f"{delivery_id}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys)
    return {
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in made),
    }
