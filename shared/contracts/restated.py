"""Clients and people published again by `services/identity`. Golden JSON: tests/contracts."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events import Audit, EventData


class ClientRestated(EventData, frozen=True):
    """A client published again as it is: nothing happened to it. For who does not know it, or lost what it knew."""

    type: ClassVar[str] = "client_restated"
    subject: ClassVar[str] = "identity.client.restated.v1"
    audit: ClassVar[Audit] = "none"
    name: str
    active: bool
    portal_enabled: bool
    created_at: datetime


class PersonRestated(EventData, frozen=True):
    """A person published again as they are, with what they may: their `roles` in projects, or of staff their `policies`
    and, where `limited`, the only projects they see. Without `has_account` they were not in the portal yet, and have to
    be invited. No name and no address here either.
    """

    type: ClassVar[str] = "person_restated"
    subject: ClassVar[str] = "identity.person.restated.v1"
    audit: ClassVar[Audit] = "none"
    kind: str
    active: bool
    portal_access: bool
    is_primary_contact: bool
    roles: dict[UUID, str]
    policies: list[str]
    limited: bool
    project_ids: list[UUID]
    has_account: bool = True
