"""When people are reminded of what is due: one line for each kind of thing. Whom, say the rules (`rules.py`)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from shared.clock import moment_of
from shared.contracts.reminders import MilestoneDueSoon, MilestoneOverdue, Reminder

HOUR = 8
"""O'clock where the company is: people read it when they begin, and nobody gets a mail at night."""
WORTH = timedelta(days=7)
"""A reminder that is later than this is none: it is not made up for."""


class Stage(msgspec.Struct, frozen=True):
    """People are reminded by an event of this `kind`, so many `days` after something is due, or before (negative)."""

    kind: type[Reminder]
    days: int

    def moment(self, due_on: date) -> datetime:
        """When, of what is due on this day."""
        return moment_of(due_on + timedelta(days=self.days), HOUR)


STAGES: Mapping[str, Sequence[Stage]] = {"milestone": [Stage(MilestoneDueSoon, -3), Stage(MilestoneOverdue, 1)]}
"""By the kind of thing, in the order of their moments."""


def is_worth(stages: Sequence[Stage], due_on: date, at: datetime) -> bool:
    """Whether the first of these is the one to remind people by: it is not too late, and no later one has come."""
    first, *later = (stage.moment(due_on) for stage in stages)
    return at - first <= WORTH and all(at < moment for moment in later)
