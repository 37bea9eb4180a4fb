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
    private: bool = False


class ProjectUpdated(EventData, frozen=True):
    """Fields other than the status changed: `fields` names them, `hidden` those that the client does not see."""

    type: ClassVar[str] = "project_updated"
    subject: ClassVar[str] = "projects.project.updated.v1"
    name: str
    status: str
    version: int
    fields: list[str]
    starts_on: date | None = None
    ends_on: date | None = None
    private: bool = False
    hidden: list[str] = []  # noqa: RUF012  (a struct copies it)


class ProjectStatusChanged(EventData, frozen=True):
    """Seed 000. `old` and `new` are among on_track, at_risk, delayed, completed."""

    type: ClassVar[str] = "project_status_changed"
    subject: ClassVar[str] = "projects.project.status_changed.v1"
    name: str
    old: str
    new: str
    version: int
    private: bool = False


class ProjectShared(EventData, frozen=True):
    """The client sees the project from now on, with everything in it that is not private itself."""

    type: ClassVar[str] = "project_shared"
    subject: ClassVar[str] = "projects.project.shared.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None


class ProjectWithdrawn(EventData, frozen=True):
    """The client does not see the project any more, nor anything in it."""

    type: ClassVar[str] = "project_withdrawn"
    subject: ClassVar[str] = "projects.project.withdrawn.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None


class ProjectViewed(EventData, frozen=True):
    """Seed 002: reading a project is logged too."""

    type: ClassVar[str] = "view_project"
    subject: ClassVar[str] = "projects.project.viewed.v1"
    name: str


class _Milestone(EventData, frozen=True, kw_only=True):
    """The aggregate id is the milestone's. The client is to know of it where neither it nor its project is private."""

    project_id: UUID
    project_name: str
    name: str
    target_on: date
    version: int
    private: bool = False
    project_private: bool = False


class MilestoneCreated(_Milestone, frozen=True):
    type: ClassVar[str] = "milestone_created"
    subject: ClassVar[str] = "projects.milestone.created.v1"


class MilestoneUpdated(_Milestone, frozen=True):
    """`hidden` are those of `fields` that are not the client's to see."""

    type: ClassVar[str] = "milestone_updated"
    subject: ClassVar[str] = "projects.milestone.updated.v1"
    fields: list[str]
    hidden: list[str] = []  # noqa: RUF012  (a struct copies it)


class MilestoneCompleted(_Milestone, frozen=True):
    """Seed 000."""

    type: ClassVar[str] = "milestone_completed"
    subject: ClassVar[str] = "projects.milestone.completed.v1"
    completed_on: date


class MilestoneReopened(_Milestone, frozen=True):
    type: ClassVar[str] = "milestone_reopened"
    subject: ClassVar[str] = "projects.milestone.reopened.v1"


class MilestoneShared(_Milestone, frozen=True):
    """It is private no longer; whether the client sees it is up to its project then. Completed if it was so already."""

    type: ClassVar[str] = "milestone_shared"
    subject: ClassVar[str] = "projects.milestone.shared.v1"
    completed_on: date | None = None


class MilestoneWithdrawn(_Milestone, frozen=True):
    """It is kept from the client, whoever may see its project."""

    type: ClassVar[str] = "milestone_withdrawn"
    subject: ClassVar[str] = "projects.milestone.withdrawn.v1"
    completed_on: date | None = None
