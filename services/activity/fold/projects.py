"""Events of projects: what those without a summary say of a thing."""

from services.activity.fold.meaning import Meaning, Meanings
from shared.contracts.projects import MilestoneEvent, ProjectEvent, ProjectShared, ProjectWithdrawn

MEANINGS: Meanings = {
    ProjectEvent: Meaning(keeps=lambda data: data.private),
    ProjectShared: Meaning(keeps=lambda _data: False),
    ProjectWithdrawn: Meaning(keeps=lambda _data: True),
    MilestoneEvent: Meaning(keeps=lambda data: data.private),
}
