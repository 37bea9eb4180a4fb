"""Events of `services/identity` about contacts, who of them may use the portal, and invitations by the hundred.

A contact is a person: other events about one are in `identity`. Golden JSON: tests/contracts.
"""

from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from shared.contracts.identity import Standing
from shared.events import EventData, SecurityEvent


class PortalEnabled(SecurityEvent, frozen=True):
    """A client's people may use the portal (again). `portal_user_id` is the person it is linked to."""

    type: ClassVar[str] = "portal_enabled"
    subject: ClassVar[str] = "identity.client.portal_enabled.v1"
    portal_user_id: UUID | None


class PortalDisabled(SecurityEvent, frozen=True):
    """None of them may, and the link stays."""

    type: ClassVar[str] = "portal_disabled"
    subject: ClassVar[str] = "identity.client.portal_disabled.v1"
    portal_user_id: UUID | None


class ContactCreated(EventData, frozen=True):
    """A client has one more contact, who may not sign in yet. The aggregate is the person."""

    type: ClassVar[str] = "contact_created"
    subject: ClassVar[str] = "identity.contact.created.v1"
    standing: Standing | UnsetType = UNSET


class ContactMoved(SecurityEvent, frozen=True):
    """A contact is another client's from now on, without anything they had at the old one. Told to both."""

    type: ClassVar[str] = "contact_moved"
    subject: ClassVar[str] = "identity.contact.moved.v1"
    from_client_id: UUID
    to_client_id: UUID
    standing: Standing | UnsetType = UNSET


class PortalAccessGranted(SecurityEvent, frozen=True):
    """A contact may sign in. The aggregate is the person."""

    type: ClassVar[str] = "portal_access_granted"
    subject: ClassVar[str] = "identity.contact.access_granted.v1"
    standing: Standing | UnsetType = UNSET


class PortalAccessRevoked(SecurityEvent, frozen=True):
    """A contact may not sign in any more."""

    type: ClassVar[str] = "portal_access_revoked"
    subject: ClassVar[str] = "identity.contact.access_revoked.v1"
    standing: Standing | UnsetType = UNSET


class BulkInvitationStarted(EventData, frozen=True):
    """So many contacts are being invited at once. The envelope's client is theirs, None for all clients."""

    type: ClassVar[str] = "bulk_invitation_started"
    subject: ClassVar[str] = "identity.bulk_invitation.started.v1"
    total: int


class BulkInvitationFinished(EventData, frozen=True):
    type: ClassVar[str] = "bulk_invitation_finished"
    subject: ClassVar[str] = "identity.bulk_invitation.finished.v1"
    sent: int
    failed: int
    skipped: int
