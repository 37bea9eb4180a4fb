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
from shared.texts import isolated

AnyMilestone = (
    MilestoneCreated | MilestoneUpdated | MilestoneCompleted | MilestoneReopened | MilestoneShared | MilestoneWithdrawn
)
DONE: dict[type[EventData], str] = {
    ProjectCreated: "started {}",
    ProjectUpdated: "changed {}",
    ProjectShared: "shared {} with the client",
    ProjectWithdrawn: "took {} back from the client",
    MilestoneCreated: "added {}",
    MilestoneUpdated: "changed {}",
    MilestoneCompleted: "finished {}",
    MilestoneReopened: "reopened {}",
    MilestoneShared: "shared {} with the client",
    MilestoneWithdrawn: "took {} back from the client",
}
"""What somebody did to the thing of that name."""
FIELDS = {
    "description": "summary",
    "starts_on": "start",
    "ends_on": "planned end",
    "completion": "progress",
    "hidden_fields": "what the client sees",
}
PORTAL = "The portal"
"""Who did it where no person did."""


class Words(NamedTuple):
    """What an entry says: `title` goes on where the name of who did it ends; the project it belongs to, and the kind of
    thing it is about. `tells` are the fields it tells of, where a project may hide all of them, by the names it hides
    them by.
    """

    title: str
    description: str
    project_id: UUID
    target_type: str
    tells: Collection[str] = ()


def say(subject: UUID, data: EventData | None) -> Words | None:
    """The words for what happened to `subject`. None for what is no news for a client: it stays in the audit log."""
    if isinstance(data, AnyMilestone):
        return Words(_of_milestone(data), data.project_name, data.project_id, "milestone", _tells(data))
    return _of_project(subject, data)


def sentence(actor_name: str, title: str) -> str:
    """What happened, as it is read: "Jonas Weber finished Visual design"."""
    return f"{isolated(actor_name) or PORTAL} {title}"


def _of_milestone(data: AnyMilestone) -> str:
    if isinstance(data, MilestoneUpdated) and "target_on" in data.fields:
        return f"moved {isolated(data.name)} to {data.target_on.day} {data.target_on:%b %Y}"
    return DONE[type(data)].format(isolated(data.name))


def _tells(data: AnyMilestone) -> list[str]:
    match data:
        case MilestoneCompleted() | MilestoneReopened():
            return [data.hidden_by["completed_on"]]
        case MilestoneUpdated():
            return sorted({data.hidden_by.get(field, field) for field in data.fields})
        case _:
            return []


def _of_project(subject: UUID, data: EventData | None) -> Words | None:
    match data:
        case ProjectCreated() | ProjectShared() | ProjectWithdrawn():
            return Words(DONE[type(data)].format(isolated(data.name)), "", subject, "project")
        case ProjectUpdated():
            return Words(DONE[type(data)].format(isolated(data.name)), _changed(data), subject, "project", data.fields)
        case ProjectStatusChanged(new=new):
            done = "completed {}" if new == "completed" else f"marked {{}} as {_plain(new)}"
            return Words(done.format(isolated(data.name)), f"Was {_plain(data.old)}", subject, "project")
        case _:
            return None


def _changed(data: ProjectUpdated) -> str:
    """The names of what changed: those the client sees, or all of them where the entry is for the team alone."""
    told = [field for field in data.fields if field not in data.hidden] or data.fields
    names = ", ".join(FIELDS.get(field, _plain(field)) for field in told)
    return names[:1].upper() + names[1:]


def _plain(name: str) -> str:
    return name.replace("_", " ")
