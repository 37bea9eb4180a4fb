"""A client: an organisation the company works for, and the tenant of everything else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.letting_in import DECIDING, WaysInAreForStaff, require_may_let_in
from services.identity.people.models import Person
from shared.actor import Actor
from shared.clock import now
from shared.contracts.identity import ClientCreated, ClientUpdated
from shared.contracts.restated import ClientRestated
from shared.errors import Conflict, Forbidden, Invalid
from shared.language import gettext as _
from shared.orm import Base, Identified, Timestamped, made_by_the_table

Variant = Literal["services", "delivery", "account", "regulated"]
"""What kind of work is done for the client. Staff filter by it; nothing else depends on it."""


SignInMethod = Literal["magic_link", "password", "passkey", "sso"]
SecondFactor = Literal["optional", "required"]
Module = Literal["projects", "activity", "figures"]
"""A part of the portal as its routes name it (`opt={"module": ...}`): what the company may close for a client."""
Action = Literal["edit_profile"]
"""What a client's people do, unless the company closes it; the team has a switch of its own (`team_invites`)."""
MAX_SETTINGS = 16_384
"""Bytes of a client's settings as JSON."""
_FOR_STAFF = DECIDING["clients"] | {"closed_modules", "closed_actions", "session_recording"}


class ActionClosed(Forbidden):
    code = "action.closed"

    def __init__(self) -> None:
        super().__init__(_("The company manages this. Ask your contact there to change it."))


class SameName(Conflict):
    """Two clients of one name look alike where one is chosen: whoever means it says so."""

    code = "client.same_name"

    def __init__(self) -> None:
        super().__init__(_("There is a client of this name already."), field="name")


class ClientInactive(Conflict):
    code = "client.inactive"

    def __init__(self) -> None:
        super().__init__(_("This client is not active. Activate it first."))


class PortalUserElsewhere(Conflict):
    """The person to whom the portal is linked belongs to another client."""

    code = "client.portal_user_elsewhere"

    def __init__(self) -> None:
        super().__init__(_("This person does not belong to this client."), field="user_id")


class PortalUserNeeded(Invalid):
    code = "client.portal_user_needed"

    def __init__(self) -> None:
        super().__init__(_("Choose the person the portal is linked to."), field="user_id")


class NoIdentityProvider(Conflict):
    code = "client.no_identity_provider"

    def __init__(self) -> None:
        super().__init__(_("Set up single sign-on first. Without it nobody could sign in."), field="sign_in_methods")


class DomainTaken(Conflict):
    """Whoever registers belongs to one client, so an address must say to which."""

    code = "client.domain_taken"

    def __init__(self) -> None:
        super().__init__(_("One of these domains is another client's already."), field="allowed_domains")


class BadSettings(Invalid):
    code = "client.settings"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, field="settings")


class Client(Base, Identified, Timestamped):
    """Its people may sign in while it is active and its portal is enabled, in one of the ways it admits.

    `portal_user_id` is the person its portal is linked to; closing the portal keeps it. Empty `allowed_networks` are
    everywhere, empty `allowed_domains` nobody: registering needs an invitation then. `closed_modules` and
    `closed_actions` are what its people do not have: what the portal learns later is theirs at first (decision 0054).
    `session_recording` has every request of its people written down; `recorded_since` is when that was first switched
    on, and stays.
    """

    __tablename__ = "clients"

    name: Mapped[str]
    variant: Mapped[str] = mapped_column(default="delivery")
    active: Mapped[bool] = mapped_column(default=True)
    portal_enabled: Mapped[bool] = mapped_column(default=True)
    sign_in_methods: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=lambda: ["magic_link"])
    second_factor: Mapped[str] = mapped_column(default="optional")
    allowed_networks: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    allowed_domains: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    team_invites: Mapped[bool] = mapped_column(default=True)
    closed_modules: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    closed_actions: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    language: Mapped[str] = mapped_column(default="en")
    session_recording: Mapped[bool] = mapped_column(default=False)
    recorded_since: Mapped[datetime | None] = mapped_column(default=None)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict[str, Any])
    portal_user_id: Mapped[UUID | None] = mapped_column(default=None)
    sort_key: Mapped[str] = made_by_the_table()
    found_by: Mapped[str] = made_by_the_table()

    @property
    def is_open(self) -> bool:
        return self.active and self.portal_enabled

    def created(self) -> ClientCreated:
        return ClientCreated(name=self.name, active=self.active, portal_enabled=self.portal_enabled)

    def restated(self) -> ClientRestated:
        """The client published again as it is, for who does not know it."""
        return ClientRestated(
            name=self.name, active=self.active, portal_enabled=self.portal_enabled, created_at=self.created_at
        )

    def change(self, actor: Actor, changes: Mapping[str, object]) -> ClientUpdated | None:
        """Take over what is new in `changes`; None where nothing is. Raises `WaysInAreForStaff`, and what
        `require_may_let_in` does for fields that decide who can sign in.
        """
        new = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if actor.kind == "partner" and _FOR_STAFF.intersection(changes):
            raise WaysInAreForStaff
        if DECIDING["clients"].intersection(new):
            require_may_let_in(actor)
        for name, value in new.items():
            setattr(self, name, value)
        if not new:
            return None
        if self.session_recording and self.recorded_since is None:
            self.recorded_since = now()
        return ClientUpdated(name=self.name, active=self.active, portal_enabled=self.portal_enabled, fields=sorted(new))

    def open_portal(self, user: Person | None) -> Mapping[str, object]:
        """The changes that open the portal for `user`; None stands for whom it was linked to before.

        Raises `ClientInactive`, `PortalUserElsewhere` and `PortalUserNeeded`.
        """
        if not self.active:
            raise ClientInactive
        if user and user.client_id != self.id:
            raise PortalUserElsewhere
        linked = user.id if user else self.portal_user_id
        if linked is None:
            raise PortalUserNeeded
        return {"portal_enabled": True, "portal_user_id": linked}
