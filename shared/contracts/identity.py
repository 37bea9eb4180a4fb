"""Events of `services/identity`. Golden JSON: tests/contracts."""

from typing import ClassVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from shared.events import EventData, SecurityEvent


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which doors of the portal somebody has, beside roles and assignments, as it is after the event. `may_enter`: they
    are active, of a client's people one with access to the portal, and have an account: they accepted, or need not.
    """

    kind: str
    may_enter: bool
    is_primary_contact: bool = False
    policies: list[str] = []


class ClientCreated(EventData, frozen=True):
    """A client organisation (the tenant) exists. The aggregate id is the client's."""

    type: ClassVar[str] = "client_created"
    subject: ClassVar[str] = "identity.client.created.v1"
    name: str
    active: bool = True
    portal_enabled: bool = True


class ClientUpdated(EventData, frozen=True):
    """`fields` names what changed; of lists and settings nobody else needs the values."""

    type: ClassVar[str] = "client_updated"
    subject: ClassVar[str] = "identity.client.updated.v1"
    name: str
    active: bool
    portal_enabled: bool
    fields: list[str] = []  # noqa: RUF012  (a struct copies it)


class PersonCreated(EventData, frozen=True):
    """Somebody may sign in. No name and no address here: the log outlives people."""

    type: ClassVar[str] = "person_created"
    subject: ClassVar[str] = "identity.person.created.v1"
    kind: str
    standing: Standing | UnsetType = UNSET


class PersonUpdated(EventData, frozen=True):
    """Fields of a person changed. `fields` names them; of their values only the standing is published."""

    type: ClassVar[str] = "update_profile"
    subject: ClassVar[str] = "identity.person.updated.v1"
    fields: list[str]
    standing: Standing | UnsetType = UNSET


class ProjectRolesChanged(SecurityEvent, frozen=True):
    type: ClassVar[str] = "project_roles_changed"
    subject: ClassVar[str] = "identity.person.roles_changed.v1"
    roles: dict[UUID, str]


class PoliciesChanged(SecurityEvent, frozen=True):
    """A member of staff has exactly these policies from now on."""

    type: ClassVar[str] = "policies_changed"
    subject: ClassVar[str] = "identity.person.policies_changed.v1"
    policies: list[str]


class AssignmentsChanged(SecurityEvent, frozen=True):
    """A member of staff sees these projects only, or, where not `limited`, all of them."""

    type: ClassVar[str] = "assignments_changed"
    subject: ClassVar[str] = "identity.person.assignments_changed.v1"
    limited: bool
    project_ids: list[UUID]


class SignedIn(SecurityEvent, frozen=True):
    """`sessionid` of the envelope is the new session. `second_factor` is '' where none was asked for. With the first
    sign-in somebody has an account: it says their `standing`.
    """

    type: ClassVar[str] = "login"
    subject: ClassVar[str] = "identity.session.signed_in.v1"
    method: str
    ip: str
    user_agent: str
    second_factor: str = ""
    standing: Standing | UnsetType = UNSET


class SignInPaused(SecurityEvent, frozen=True):
    """A first proof was good; `step` (second_factor or enrol) is still due. `sessionid` is an id of the attempt."""

    type: ClassVar[str] = "sign_in_paused"
    subject: ClassVar[str] = "identity.session.sign_in_paused.v1"
    method: str
    step: str
    ip: str
    user_agent: str


class SignedOut(SecurityEvent, frozen=True):
    type: ClassVar[str] = "logout"
    subject: ClassVar[str] = "identity.session.signed_out.v1"


class SignInFailed(SecurityEvent, frozen=True):
    """The envelope's `sessionid` is an id of the attempt.

    The aggregate is the person if the address was known, else the attempt.
    """

    type: ClassVar[str] = "failed_login"
    subject: ClassVar[str] = "identity.session.sign_in_failed.v1"
    method: str
    reason: str
    ip: str
    user_agent: str


class SessionRevoked(SecurityEvent, frozen=True):
    """A session must stop working everywhere: the gateway's cache and open streams.

    `session_hash` is the SHA-256 of its cookie, in hex.
    """

    type: ClassVar[str] = "session_revoked"
    subject: ClassVar[str] = "identity.session.revoked.v1"
    session_hash: str
    reason: str


class SessionRotated(SecurityEvent, frozen=True):
    """A session has a new id. `session_hash` is the SHA-256 of the cookie before, in hex."""

    type: ClassVar[str] = "session_rotated"
    subject: ClassVar[str] = "identity.session.rotated.v1"
    session_hash: str


class ViewAsStarted(SecurityEvent, frozen=True):
    """A member of staff looks at the portal as the client of `clientid` does, or as `person_id` of its people; the
    aggregate is their session.
    """

    type: ClassVar[str] = "view_as_started"
    subject: ClassVar[str] = "identity.session.view_as_started.v1"
    person_id: UUID | None = None


class ViewAsEnded(SecurityEvent, frozen=True):
    """And no longer: `reason` is left, client_closed or person_left.

    `session_hash` is the SHA-256 of the cookie until then.
    """

    type: ClassVar[str] = "view_as_ended"
    subject: ClassVar[str] = "identity.session.view_as_ended.v1"
    reason: str
    session_hash: str


class SignInLinkRequested(SecurityEvent, frozen=True):
    """A mail with a sign-in link goes to somebody, asked for from `ip`. The link itself never travels here.

    The aggregate is the link's id; the person stays unnamed, for whoever asked has proven nothing yet.
    """

    type: ClassVar[str] = "sign_in_link_requested"
    subject: ClassVar[str] = "identity.sign_in_link.requested.v1"
    ip: str = ""
    user_agent: str = ""


class SecondFactorEnabled(SecurityEvent, frozen=True):
    """The aggregate is the person, as it is of the next four."""

    type: ClassVar[str] = "second_factor_enabled"
    subject: ClassVar[str] = "identity.second_factor.enabled.v1"


class SecondFactorDisabled(SecurityEvent, frozen=True):
    """By the person, or, as the envelope's actor says, by staff."""

    type: ClassVar[str] = "second_factor_disabled"
    subject: ClassVar[str] = "identity.second_factor.disabled.v1"


class RecoveryCodesReplaced(SecurityEvent, frozen=True):
    """Those handed out before count no more."""

    type: ClassVar[str] = "recovery_codes_replaced"
    subject: ClassVar[str] = "identity.second_factor.recovery_codes_replaced.v1"


class SteppedUp(SecurityEvent, frozen=True):
    """Somebody signed in has proven once more who they are, by `method`. `ip` stays empty: the session has its own."""

    type: ClassVar[str] = "stepped_up"
    subject: ClassVar[str] = "identity.session.stepped_up.v1"
    method: str
    ip: str


class StepUpFailed(SecurityEvent, frozen=True):
    """What was shown by `method` was not good. `ip` stays empty."""

    type: ClassVar[str] = "step_up_failed"
    subject: ClassVar[str] = "identity.session.step_up_failed.v1"
    method: str
    ip: str


class PasskeyAdded(SecurityEvent, frozen=True):
    """The aggregate is the person. A passkey's name is its owner's own words, so it stays behind."""

    type: ClassVar[str] = "passkey_added"
    subject: ClassVar[str] = "identity.passkey.added.v1"
    passkey_id: UUID


class PasskeyRemoved(SecurityEvent, frozen=True):
    type: ClassVar[str] = "passkey_removed"
    subject: ClassVar[str] = "identity.passkey.removed.v1"
    passkey_id: UUID


class PasskeyCloneSuspected(SecurityEvent, frozen=True):
    """A passkey's counter did not rise, so two devices seem to hold its key; that use was refused."""

    type: ClassVar[str] = "passkey_clone_suspected"
    subject: ClassVar[str] = "identity.passkey.clone_suspected.v1"
    passkey_id: UUID


class SingleSignOnChanged(SecurityEvent, frozen=True):
    """How a client's people sign in at their own organisation; the aggregate is the client, no `fields` is none."""

    type: ClassVar[str] = "single_sign_on_changed"
    subject: ClassVar[str] = "identity.single_sign_on.changed.v1"
    fields: list[str]


class IdentityLinked(SecurityEvent, frozen=True):
    """Somebody used their organisation's single sign-on for the first time. The aggregate is the person."""

    type: ClassVar[str] = "identity_linked"
    subject: ClassVar[str] = "identity.person.linked.v1"
    identity_id: UUID


class StepUpCodeRequested(SecurityEvent, frozen=True):
    """A code goes by mail to somebody signed in who has to prove once more who they are. `ip` stays empty."""

    type: ClassVar[str] = "step_up_code_requested"
    subject: ClassVar[str] = "identity.session.step_up_code_requested.v1"
    ip: str
