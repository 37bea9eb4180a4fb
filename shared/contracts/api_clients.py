"""Events of `services/identity` about partner systems and their tokens. Golden JSON: tests/contracts."""

from datetime import datetime
from typing import ClassVar

from shared.events import SecurityEvent


class ApiClientCreated(SecurityEvent, frozen=True):
    """A partner system may ask for tokens. The envelope's client is the one it is bound to, none for all."""

    type: ClassVar[str] = "api_client_created"
    subject: ClassVar[str] = "identity.api_client.created.v1"
    scopes: list[str]
    auth_method: str


class ApiClientUpdated(SecurityEvent, frozen=True):
    type: ClassVar[str] = "api_client_updated"
    subject: ClassVar[str] = "identity.api_client.updated.v1"
    fields: list[str]
    scopes: list[str]


class ApiClientRotated(SecurityEvent, frozen=True):
    """It has a new secret; the old one counts until then."""

    type: ClassVar[str] = "api_client_rotated"
    subject: ClassVar[str] = "identity.api_client.rotated.v1"
    old_valid_until: datetime


class ApiClientRevoked(SecurityEvent, frozen=True):
    """None of its tokens counts any more."""

    type: ClassVar[str] = "api_client_revoked"
    subject: ClassVar[str] = "identity.api_client.revoked.v1"


class ApiTokenIssued(SecurityEvent, frozen=True):
    """The envelope's `sessionid` is the token's `jti`: what is done with it carries that as well."""

    type: ClassVar[str] = "api_token_issued"
    subject: ClassVar[str] = "identity.api_token.issued.v1"
    scope: str
    ip: str
    user_agent: str


class ApiTokenRefused(SecurityEvent, frozen=True):
    """`reason` is OAuth's error. The aggregate is the api client if known, else the attempt, as is `sessionid`."""

    type: ClassVar[str] = "api_token_refused"
    subject: ClassVar[str] = "identity.api_token.refused.v1"
    reason: str
    ip: str
    user_agent: str
