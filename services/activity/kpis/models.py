"""What the figures are computed from: facts that events told about clients, projects and milestones."""

from datetime import date, datetime
from uuid import UUID

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about one client; it makes the client's cached figures outdated."""

    client_id: UUID
    at: datetime


class ClientFact(Fact, frozen=True, kw_only=True):
    """The client exists, by this name."""

    name: str


class ProjectFact(Fact, frozen=True, kw_only=True):
    """How a project stands. `since`: it is being worked on from that day; `completed_on` is None while it is open."""

    id: UUID
    version: int
    name: str
    since: date
    completed_on: date | None
    private: bool = False
    hidden_fields: list[str] | msgspec.UnsetType = msgspec.UNSET
    """What it keeps from its client; unset: this event does not say."""


class MilestoneFact(Fact, frozen=True, kw_only=True):
    """How a milestone stands. `completed_on` unset: this event does not say."""

    id: UUID
    version: int
    project_id: UUID
    name: str
    target_on: date
    completed_on: date | msgspec.UnsetType | None = msgspec.UNSET
    private: bool = False
