"""The words for what happens to projects and their milestones."""

from services.activity.words.lines import Facts, Line, Lines
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


def _moved_or_changed(facts: Facts) -> str:
    return "moved {name} to {target_on}" if "target_on" in facts.fields else "changed {name}"


def _completed_or_marked(facts: Facts) -> str:
    return "completed {name}" if facts.new == "completed" else "marked {name} as {new}"


LINES: Lines = {
    ProjectCreated: Line(occasion="A project was started", title="started {name}"),
    ProjectUpdated: Line(occasion="A project was changed", title="changed {name}", description="{fields}"),
    ProjectStatusChanged: Line(
        occasion="A project has another status", title=_completed_or_marked, description="Was {old}"
    ),
    ProjectShared: Line(occasion="A project was shared with its client", title="shared {name} with the client"),
    ProjectWithdrawn: Line(occasion="A project was kept private again", title="took {name} back from the client"),
    MilestoneCreated: Line(
        occasion="A milestone was added",
        title="added {name}",
        description="{project_name}",
        many="added {count} milestones",
    ),
    MilestoneUpdated: Line(
        occasion="A milestone was changed or rescheduled",
        title=_moved_or_changed,
        description="{project_name}",
        many="changed {count} milestones",
    ),
    MilestoneCompleted: Line(
        occasion="A milestone was completed",
        title="finished {name}",
        description="{project_name}",
        many="finished {count} milestones",
    ),
    MilestoneReopened: Line(
        occasion="A milestone was reopened",
        title="reopened {name}",
        description="{project_name}",
        many="reopened {count} milestones",
    ),
    MilestoneShared: Line(
        occasion="A milestone was shared with the client",
        title="shared {name} with the client",
        description="{project_name}",
        many="shared {count} milestones with the client",
    ),
    MilestoneWithdrawn: Line(
        occasion="A milestone was kept private",
        title="took {name} back from the client",
        description="{project_name}",
        many="took {count} milestones back from the client",
    ),
}
FIELDS = {
    "description": "summary",
    "starts_on": "start",
    "ends_on": "planned end",
    "completion": "progress",
    "hidden_fields": "what the client sees",
}
"""Fields that people know by another name than the contract's."""
