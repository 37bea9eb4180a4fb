"""Secrets handed to a browser, and what is kept of them."""

import secrets
from hashlib import sha256


def new_token() -> str:
    """256 random bits in base64url, 43 characters."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """The SHA-256 of a token in hex: all that is ever stored. No salt: the token itself cannot be guessed."""
    return sha256(token.encode()).hexdigest()
