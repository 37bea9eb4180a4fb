"""Who may give project roles, and roles that wait for somebody to accept their invitation (decision 0104)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.people.models import Person, Role
from services.identity.team.models import NotPrimaryContact, require_manageable, require_within_own
from shared.actor import Actor
from shared.clock import now
from shared.errors import Forbidden
from shared.language import gettext as _
from shared.orm import Base

Roles = Annotated[dict[UUID, Role], Meta(max_length=500)]
ChangedRoles = Annotated[dict[UUID, Role | None], Meta(max_length=500)]
"""What changes: None takes a role away."""


class RolesNeedPolicy(Forbidden):
    code = "project_roles.needs_policy"

    def __init__(self) -> None:
        super().__init__(
            _("You need the permission “Manage people” to give somebody a role in a project."), field="roles"
        )


class OfferedRole(Base):
    """A role that somebody who was invited gets when they sign in for the first time, and who offered it."""

    __tablename__ = "offered_roles"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    role: Mapped[str]
    offered_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default_factory=now)


class ProjectAhead(msgspec.Struct, frozen=True):
    """A project that somebody who was invited will have a role in."""

    name: str
    role: str


class Ahead(msgspec.Struct, frozen=True):
    """What somebody who was invited comes into: at most ten projects by name, and how many `more`. `every_project`: a
    primary contact can open each project of the client, whatever their roles.
    """

    projects: list[ProjectAhead] = []
    more: int = 0
    every_project: bool = False


def require_staff_may_give(actor: Actor) -> None:
    """Raises `RolesNeedPolicy`."""
    if not actor.can("managePeople"):
        raise RolesNeedPolicy


def require_may_give(actor: Actor, person: Person, before: Mapping[UUID, str], after: Mapping[UUID, str]) -> None:
    """Staff who manage people give any role; a primary contact gives their colleagues roles up to their own.

    Raises `RolesNeedPolicy`, `NotPrimaryContact`, `NotYours` and `RoleAboveOwn`.
    """
    if actor.kind in ("client", "partner"):
        if actor.read_only or not actor.is_primary_contact or actor.client_id != person.client_id:
            raise NotPrimaryContact
        require_manageable(actor, person)
        require_within_own(actor, before, after)
    elif actor.kind != "system":
        require_staff_may_give(actor)
