"""A project: what was agreed with a client, how it stands, and who works on it."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.projects.visibility import AlreadyPrivate, AlreadyShared, HiddenField, looks_behind
from shared.actor import Actor
from shared.clock import day_of
from shared.contracts.projects import (
    ProjectCreated,
    ProjectRestated,
    ProjectShared,
    ProjectStatusChanged,
    ProjectUpdated,
    ProjectWithdrawn,
)
from shared.contracts.summary import Summary
from shared.errors import Conflict, Forbidden, Invalid
from shared.language import gettext as _
from shared.orm import Base, Identified, TenantOwned, Timestamped, made_by_the_table
from shared.versions import Versioned

Status = Literal["on_track", "at_risk", "delayed", "completed"]
StatusFilter = Literal["active", "on_track", "at_risk", "delayed", "completed"]
"""By what projects are listed; "active" are those that are not completed."""


class ClientInactive(Conflict):
    code = "project.client_inactive"

    def __init__(self) -> None:
        super().__init__(_("This client is not active. Activate it before you start a project for it."))


class NotForLimited(Forbidden):
    code = "project.not_for_limited"

    def __init__(self) -> None:
        super().__init__(_("You work on the projects named for you. Somebody else has to start a new one."))


class EndsBeforeStart(Invalid):
    code = "project.ends_before_start"

    def __init__(self) -> None:
        super().__init__(_("A project cannot end before it starts."), field="ends_on")


class StaffNotYours(Forbidden):
    code = "project.staff_not_yours"

    def __init__(self) -> None:
        super().__init__(_("Only the company chooses from its own staff. Give the name of this person instead."))


class FeedbackOnly(Forbidden):
    code = "project.feedback_only"

    def __init__(self) -> None:
        super().__init__(_("Your role in this project is to give feedback; its content is not open to you."))


def require_may_choose(actor: Actor, chosen: Collection[UUID]) -> None:
    """Check that the actor may add those of the staff who are `chosen` to a team. Raises `StaffNotYours`."""
    if chosen and (actor.is_limited or not looks_behind(actor)):
        raise StaffNotYours


class KnownClient(Identified, Base):
    """A client as identity's events told it: the copy this service checks and shows."""

    __tablename__ = "known_clients"

    name: Mapped[str]
    active: Mapped[bool]
    sort_key: Mapped[str] = made_by_the_table()

    def require_active(self) -> None:
        """New work is for active clients only."""
        if not self.active:
            raise ClientInactive


class Project(Identified, TenantOwned, Timestamped, Versioned, Base):
    """The project itself; its plan is the feature `milestones`.

    The status is set by people and by nothing else: a finished plan does not close a project. `completed_on` is the day
    on which it was set to completed, None while it is not. `completion` (0 to 100) is what staff set by hand, None
    while it follows from the milestones. `private`: the client sees neither the project nor anything in it; of a shared
    one it does not see the `hidden_fields` (`HiddenField`), in their order.

    Somebody of the `team` who is staff has a `person_id`: identity knows what they are called and how to reach them.
    Who may read that follows from the teams, so within a client nobody adds staff to one (decision 0105).
    """

    __tablename__ = "projects"
    judged_by: ClassVar[Mapping[str, tuple[HiddenField, ...]]] = {
        "description": ("description",),
        "scope": ("scope",),
        "starts_on": ("starts_on", "ends_on"),
        "ends_on": ("starts_on", "ends_on"),
        "completion": ("completion",),
        "team": ("team", "contact_details"),
    }
    """By which fields, that may be hidden, a change of which field is judged: its own value and what rules compare."""

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    scope: Mapped[str] = mapped_column(default="")
    status: Mapped[Status] = mapped_column(Text, default="on_track")
    completed_on: Mapped[date | None] = mapped_column(init=False, default=None)
    starts_on: Mapped[date | None] = mapped_column(default=None)
    ends_on: Mapped[date | None] = mapped_column(default=None)
    completion: Mapped[int | None] = mapped_column(default=None)
    team: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default_factory=list)
    private: Mapped[bool] = mapped_column(default=False)
    hidden_fields: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    sort_key: Mapped[str] = made_by_the_table()
    found_by: Mapped[str] = made_by_the_table()
    description_found_by: Mapped[str] = made_by_the_table()

    def __post_init__(self) -> None:
        self._check_dates()
        if self.status == "completed":
            self.completed_on = day_of(self.created_at)

    @classmethod
    def seen_by(cls, actor: Actor) -> ColumnElement[bool]:
        """Of a subcontractor's clients, the projects named for them; within a client, what is shared with it."""
        within = super().seen_by(actor)
        if not looks_behind(actor):
            within &= ~cls.private
        return within if actor.assignments is None else within & cls.id.in_(actor.assignments)

    @property
    def staff(self) -> list[UUID]:
        """Those of the team who are of the company's staff."""
        return [UUID(member["person_id"]) for member in self.team if "person_id" in member]

    @property
    def summary(self) -> Summary:
        """The project in one row, as it is now."""
        return Summary(
            kind="project",
            title=self.name,
            status=self.status,
            version=self.version,
            made_on=day_of(self.created_at),
            project_id=self.id,
            starts_on=self.starts_on,
            due_on=self.ends_on,
            done_on=self.completed_on,
            private=self.private,
            hides=self.hidden_fields,
            hidden_by={"starts_on": "starts_on", "due_on": "ends_on"},
        )

    def created(self) -> ProjectCreated:
        """The event of a new project."""
        return ProjectCreated(**self._agreed())

    def restated(self) -> ProjectRestated:
        """The project published again as it is, for who does not know it."""
        return ProjectRestated(**self._agreed())

    def change(self, changes: Mapping[str, Any]) -> ProjectUpdated | None:
        """Set any columns but the status. None if all of them were so already: nothing happened.

        What is hidden from the client before or after counts as hidden, and so does what hides it.
        """
        hidden = {"hidden_fields", *self.hidden_fields}
        fields = self.assign(changes)
        self._check_dates()
        if not fields:
            return None
        hidden |= set(self.hidden_fields)
        return ProjectUpdated(**self._agreed(), fields=fields, hidden=[name for name in fields if name in hidden])

    def set_status(self, status: Status, on: date) -> ProjectStatusChanged | None:
        """Say how the project stands since `on`. Any status may follow any other; None if it stood so already."""
        old = self.status
        if status == old:
            return None
        self.assign({"status": status, "completed_on": on if status == "completed" else None})
        return ProjectStatusChanged(**self._facts(), old=old, new=status, private=self.private)

    def share(self) -> ProjectShared:
        """Let the client see it, with what happened in it so far."""
        if not self.assign({"private": False}):
            raise AlreadyShared
        return ProjectShared(**self._facts(), status=self.status, starts_on=self.starts_on)

    def withdraw(self) -> ProjectWithdrawn:
        """Keep it from the client, and everything in it."""
        if not self.assign({"private": True}):
            raise AlreadyPrivate
        return ProjectWithdrawn(**self._facts(), status=self.status, starts_on=self.starts_on)

    def _agreed(self) -> dict[str, Any]:
        return {
            **self._facts(),
            "status": self.status,
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
            "private": self.private,
            "team": self.staff,
        }

    def _facts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "hidden_fields": self.hidden_fields,
            "summary": self.summary,
        }

    def _check_dates(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise EndsBeforeStart
