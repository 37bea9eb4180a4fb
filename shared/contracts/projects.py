"""Events of `services/projects`. Golden JSON: tests/contracts."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from shared.contracts.summary import Summary
from shared.events import Audit, EventData


class _Work(EventData, frozen=True, kw_only=True):
    """A client reads these in the feed. `hidden_fields` are what the project keeps from its client from this event on;
    `summary` is the thing as it is after the event. Both are unset in older events.
    """

    told: ClassVar[bool] = True
    hidden_by: ClassVar[Mapping[str, str]]
    """Which hidden field keeps which of the things that events of this kind name from the client (decision 0049)."""
    hidden_fields: list[str] | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET


class ProjectEvent(_Work, frozen=True, kw_only=True):
    """The aggregate is a project."""

    hidden_by: ClassVar[Mapping[str, str]] = {
        name: name for name in ("description", "scope", "starts_on", "ends_on", "completion", "phase", "team")
    }


class ProjectCreated(ProjectEvent, frozen=True):
    """The aggregate id is the project's. `team` are the staff in its team; who has no account is not named."""

    type: ClassVar[str] = "project_created"
    subject: ClassVar[str] = "projects.project.created.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None
    ends_on: date | None = None
    private: bool = False
    team: list[UUID] = []  # noqa: RUF012  (a struct copies it)


class ProjectUpdated(ProjectEvent, frozen=True):
    """Fields other than the status changed: `fields` names them, `hidden` those that the client does not see. `team`
    are the staff who are in the team now.
    """

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
    team: list[UUID] = []  # noqa: RUF012  (a struct copies it)


class ProjectStatusChanged(ProjectEvent, frozen=True):
    """The status of a project changed. `old` and `new` are among on_track, at_risk, delayed, completed."""

    type: ClassVar[str] = "project_status_changed"
    subject: ClassVar[str] = "projects.project.status_changed.v1"
    name: str
    old: str
    new: str
    version: int
    private: bool = False


class ProjectShared(ProjectEvent, frozen=True):
    """The client sees the project from now on, with everything in it that is not private itself."""

    type: ClassVar[str] = "project_shared"
    subject: ClassVar[str] = "projects.project.shared.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None


class ProjectWithdrawn(ProjectEvent, frozen=True):
    """The client does not see the project any more, nor anything in it."""

    type: ClassVar[str] = "project_withdrawn"
    subject: ClassVar[str] = "projects.project.withdrawn.v1"
    name: str
    status: str
    version: int
    starts_on: date | None = None


class ProjectRestated(ProjectEvent, frozen=True):
    """A project published again as it is: nothing happened to it. For who does not know it, or lost what it knew."""

    type: ClassVar[str] = "project_restated"
    subject: ClassVar[str] = "projects.project.restated.v1"
    audit: ClassVar[Audit] = "none"
    told: ClassVar[bool] = False
    name: str
    status: str
    version: int
    starts_on: date | None = None
    ends_on: date | None = None
    private: bool = False
    team: list[UUID] = []  # noqa: RUF012  (a struct copies it)


class ProjectViewed(EventData, frozen=True):
    """Somebody read a project, which the audit log records too."""

    type: ClassVar[str] = "view_project"
    subject: ClassVar[str] = "projects.project.viewed.v1"
    audit: ClassVar[Audit] = "read"
    name: str


class MilestoneEvent(_Work, frozen=True, kw_only=True):
    """The aggregate is a milestone. The client is to know of it where neither it nor its project is private."""

    hidden_by: ClassVar[Mapping[str, str]] = {
        "completed_on": "completion",
        "status": "completion",
        "phase": "phase",
        "description": "milestone_description",
        "starts_on": "milestone_starts_on",
        "depends_on": "milestone_depends_on",
    }
    project_id: UUID
    project_name: str
    name: str
    target_on: date
    version: int
    private: bool = False
    project_private: bool = False


class MilestoneCreated(MilestoneEvent, frozen=True):
    type: ClassVar[str] = "milestone_created"
    subject: ClassVar[str] = "projects.milestone.created.v1"


class MilestoneUpdated(MilestoneEvent, frozen=True):
    """`hidden` are those of `fields` that are not the client's to see."""

    type: ClassVar[str] = "milestone_updated"
    subject: ClassVar[str] = "projects.milestone.updated.v1"
    fields: list[str]
    hidden: list[str] = []  # noqa: RUF012  (a struct copies it)


class MilestoneCompleted(MilestoneEvent, frozen=True):
    """A milestone was completed on the day `completed_on`."""

    type: ClassVar[str] = "milestone_completed"
    subject: ClassVar[str] = "projects.milestone.completed.v1"
    completed_on: date


class MilestoneReopened(MilestoneEvent, frozen=True):
    type: ClassVar[str] = "milestone_reopened"
    subject: ClassVar[str] = "projects.milestone.reopened.v1"


class MilestoneShared(MilestoneEvent, frozen=True):
    """It is private no longer; whether the client sees it is up to its project then. Completed if it was so already."""

    type: ClassVar[str] = "milestone_shared"
    subject: ClassVar[str] = "projects.milestone.shared.v1"
    completed_on: date | None = None


class MilestoneWithdrawn(MilestoneEvent, frozen=True):
    """It is kept from the client, whoever may see its project."""

    type: ClassVar[str] = "milestone_withdrawn"
    subject: ClassVar[str] = "projects.milestone.withdrawn.v1"
    completed_on: date | None = None


class MilestoneRestated(MilestoneEvent, frozen=True):
    """A milestone published again as it is: nothing happened to it."""

    type: ClassVar[str] = "milestone_restated"
    subject: ClassVar[str] = "projects.milestone.restated.v1"
    audit: ClassVar[Audit] = "none"
    told: ClassVar[bool] = False
    completed_on: date | None = None
