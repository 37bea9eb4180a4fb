"""Time-based one-time passwords (RFC 6238): six digits, 30 seconds, SHA-1, as every authenticator app knows them."""

from hmac import compare_digest
from uuid import UUID

from pyotp import random_base32
from pyotp.totp import TOTP

from shared.clock import outside
from shared.sealing import Sealer

SECONDS = 30
DRIFT = 1
"""Steps a clock may be off, either way (RFC 6238, 5.2)."""


class Totp:
    """Makes secrets and reads codes. A secret leaves it once, for the app, and is otherwise sealed to its person."""

    def __init__(self, sealer: Sealer, issuer: str) -> None:
        """`issuer`: how the app calls this portal."""
        self._sealer = sealer
        self._issuer = issuer

    def new_secret(self) -> str:
        """160 random bits in base32 (RFC 4226, 4)."""
        return random_base32()

    def seal(self, secret: str, person_id: UUID) -> bytes:
        return self._sealer.seal(secret.encode(), _bound_to(person_id))

    def uri(self, secret: str, account: str) -> str:
        """The `otpauth:` address that an app reads from a QR code."""
        return TOTP(secret).provisioning_uri(name=account, issuer_name=self._issuer)

    def step_of(self, sealed: bytes, person_id: UUID, code: str, *, after: int = 0) -> int | None:
        """The oldest step not before now by more than `DRIFT`, and later than `after`, whose code this is; else None.

        The oldest: where two steps beside each other have the same code, the later one is still good when it comes.
        """
        codes = TOTP(self._sealer.open(sealed, _bound_to(person_id)).decode(), interval=SECONDS)
        present = int(outside().timestamp()) // SECONDS
        window = range(max(present - DRIFT, after + 1), present + DRIFT + 1)
        return next((step for step in window if compare_digest(codes.generate_otp(step), code)), None)


def _bound_to(person_id: UUID) -> bytes:
    return f"totp:{person_id}".encode()
