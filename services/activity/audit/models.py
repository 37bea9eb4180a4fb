"""The audit log's record, and who and what it points to.

A record carries ids only and is chained; names, addresses and browsers lie beside the chain and can be erased without
breaking it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

SECURITY = frozenset(
    {
        "api_client_created",
        "api_client_updated",
        "api_client_rotated",
        "api_client_revoked",
        "api_token_issued",
        "api_token_refused",
        "login",
        "logout",
        "failed_login",
        "password_reset",
        "password_reset_requested",
        "password_changed",
        "email_verified",
        "email_change_requested",
        "email_changed",
        "invitation_sent",
        "invitation_failed",
        "invitation_accepted",
        "organisation_joined",
        "organisation_switched",
        "registration_requested",
        "mail_failed",
        "session_revoked",
        "session_rotated",
        "sign_in_link_requested",
        "project_roles_changed",
        "project_roles_offered",
        "policies_changed",
        "assignments_changed",
        "view_as_started",
        "view_as_ended",
        "passkey_added",
        "passkey_removed",
        "passkey_clone_suspected",
        "single_sign_on_changed",
        "identity_linked",
        "sign_in_paused",
        "session_recording_enabled",
        "session_recording_disabled",
        "second_factor_enabled",
        "second_factor_disabled",
        "recovery_codes_replaced",
        "stepped_up",
        "step_up_failed",
        "step_up_code_requested",
        "portal_enabled",
        "portal_disabled",
        "portal_access_granted",
        "portal_access_revoked",
        "contact_moved",
        "webhook_created",
        "webhook_updated",
        "webhook_rotated",
        "webhook_disabled",
        "webhook_removed",
    }
)
"""Security events, and other events that change who can sign in."""

READS = frozenset({"view_project"})
"""What was looked at, and not changed."""

FINANCIAL = frozenset({"view_invoice", "pay_invoice"})
"""Financial events."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which thing, when. `detail` is the event's own data as JSON, without a person's data."""

    client_id: UUID
    position: int
    event_id: UUID
    type: str
    subject: UUID
    actor_id: UUID | None
    actor_kind: str
    session_id: UUID | None
    trace_id: str
    at: datetime
    detail: str
    security: bool
    financial: bool


PERSONAL = ("ip", "user_agent")
"""Fields of event data that are a person's: kept beside the audit chain, never in it."""


def without_person(data: object) -> object:
    """What the chain keeps of an event's data."""
    return {name: value for name, value in data.items() if name not in PERSONAL} if isinstance(data, dict) else data


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """From where a session was opened or tried."""

    session_id: UUID
    client_id: UUID
    ip: str
    user_agent: str


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """The name behind an actor's id, as last heard."""

    id: UUID
    client_id: UUID
    name: str
