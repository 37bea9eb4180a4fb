"""Events of `services/identity` about people's own accounts: how they come to one, and what they do with it.

Golden JSON: tests/contracts.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from shared.contracts.identity import Standing
from shared.events import EventData, SecurityEvent


class MailAccepted(EventData, frozen=True):
    """The mail server took a mail that another service had ordered (`mail_ordered`). The aggregate is the order."""

    type: ClassVar[str] = "mail_accepted"
    subject: ClassVar[str] = "identity.mail.accepted.v1"
    kind: str


class MailFailed(SecurityEvent, frozen=True):
    """A mail will not reach anybody: `refused`, `unconfirmed`, `expired`, `closed`, `unfit` (what is ordered is never
    sent), or `bounced` after the mail server had taken it. The aggregate is the mail, or the order it was sent for.
    """

    type: ClassVar[str] = "mail_failed"
    subject: ClassVar[str] = "identity.mail.failed.v1"
    kind: str
    reason: str


class FailedSignInsPaused(SecurityEvent, frozen=True):
    """Too many attempts to sign in to an account failed, so that no more are evaluated for so many `minutes`; the last
    of them was made `at` a moment from the address `ip`; older versions did not say. Published once a day for each
    `reason`: password, mail_code, totp or recovery_code. The aggregate is the person, with their `name`, where the
    account is `known`, else the attempt.
    """

    type: ClassVar[str] = "failed_sign_ins_paused"
    subject: ClassVar[str] = "identity.person.sign_ins_paused.v1"
    reason: str
    known: bool
    minutes: int = 0
    name: str = ""
    ip: str = ""
    at: datetime | None = None


class InvitationSent(SecurityEvent, frozen=True):
    """The mail server took the invitation. The aggregate is the person invited, the actor who invited."""

    type: ClassVar[str] = "invitation_sent"
    subject: ClassVar[str] = "identity.invitation.sent.v1"


class InvitationFailed(SecurityEvent, frozen=True):
    """It never will: `refused`, `unconfirmed`, `expired` or `closed`; its address was `given_up` before that; or the
    mail server took it and sent it back later (`bounced`). Its client does not learn of `FOR_STAFF`, which depend on
    what the address is to others.
    """

    type: ClassVar[str] = "invitation_failed"
    subject: ClassVar[str] = "identity.invitation.failed.v1"
    FOR_STAFF: ClassVar[tuple[str, ...]] = ("closed", "given_up")
    reason: str


class InvitationAccepted(SecurityEvent, frozen=True):
    """Somebody accepted an invitation by its link. `registered`: they had requested the link themselves."""

    type: ClassVar[str] = "invitation_accepted"
    subject: ClassVar[str] = "identity.invitation.accepted.v1"
    registered: bool
    ip: str = ""
    user_agent: str = ""


class OrganisationJoined(SecurityEvent, frozen=True):
    """Somebody who signs in already is the client's person, too. The aggregate is that person."""

    type: ClassVar[str] = "organisation_joined"
    subject: ClassVar[str] = "identity.organisation.joined.v1"
    ip: str = ""
    user_agent: str = ""
    standing: Standing | UnsetType = UNSET


class OrganisationSwitched(SecurityEvent, frozen=True):
    """A client's person switched from another organisation of theirs; the envelope's `sessionid` is the new one."""

    type: ClassVar[str] = "organisation_switched"
    subject: ClassVar[str] = "identity.organisation.switched.v1"
    method: str
    ip: str = ""
    user_agent: str = ""


class RegistrationRequested(SecurityEvent, frozen=True):
    """Somebody with an address of one of the client's domains asked for access. The aggregate is the token's id."""

    type: ClassVar[str] = "registration_requested"
    subject: ClassVar[str] = "identity.registration.requested.v1"
    ip: str = ""
    user_agent: str = ""


class PasswordResetRequested(SecurityEvent, frozen=True):
    """A link to a new password was made for a person: `by` themselves (mailed), or by staff, who have it."""

    type: ClassVar[str] = "password_reset_requested"
    subject: ClassVar[str] = "identity.password.reset_requested.v1"
    by: str
    ip: str = ""
    user_agent: str = ""


class PasswordReset(SecurityEvent, frozen=True):
    """The link was used: a new password, and all sessions ended."""

    type: ClassVar[str] = "password_reset"
    subject: ClassVar[str] = "identity.password.reset.v1"
    ip: str = ""
    user_agent: str = ""


class PasswordChanged(SecurityEvent, frozen=True):
    """By the person, signed in. All other sessions ended."""

    type: ClassVar[str] = "password_changed"
    subject: ClassVar[str] = "identity.password.changed.v1"


class EmailVerified(SecurityEvent, frozen=True):
    """The person can read what is sent to their address."""

    type: ClassVar[str] = "email_verified"
    subject: ClassVar[str] = "identity.email.verified.v1"


class EmailChangeRequested(SecurityEvent, frozen=True):
    type: ClassVar[str] = "email_change_requested"
    subject: ClassVar[str] = "identity.email.change_requested.v1"


class EmailChanged(SecurityEvent, frozen=True):
    """Both addresses confirmed: the person signs in with the new one."""

    type: ClassVar[str] = "email_changed"
    subject: ClassVar[str] = "identity.email.changed.v1"


class ProjectRolesOffered(SecurityEvent, frozen=True):
    """Somebody who was invited gets exactly these roles when they sign in for the first time."""

    type: ClassVar[str] = "project_roles_offered"
    subject: ClassVar[str] = "identity.person.roles_offered.v1"
    roles: dict[UUID, str]
