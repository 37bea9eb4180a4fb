"""Milestones: the plan of a project and what depends on what. Where each one stands today is in `schedule.py`."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Table, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.projects.milestones.refusals import (
    AlreadyCompleted,
    CompletedInFuture,
    DependenciesOpen,
    DependencyCycle,
    DependentsCompleted,
    DependsOnPrivate,
    NeededByShared,
    NotCompleted,
    RestsOnPrivate,
    TargetBeforeStart,
)
from services.projects.projects.models import Project
from services.projects.visibility import AlreadyPrivate, AlreadyShared, HiddenField, looks_behind
from shared.actor import Actor
from shared.clock import day_of
from shared.contracts.projects import (
    MilestoneCompleted,
    MilestoneCreated,
    MilestoneReopened,
    MilestoneRestated,
    MilestoneShared,
    MilestoneUpdated,
    MilestoneWithdrawn,
)
from shared.contracts.summary import Summary
from shared.orm import Base, Identified, TenantOwned, Timestamped
from shared.versions import Versioned

# The foreign keys carry client and project: not even wrong code can make two projects depend on each other.
_edges = Table(
    "milestone_dependencies",
    Base.metadata,
    *(Column(name, primary_key=True) for name in ("client_id", "project_id", "milestone_id", "depends_on_id")),
    *(
        ForeignKeyConstraint(
            ["client_id", "project_id", end], ["milestones.client_id", "milestones.project_id", "milestones.id"]
        )
        for end in ("milestone_id", "depends_on_id")
    ),
)


class Milestone(Identified, TenantOwned, Timestamped, Versioned, Base):
    """A date in a project's plan that is kept or missed.

    What is completed rests on completed ground: a milestone can be completed when everything it depends on is, and
    reopened when nothing completed depends on it. What the client sees depends on nothing that it does not: a `private`
    milestone is the team's own step. `project_private` is the project's own, kept by the foreign key.
    """

    __tablename__ = "milestones"
    __table_args__ = (
        ForeignKeyConstraint(
            ["client_id", "project_id", "project_private"], ["projects.client_id", "projects.id", "projects.private"]
        ),
    )

    judged_by: ClassVar[Mapping[str, tuple[HiddenField, ...]]] = {
        "description": ("milestone_description",),
        "phase": ("phase",),
        "starts_on": ("milestone_starts_on",),
        "target_on": ("milestone_starts_on",),
        "depends_on": ("milestone_depends_on", "completion"),
        "completed_on": ("completion", "milestone_depends_on"),
    }
    """As in `Project`."""

    project_id: Mapped[UUID]
    name: Mapped[str]
    project: Mapped[Project] = relationship(lazy="raise", repr=False, compare=False)
    target_on: Mapped[date]
    description: Mapped[str] = mapped_column(default="")
    phase: Mapped[str | None] = mapped_column(default=None)
    starts_on: Mapped[date | None] = mapped_column(default=None)
    completed_on: Mapped[date | None] = mapped_column(default=None)
    private: Mapped[bool] = mapped_column(default=False)
    project_private: Mapped[bool] = mapped_column(init=False)
    depends_on: Mapped[list["Milestone"]] = relationship(
        secondary=_edges,
        primaryjoin=lambda: _joined(_edges.c.milestone_id),
        secondaryjoin=lambda: _joined(_edges.c.depends_on_id),
        order_by=lambda: Milestone.id,
        back_populates="dependents",
        lazy="raise",
        default_factory=list,
        repr=False,
        compare=False,
    )
    dependents: Mapped[list["Milestone"]] = relationship(
        secondary=_edges,
        primaryjoin=lambda: _joined(_edges.c.depends_on_id),
        secondaryjoin=lambda: _joined(_edges.c.milestone_id),
        back_populates="depends_on",
        lazy="raise",
        init=False,
        repr=False,
        compare=False,
    )

    def __post_init__(self) -> None:
        self._check_dates()
        self._check_shared_ground()

    @classmethod
    def seen_by(cls, actor: Actor) -> ColumnElement[bool]:
        """Of a subcontractor's clients, the plans of the projects named for them; within a client, what is shared."""
        within = super().seen_by(actor)
        if not looks_behind(actor):
            within &= ~cls.private & ~cls.project_private
        return within if actor.assignments is None else within & cls.project_id.in_(actor.assignments)

    @property
    def summary(self) -> Summary:
        """The milestone in one row, as it is now."""
        return Summary(
            kind="milestone",
            title=self.name,
            status="completed" if self.completed_on else "open",
            version=self.version,
            made_on=day_of(self.created_at),
            project_id=self.project_id,
            starts_on=self.starts_on,
            due_on=self.target_on,
            done_on=self.completed_on,
            private=self.private,
            hidden_by={"status": "completion", "done_on": "completion", "starts_on": "milestone_starts_on"},
        )

    def created(self) -> MilestoneCreated:
        """The event of a new milestone."""
        return MilestoneCreated(**self._facts())

    def restated(self) -> MilestoneRestated:
        """The milestone published again as it is, for who does not know it."""
        return MilestoneRestated(**self._facts(), completed_on=self.completed_on)

    def change(self, changes: Mapping[str, Any]) -> MilestoneUpdated | None:
        """Set anything but the completion. None if all of it was so already: nothing happened."""
        fields = self.assign(changes)
        self._check_dates()
        if "depends_on" in fields:
            self._check_cycle()
            self._check_shared_ground()
            if self.completed_on:
                self._require_dependencies_completed()
        if not fields:
            return None
        hidden = [name for name in fields if MilestoneUpdated.hidden_by.get(name) in self.project.hidden_fields]
        return MilestoneUpdated(**self._facts(), fields=fields, hidden=hidden)

    def complete(self, on: date, latest: date) -> MilestoneCompleted:
        """Say that it was reached, `on` a day no later than `latest`."""
        if self.completed_on:
            raise AlreadyCompleted
        if on > latest:
            raise CompletedInFuture
        self._require_dependencies_completed()
        self.assign({"completed_on": on})
        return MilestoneCompleted(**self._facts(), completed_on=on)

    def reopen(self) -> MilestoneReopened:
        """Say that it was not reached after all. The team's own steps stand in no shared one's way."""
        if not self.completed_on:
            raise NotCompleted
        if completed := [each.name for each in self.dependents if each.completed_on and each.private == self.private]:
            raise DependentsCompleted(completed)
        self.assign({"completed_on": None})
        return MilestoneReopened(**self._facts())

    def share(self) -> MilestoneShared:
        """Let the client see it, as far as it sees the project."""
        if not self.private:
            raise AlreadyShared
        if names := self._private_ground():
            raise RestsOnPrivate(names)
        if self.completed_on:
            self._require_dependencies_completed()
        self.assign({"private": False})
        return MilestoneShared(**self._facts(), completed_on=self.completed_on)

    def withdraw(self) -> MilestoneWithdrawn:
        """Keep it from the client."""
        if self.private:
            raise AlreadyPrivate
        if names := [each.name for each in self.dependents if not each.private]:
            raise NeededByShared(names)
        self.assign({"private": True})
        return MilestoneWithdrawn(**self._facts(), completed_on=self.completed_on)

    def _private_ground(self) -> list[str]:
        return [each.name for each in self.depends_on if each.private]

    def _check_shared_ground(self) -> None:
        if not self.private and (names := self._private_ground()):
            raise DependsOnPrivate(names)

    def _check_dates(self) -> None:
        if self.starts_on and self.target_on < self.starts_on:
            raise TargetBeforeStart

    def _check_cycle(self) -> None:
        seen: set[UUID] = set()
        waiting = list(self.depends_on)
        while waiting:
            each = waiting.pop()
            if each is self:
                raise DependencyCycle
            if each.id not in seen:
                seen.add(each.id)
                waiting += each.depends_on

    def _require_dependencies_completed(self) -> None:
        if names := [each.name for each in self.depends_on if not each.completed_on]:
            raise DependenciesOpen(names)

    def _facts(self) -> dict[str, Any]:
        return {
            "project_id": self.project_id,
            "project_name": self.project.name,
            "name": self.name,
            "target_on": self.target_on,
            "version": self.version,
            "private": self.private,
            "project_private": self.project.private,
            "hidden_fields": self.project.hidden_fields,
            "summary": self.summary,
        }


def _joined(end: Column[Any]) -> ColumnElement[bool]:
    return and_(
        Milestone.client_id == _edges.c.client_id, Milestone.project_id == _edges.c.project_id, Milestone.id == end
    )
