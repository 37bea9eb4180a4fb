"""Reminders of what is due, published by `services/notifications`. Golden JSON: tests/contracts."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.events import Audit, EventData


class Reminder(EventData, frozen=True, kw_only=True):
    """The portal reminds people of a thing that is due on `due_on`: nothing happened to it."""

    audit: ClassVar[Audit] = "none"
    project_id: UUID
    project_name: str
    name: str
    due_on: date


class MilestoneDueSoon(Reminder, frozen=True):
    """A milestone is due in a few days and not completed. The aggregate is the milestone."""

    type: ClassVar[str] = "milestone_due_soon"
    subject: ClassVar[str] = "notifications.milestone.due_soon.v1"


class MilestoneOverdue(Reminder, frozen=True):
    """The day on which a milestone was due has passed, and it is not completed. The aggregate is the milestone."""

    type: ClassVar[str] = "milestone_overdue"
    subject: ClassVar[str] = "notifications.milestone.overdue.v1"
