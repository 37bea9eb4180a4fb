"""What a client reads of an event."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from shared.contracts.projects import (
    MilestoneCompleted,
    MilestoneCreated,
    MilestoneReopened,
    MilestoneShared,
    MilestoneUpdated,
    MilestoneWithdrawn,
    ProjectCreated,
    ProjectShared,
    ProjectStatusChanged,
    ProjectUpdated,
    ProjectWithdrawn,
)
from shared.events import EventData

AnyMilestone = (
    MilestoneCreated | MilestoneUpdated | MilestoneCompleted | MilestoneReopened | MilestoneShared | MilestoneWithdrawn
)
MILESTONE: dict[type[EventData], str] = {
    MilestoneCreated: "Milestone added",
    MilestoneUpdated: "Milestone updated",
    MilestoneCompleted: "Milestone completed",
    MilestoneReopened: "Milestone reopened",
    MilestoneShared: "Milestone shared",
    MilestoneWithdrawn: "Milestone kept private",
}
FIELDS = {
    "starts_on": "start date",
    "ends_on": "end date",
    "completion": "progress",
    "hidden_fields": "what the client sees",
}


class Words(NamedTuple):
    """An entry's title and description, the project it belongs to, and the kind of thing it is about.

    `tells` are the fields it tells of, where a project may hide all of them, by the names it hides them by.
    """

    title: str
    description: str
    project_id: UUID
    target_type: str
    tells: Collection[str] = ()


def say(subject: UUID, data: EventData | None) -> Words | None:
    """The words for what happened to `subject`. None for what is no news for a client: it stays in the audit log."""
    match data:
        case ProjectCreated(name=name):
            return Words("Project started", name, subject, "project")
        case ProjectUpdated(name=name):
            return Words("Project updated", f"{name} · {_changed(data)}", subject, "project", data.fields)
        case ProjectStatusChanged(name=name, old=old, new=new):
            return Words(f"Project {_plain(new)}", f"{name} · was {_plain(old)}", subject, "project")
        case ProjectShared(name=name):
            return Words("Project shared", name, subject, "project")
        case ProjectWithdrawn(name=name):
            return Words("Project kept private", name, subject, "project")
        case _:
            return _of_milestone(data)


def _of_milestone(data: EventData | None) -> Words | None:
    if isinstance(data, MilestoneUpdated) and "target_on" in data.fields:
        return _about("Milestone rescheduled", data, f"due {data.target_on.day} {data.target_on:%b %Y}")
    return _about(MILESTONE[type(data)], data) if isinstance(data, AnyMilestone) else None


def _about(title: str, data: AnyMilestone, *more: str) -> Words:
    words = " · ".join([data.name, data.project_name, *more])
    return Words(title, words, data.project_id, "milestone", _tells(data))


def _tells(data: AnyMilestone) -> list[str]:
    match data:
        case MilestoneCompleted() | MilestoneReopened():
            return [data.hidden_by["completed_on"]]
        case MilestoneUpdated():
            return sorted({data.hidden_by.get(field, field) for field in data.fields})
        case _:
            return []


def _changed(data: ProjectUpdated) -> str:
    """The names of what changed: those the client sees, or all of them where the entry is for the team alone."""
    told = [field for field in data.fields if field not in data.hidden] or data.fields
    return ", ".join(FIELDS.get(field, _plain(field)) for field in told)


def _plain(name: str) -> str:
    return name.replace("_", " ")
