"""Events of `services/identity`. Golden JSON: tests/contracts."""

from typing import ClassVar
from uuid import UUID

from shared.events import EventData


class ClientCreated(EventData, frozen=True):
    """A client organisation (the tenant) exists. The aggregate id is the client's."""

    type: ClassVar[str] = "client_created"
    subject: ClassVar[str] = "identity.client.created.v1"
    name: str
    active: bool = True
    portal_enabled: bool = True


class ClientUpdated(EventData, frozen=True):
    type: ClassVar[str] = "client_updated"
    subject: ClassVar[str] = "identity.client.updated.v1"
    name: str
    active: bool
    portal_enabled: bool


class PersonCreated(EventData, frozen=True):
    """Somebody may sign in. No name and no address here: the log outlives people (reliability: 20)."""

    type: ClassVar[str] = "person_created"
    subject: ClassVar[str] = "identity.person.created.v1"
    kind: str


class PersonUpdated(EventData, frozen=True):
    """Published as seed 002's `update_profile`."""

    type: ClassVar[str] = "update_profile"
    subject: ClassVar[str] = "identity.person.updated.v1"
    fields: list[str]


class ProjectRolesChanged(EventData, frozen=True):
    type: ClassVar[str] = "project_roles_changed"
    subject: ClassVar[str] = "identity.person.roles_changed.v1"
    roles: dict[UUID, str]


class SignedIn(EventData, frozen=True):
    """`sessionid` of the envelope is the new session."""

    type: ClassVar[str] = "login"
    subject: ClassVar[str] = "identity.session.signed_in.v1"
    method: str
    ip: str
    user_agent: str


class SignedOut(EventData, frozen=True):
    type: ClassVar[str] = "logout"
    subject: ClassVar[str] = "identity.session.signed_out.v1"


class SignInFailed(EventData, frozen=True):
    """The envelope's `sessionid` is an id of the attempt.

    The aggregate is the person if the address was known, else the attempt.
    """

    type: ClassVar[str] = "failed_login"
    subject: ClassVar[str] = "identity.session.sign_in_failed.v1"
    method: str
    reason: str
    ip: str
    user_agent: str


class SessionRevoked(EventData, frozen=True):
    """A session must stop working everywhere: the gateway's cache and open streams.

    `session_hash` is the SHA-256 of its cookie, in hex.
    """

    type: ClassVar[str] = "session_revoked"
    subject: ClassVar[str] = "identity.session.revoked.v1"
    session_hash: str
    reason: str


class SignInLinkRequested(EventData, frozen=True):
    """A mail with a sign-in link goes to somebody, asked for from `ip`. The link itself never travels here.

    The aggregate is the link's id; the person stays unnamed, for whoever asked has proven nothing yet.
    """

    type: ClassVar[str] = "sign_in_link_requested"
    subject: ClassVar[str] = "identity.sign_in_link.requested.v1"
    ip: str = ""
    user_agent: str = ""
