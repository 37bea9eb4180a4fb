"""A client: an organisation the company works for, and the tenant of everything else."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.contracts.identity import ClientCreated, ClientUpdated
from shared.errors import Forbidden
from shared.orm import Base, Identified, Timestamped

Variant = Literal["services", "delivery", "account", "regulated"]
"""Which shape of the portal its people see (seed 001)."""


class PortalAccessNeedsPolicy(Forbidden):
    code = "client.portal_access_needs_policy"

    def __init__(self) -> None:
        super().__init__("Only staff with the policy managePortalAccess may open or close a client's portal.")


class Client(Base, Identified, Timestamped):
    """Its people may sign in while it is active and its portal is enabled (seed 002)."""

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
    language: Mapped[str] = mapped_column(default="en")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default_factory=dict[str, Any])
    portal_user_id: Mapped[UUID | None] = mapped_column(default=None)

    @property
    def is_open(self) -> bool:
        return self.active and self.portal_enabled

    def created(self) -> ClientCreated:
        return ClientCreated(name=self.name, active=self.active, portal_enabled=self.portal_enabled)

    def change(self, changes: Mapping[str, object]) -> ClientUpdated | None:
        """Take over what is new in `changes`; None where nothing is."""
        new = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in new.items():
            setattr(self, name, value)
        if not new:
            return None
        return ClientUpdated(name=self.name, active=self.active, portal_enabled=self.portal_enabled)
