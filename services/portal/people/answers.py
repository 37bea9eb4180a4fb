"""What identity answers about people and policies, as far as the pages show it."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.clients.answers import InvitationState
from shared.language import gettext as _
from shared.language import ngettext


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of staff or of a client as staff see them (`GET people`)."""

    id: UUID
    name: str
    first_name: str
    last_name: str
    email: str | None = None
    kind: str = "client"
    client_id: UUID | None = None
    client_name: str | None = None
    title: str = ""
    phone: str = ""
    language: str = "en"
    active: bool = True
    portal_access: bool = True
    is_primary_contact: bool = False
    policies: list[str] = []
    limited: bool = False
    assigned_projects: list[UUID] = []
    project_roles: dict[UUID, str] = {}
    offered_roles: dict[UUID, str] = {}
    two_factor: bool = False
    reset_link_possible: bool = False
    last_sign_in_at: datetime | None = None
    has_account: bool = True
    invitation: InvitationState = InvitationState()
    version: int = 0

    @property
    def roles(self) -> dict[UUID, str]:
        """What they are in which project, or become when they accept their invitation."""
        return self.project_roles | self.offered_roles

    @property
    def is_awaited(self) -> bool:
        """Whether they have access and were never in: whatever they are counts from when they accept."""
        return self.portal_access and not self.has_account

    @property
    def is_staff(self) -> bool:
        return self.kind == "staff"

    @property
    def path(self) -> str:
        """Their page: of a client's person it is that of the contact."""
        return f"/people/{self.id}" if self.is_staff else f"/contacts/{self.id}"


class Policy(msgspec.Struct, frozen=True):
    key: str
    name: str
    description: str


class Group(msgspec.Struct, frozen=True):
    """A usual set of policies."""

    key: str
    name: str
    policies: list[str]


class Policies(msgspec.Struct, frozen=True):
    """What staff may be allowed, and the groups it is usually given in (`GET policies`)."""

    groups: list[Group]
    policies: list[Policy]

    def words(self, held: list[str]) -> str:
        """What somebody with these policies is called in a list."""
        group = next((group.name for group in self.groups if set(group.policies) == set(held)), "")
        names = [policy.name for policy in self.policies if policy.key in held]
        if group or len(names) == 1:
            return group or names[0]
        return ngettext("{count} policy", "{count} policies", len(names)) if names else _("Looks only")


class ResetLink(msgspec.Struct, frozen=True):
    """A link to set a password with, shown once (`POST people/{id}/reset-link`)."""

    link: str
    expires_at: datetime
