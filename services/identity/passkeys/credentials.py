"""What a browser hands over of a passkey, as far as it counts: `PublicKeyCredential.toJSON()` (WebAuthn 3, 5.1)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

Encoded = Annotated[str, Meta(max_length=20_000, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]
"""Bytes in base64url. An attestation with certificates takes a few kilobytes."""
Transport = Annotated[str, Meta(max_length=20, pattern=r"^[a-z-]+$(?!\n)")]


class Made(msgspec.Struct, frozen=True):
    client_data: Encoded = field(name="clientDataJSON")
    attestation: Encoded = field(name="attestationObject")
    transports: Annotated[list[Transport], Meta(max_length=10)] = []


class NewCredential(msgspec.Struct, frozen=True):
    """The answer to `navigator.credentials.create()`. Browsers may add fields of later levels; they are not read."""

    id: Encoded
    response: Made
    type: Literal["public-key"] = "public-key"

    def read(self) -> RegistrationCredential:
        """The same in bytes. Raises `ValueError`."""
        return RegistrationCredential(
            id=self.id,
            raw_id=base64url_to_bytes(self.id),
            response=AuthenticatorAttestationResponse(
                client_data_json=base64url_to_bytes(self.response.client_data),
                attestation_object=base64url_to_bytes(self.response.attestation),
            ),
        )


class Shown(msgspec.Struct, frozen=True):
    client_data: Encoded = field(name="clientDataJSON")
    authenticator_data: Encoded = field(name="authenticatorData")
    signature: Encoded
    user_handle: Encoded | None = field(name="userHandle", default=None)


class Assertion(msgspec.Struct, frozen=True):
    """The answer to `navigator.credentials.get()`."""

    id: Encoded
    response: Shown
    type: Literal["public-key"] = "public-key"

    def read(self) -> AuthenticationCredential:
        """The same in bytes. Raises `ValueError`."""
        handle = self.response.user_handle
        return AuthenticationCredential(
            id=self.id,
            raw_id=base64url_to_bytes(self.id),
            response=AuthenticatorAssertionResponse(
                client_data_json=base64url_to_bytes(self.response.client_data),
                authenticator_data=base64url_to_bytes(self.response.authenticator_data),
                signature=base64url_to_bytes(self.response.signature),
                user_handle=base64url_to_bytes(handle) if handle else None,
            ),
        )

    @property
    def credential_id(self) -> bytes:
        """Which passkey it claims to be; b"" where that cannot be read."""
        try:
            return base64url_to_bytes(self.id)
        except ValueError:
            return b""


def challenge_of(credential: NewCredential | Assertion) -> str:
    """The challenge a credential says it answers, in base64url; "" where it cannot be read."""
    try:
        told = parse_client_data_json(base64url_to_bytes(credential.response.client_data))
    except (ValueError, TypeError, AttributeError, WebAuthnException):
        return ""
    return bytes_to_base64url(told.challenge)
