"""Where the milestones of a project stand today. Nothing of this is stored: it follows from the dates."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Literal, Protocol
from uuid import UUID

from msgspec import UnsetType

Status = Literal["completed", "in_progress", "upcoming", "overdue"]


class Step(Protocol):
    """What the status of a milestone follows from."""

    @property
    def id(self) -> UUID: ...
    @property
    def starts_on(self) -> date | None: ...
    @property
    def target_on(self) -> date: ...
    @property
    def completed_on(self) -> date | None: ...
    @property
    def depends_on(self) -> Sequence[UUID]: ...
    @property
    def private(self) -> bool | UnsetType: ...


def statuses(plan: Sequence[Step], today: date) -> list[Status]:
    """Where each milestone of a project stands. `plan` is all of them in order of their target dates.

    The first line that fits wins:

    - it has a `completed_on`: completed
    - its target date has passed: overdue
    - it has a `starts_on`, today or earlier: in progress
    - it has no `starts_on`, and of all open milestones it is the first whose dependencies are completed: in progress
    - otherwise: upcoming

    A private one is never that first one, so that the others stand as they do for the client, who sees no private ones.
    """
    done = {step.id for step in plan if step.completed_on}
    open_steps = (step for step in plan if step.id not in done and not step.private)
    current = next((step.id for step in open_steps if done.issuperset(step.depends_on)), None)
    return [status_of(step, today, is_current=step.id == current) for step in plan]


def status_of(step: Step, today: date, *, is_current: bool) -> Status:
    """Where one milestone stands; `is_current`: it is the first open one whose dependencies are completed."""
    if step.completed_on:
        return "completed"
    if step.target_on < today:
        return "overdue"
    started = step.starts_on <= today if step.starts_on else is_current
    return "in_progress" if started else "upcoming"


def progress(completed: int, total: int) -> int:
    """Per cent, rounded to the nearest: 2 of 7 are 29. What is not finished is never 100; without milestones, 0."""
    if completed == total:
        return 100 if total else 0
    return min(99, (completed * 200 + total) // (total * 2))


def phase_status(milestones: Collection[Status]) -> Status:
    """A phase is completed with its last milestone, overdue with one of them, and under way from its first step on."""
    if all(status == "completed" for status in milestones):
        return "completed"
    if "overdue" in milestones:
        return "overdue"
    return "upcoming" if all(status == "upcoming" for status in milestones) else "in_progress"
