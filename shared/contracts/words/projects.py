"""The words for what happens to projects and their milestones."""

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
from shared.contracts.words.lines import Facts, Line, Lines
from shared.language import marked


def _moved_or_changed(facts: Facts) -> str:
    moved = marked("moved {name} to {target_on}")
    return moved if "target_on" in facts.fields else marked("changed {name}")


def _completed_or_marked(facts: Facts) -> str:
    return marked("completed {name}") if facts.new == "completed" else marked("marked {name} as {new}")


LINES: Lines = {
    ProjectCreated: Line(
        occasion=marked("A project was started"),
        title=marked("started {name}"),
        to_client=marked("{name} is in your portal now"),
    ),
    ProjectUpdated: Line(
        occasion=marked("A project was changed"), title=marked("changed {name}"), description="{fields}"
    ),
    ProjectStatusChanged: Line(
        occasion=marked("A project has another status"), title=_completed_or_marked, description=marked("Was {old}")
    ),
    ProjectShared: Line(
        occasion=marked("A project was shared with its client"), title=marked("shared {name} with the client")
    ),
    ProjectWithdrawn: Line(
        occasion=marked("A project was kept private again"), title=marked("took {name} back from the client")
    ),
    MilestoneCreated: Line(
        occasion=marked("A milestone was added"),
        title=marked("added {name}"),
        description="{project_name}",
        many=marked("added {count} milestones"),
    ),
    MilestoneUpdated: Line(
        occasion=marked("A milestone was changed or rescheduled"),
        title=_moved_or_changed,
        description="{project_name}",
        many=marked("changed {count} milestones"),
    ),
    MilestoneCompleted: Line(
        occasion=marked("A milestone was completed"),
        title=marked("finished {name}"),
        description="{project_name}",
        many=marked("finished {count} milestones"),
    ),
    MilestoneReopened: Line(
        occasion=marked("A milestone was reopened"),
        title=marked("reopened {name}"),
        description="{project_name}",
        many=marked("reopened {count} milestones"),
    ),
    MilestoneShared: Line(
        occasion=marked("A milestone was shared with the client"),
        title=marked("shared {name} with the client"),
        description="{project_name}",
        many=marked("shared {count} milestones with the client"),
    ),
    MilestoneWithdrawn: Line(
        occasion=marked("A milestone was kept private"),
        title=marked("took {name} back from the client"),
        description="{project_name}",
        many=marked("took {count} milestones back from the client"),
    ),
}
FIELDS = {
    "name": marked("name"),
    "description": marked("summary"),
    "scope": marked("scope"),
    "starts_on": marked("start"),
    "ends_on": marked("planned end"),
    "completion": marked("progress"),
    "team": marked("team"),
    "hidden_fields": marked("what the client sees"),
}
"""What people call the fields of a project."""
STATUSES = {
    "on_track": marked("on track"),
    "at_risk": marked("at risk"),
    "delayed": marked("delayed"),
    "completed": marked("completed"),
}
THINGS = {"project": marked("a project"), "milestone": marked("a milestone")}
"""What a thing is called that cannot be named, as what somebody does something to."""
