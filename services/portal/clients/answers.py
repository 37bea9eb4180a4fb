"""Identity's answers about a client and its contacts, for staff."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.answers import Client


class ClientAccess(Client, frozen=True, kw_only=True):
    """A client with how its people sign in (`GET clients/{id}`, for staff)."""

    portal_user_id: UUID | None = None
    sign_in_methods: list[str] = msgspec.field(default_factory=list[str])
    second_factor: str = "optional"
    allowed_networks: list[str] = msgspec.field(default_factory=list[str])
    allowed_domains: list[str] = msgspec.field(default_factory=list[str])
    team_invites: bool = True
    closed_modules: list[str] = msgspec.field(default_factory=list[str])
    closed_actions: list[str] = msgspec.field(default_factory=list[str])
    language: str = "en"


class InvitationState(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is none, waiting, sent, failed, accepted or expired; `failure` may say why."""

    status: str = "none"
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    failure: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One of a client's contacts, whether they may sign in or not (`GET contacts/{id}`)."""

    id: UUID
    client_id: UUID
    first_name: str
    last_name: str
    name: str
    email: str | None = None
    phone: str = ""
    title: str = ""
    language: str = "en"
    active: bool = True
    is_primary_contact: bool = False
    portal_access: bool = False
    has_account: bool = False
    two_factor: bool = False
    last_sign_in_at: datetime | None = None
    invitation: InvitationState = InvitationState()
    project_roles: dict[UUID, str] = {}
    offered_roles: dict[UUID, str] = {}

    @property
    def roles(self) -> dict[UUID, str]:
        """What they are in which project, or become when they accept their invitation."""
        return self.project_roles | self.offered_roles


class ClientPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One of a client's people as staff see them (`GET people`); not everybody has an address."""

    id: UUID
    name: str
    email: str | None = None
    is_primary_contact: bool = False
    active: bool = True
