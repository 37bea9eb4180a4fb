"""Events of `services/projects`. Golden JSON: tests/contracts."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.events import EventData


class ProjectCreated(EventData, frozen=True):
    """The aggregate id is the project's."""

    type: ClassVar[str] = "project_created"
    subject: ClassVar[str] = "projects.project.created.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None
    ends_on: date | None = None


class ProjectUpdated(EventData, frozen=True):
    """Fields other than the status changed; `fields` names them."""

    type: ClassVar[str] = "project_updated"
    subject: ClassVar[str] = "projects.project.updated.v1"
    name: str
    status: str
    version: int
    fields: list[str]
    starts_on: date | None = None
    ends_on: date | None = None


class ProjectStatusChanged(EventData, frozen=True):
    """Seed 000. `old` and `new` are among on_track, at_risk, delayed, completed."""

    type: ClassVar[str] = "project_status_changed"
    subject: ClassVar[str] = "projects.project.status_changed.v1"
    name: str
    old: str
    new: str
    version: int


class ProjectViewed(EventData, frozen=True):
    """Seed 002: reading a project is logged too."""

    type: ClassVar[str] = "view_project"
    subject: ClassVar[str] = "projects.project.viewed.v1"
    name: str


class _Milestone(EventData, frozen=True):
    """The aggregate id is the milestone's."""

    project_id: UUID
    project_name: str
    name: str
    target_on: date
    version: int


class MilestoneCreated(_Milestone, frozen=True):
    type: ClassVar[str] = "milestone_created"
    subject: ClassVar[str] = "projects.milestone.created.v1"


class MilestoneUpdated(_Milestone, frozen=True):
    type: ClassVar[str] = "milestone_updated"
    subject: ClassVar[str] = "projects.milestone.updated.v1"
    fields: list[str]


class MilestoneCompleted(_Milestone, frozen=True):
    """Seed 000."""

    type: ClassVar[str] = "milestone_completed"
    subject: ClassVar[str] = "projects.milestone.completed.v1"
    completed_on: date


class MilestoneReopened(_Milestone, frozen=True):
    type: ClassVar[str] = "milestone_reopened"
    subject: ClassVar[str] = "projects.milestone.reopened.v1"
