"""The words for what the portal reminds people of."""

from shared.contracts.reminders import MilestoneDueSoon, MilestoneOverdue
from shared.contracts.words.lines import Line, Lines
from shared.language import marked

LINES: Lines = {
    MilestoneDueSoon: Line(
        occasion=marked("A milestone is due soon"),
        title=marked("reminds you that {name} is due soon"),
        description=marked("{project_name}, due on {due_on}"),
    ),
    MilestoneOverdue: Line(
        occasion=marked("A milestone is overdue"),
        title=marked("reminds you that {name} is overdue"),
        description=marked("{project_name}, was due on {due_on}"),
    ),
}
