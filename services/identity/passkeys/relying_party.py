"""The portal as WebAuthn's relying party: what it asks browsers for, and what it accepts from them."""

import struct
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as UnknownToCryptography
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.identity.passkeys.credentials import Assertion, NewCredential
from services.identity.passkeys.models import CHALLENGE, Passkey

TIMEOUT = int(CHALLENGE.total_seconds() * 1000)
TRANSPORTS = {transport.value: transport for transport in AuthenticatorTransport}
_WRONG = (
    WebAuthnException,
    InvalidSignature,
    UnknownToCryptography,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    struct.error,
)
"""What reading and checking hostile bytes raises; all of it means: not a passkey we accept."""


class NotAccepted(Exception):
    """The bytes are not what an authenticator makes for this portal and this challenge."""


class Made(msgspec.Struct, frozen=True):
    """A new key pair's public half."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]


class RelyingParty:
    """Passkeys belong to the host of `public_url`, and work on exactly that origin."""

    def __init__(self, public_url: str, name: str) -> None:
        url = urlsplit(public_url)
        self.id = url.hostname or ""
        self._origin = f"{url.scheme}://{url.netloc}"
        self._name = name

    def ask_for_new(
        self, challenge: str, person_id: UUID, email: str, name: str, known: list[Passkey]
    ) -> dict[str, Any]:
        """Options for `navigator.credentials.create()`, as JSON: a passkey the browser finds without an address being
        typed, behind a fingerprint, face or PIN. One of `known` is not made twice.
        """
        selection = AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        )
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self._name,
            user_id=person_id.bytes,
            user_name=email,
            user_display_name=name,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT,
            authenticator_selection=selection,
            exclude_credentials=_descriptors(known),
        )
        return options_to_json_dict(options)

    def ask_for_proof(self, challenge: str, allowed: list[Passkey]) -> dict[str, Any]:
        """Options for `navigator.credentials.get()`, as JSON: any passkey of this portal, or one of `allowed`."""
        options = generate_authentication_options(
            rp_id=self.id,
            challenge=base64url_to_bytes(challenge),
            timeout=TIMEOUT,
            allow_credentials=_descriptors(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json_dict(options)

    def accept_new(self, credential: NewCredential, challenge: str) -> Made:
        """The passkey a browser made for `challenge`. Raises `NotAccepted`."""
        try:
            read = credential.read()
            _same_origin(read.response.client_data_json)
            made = verify_registration_response(
                credential=read,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _WRONG as error:
            raise NotAccepted from error
        transports = [each for each in credential.response.transports if each in TRANSPORTS]
        return Made(made.credential_id, made.credential_public_key, made.sign_count, transports)

    def accept_proof(self, assertion: Assertion, challenge: str, passkey: Passkey) -> int:
        """The counter of the authenticator that signed `challenge` with `passkey`. Raises `NotAccepted`.

        Whether the counter has risen is for the caller to ask: before the signature is checked, it says nothing.
        """
        try:
            read = assertion.read()
            _same_origin(read.response.client_data_json)
            proven = verify_authentication_response(
                credential=read,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.id,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _WRONG as error:
            raise NotAccepted from error
        if read.response.user_handle not in (None, passkey.person_id.bytes):
            raise NotAccepted
        return proven.new_sign_count


def _same_origin(client_data: bytes) -> None:
    """Raise `NotAccepted` for a ceremony inside another site's frame (WebAuthn Level 3, 7.1 step 10, 7.2 step 14)."""
    if parse_client_data_json(client_data).cross_origin:
        raise NotAccepted


def _descriptors(passkeys: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id, transports=[TRANSPORTS[name] for name in each.transports if name in TRANSPORTS]
        )
        for each in passkeys
    ]
