"""What must be read again is kept sealed: AES-256-GCM, bound to whom or what it belongs to.

Passwords, tokens and codes are not among it: of those a hash is enough.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.config import SettingsError

NONCE = 12


class Sealer:
    """Seals and opens with one key, mostly the service's own."""

    def __init__(self, key: str, setting: str = "PORTAL_SECRETS_KEY") -> None:
        """`key`: 256 bits in base64url, from this setting. Raises `SettingsError`."""
        try:
            raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        except (binascii.Error, ValueError) as error:
            raise SettingsError(f"{setting}: not base64url") from error
        if len(raw) != 32:
            raise SettingsError(f"{setting}: not 256 bits")
        self._cipher = AESGCM(raw)

    def seal(self, secret: bytes, bound_to: bytes) -> bytes:
        """The sealed form of `secret`; it opens for the same `bound_to` only, so a row copied elsewhere is useless."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The secret. Raises `ValueError` where the key, the row or a bit is not the one it was sealed with."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], bound_to)
        except InvalidTag as error:
            raise ValueError("sealed with another key, or for another row") from error
