"""What the gateways keep of sessions in Redis has their seal: who can write there signs nobody in.

HMAC-SHA256 (RFC 2104) over the session's hash, the end and the record. So a record counts for its own session alone,
and no longer than it was meant to be kept, whoever puts it back afterwards.
"""

import time
from hmac import compare_digest, digest

_MAC = 32
_END = 8


class Seal:
    """Seals with a secret that all gateways have and nobody else (`ClaimsSigner.secret`)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, name: str, record: bytes, seconds: int) -> bytes:
        """`record` as it may lie in Redis for so many `seconds`."""
        body = (int(time.time()) + seconds).to_bytes(_END) + record
        return self._mac(name, body) + body

    def open(self, name: str, held: bytes) -> bytes | None:
        """The record, unless nobody sealed it for this `name`, or its time is over."""
        mac, body = held[:_MAC], held[_MAC:]
        if not compare_digest(mac, self._mac(name, body)) or int.from_bytes(body[:_END]) <= time.time():
            return None
        return body[_END:]

    def _mac(self, name: str, body: bytes) -> bytes:
        return digest(self._secret, name.encode() + b"\0" + body, "sha256")
