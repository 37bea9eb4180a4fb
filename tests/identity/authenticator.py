"""A software authenticator with the browser around it: makes and signs what `navigator.credentials` would hand over."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from shared.clock import uuid7
from tests.identity.rig import PUBLIC_URL

PRESENT, VERIFIED, MADE = 0x01, 0x04, 0x40
Answer = dict[str, Any]


@dataclass
class Authenticator:
    """One device with one passkey. What a test sets here, the device and its browser get wrong."""

    rp_id: str = "portal.test"
    origin: str = PUBLIC_URL
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    """What it last said; 0 and it never counts, as passkeys in password managers do."""
    user_handle: bytes = b""
    framed: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: uuid7().bytes)

    def make(self, options: Answer) -> Answer:
        """The answer to `navigator.credentials.create()`."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        known = len(self.credential_id).to_bytes(2) + self.credential_id + self._public_key()
        data = self._data(MADE) + bytes(16) + known
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        told = self._told("webauthn.create", options)
        response = {"clientDataJSON": told, "attestationObject": attestation, "transports": ["internal"]}
        return self._credential(response)

    def sign(self, options: Answer) -> Answer:
        """The answer to `navigator.credentials.get()`."""
        self.counter += bool(self.counter)
        data, told = self._data(), self._told("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": told, "authenticatorData": data, "signature": signature}
        return self._credential(response | ({"userHandle": self.user_handle} if self.user_handle else {}))

    def _data(self, more: int = 0) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | more]) + self.counter.to_bytes(4)

    def _told(self, kind: str, options: Answer) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": self.framed}
        return json.dumps(told).encode()

    def _public_key(self) -> bytes:
        """COSE: EC2, ES256, P-256, x, y (RFC 9053, 7.1.1)."""
        point = self.key.public_key().public_numbers()
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})

    def _credential(self, response: dict[str, Any]) -> Answer:
        encoded = {
            name: bytes_to_base64url(part) if isinstance(part, bytes) else part for name, part in response.items()
        }
        name = bytes_to_base64url(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": encoded, "clientExtensionResults": {}}
