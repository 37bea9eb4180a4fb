"""The table of docs: where a milestone stands follows from the dates of the plan."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import pytest

from services.projects.milestones.schedule import phase_status, progress, statuses
from shared.clock import uuid7
from tests.projects.build import on


@dataclass
class Step:
    """Days from today; None for no date."""

    starts: int | None
    target: int
    completed: int | None = None
    depends_on: list[UUID] = field(default_factory=list)
    id: UUID = field(default_factory=uuid7)
    private: bool = False

    @property
    def starts_on(self) -> date | None:
        return None if self.starts is None else on(self.starts)

    @property
    def target_on(self) -> date:
        return on(self.target)

    @property
    def completed_on(self) -> date | None:
        return None if self.completed is None else on(self.completed)


FIRST_OPEN = Step(None, 3)
"""Stands before every step of the table, so that none of them is the first open one."""


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (Step(-9, -5, completed=-5), "completed"),
        (Step(-9, -5, completed=0), "completed"),
        (Step(5, 9, completed=-1), "completed"),
        (Step(-9, -1), "overdue"),
        (Step(None, -1), "overdue"),
        (Step(-9, 0), "in_progress"),
        (Step(0, 9), "in_progress"),
        (Step(0, 0), "in_progress"),
        (Step(1, 9), "upcoming"),
        (Step(None, 9), "upcoming"),
    ],
)
def test_the_first_line_that_fits_wins(step: Step, status: str) -> None:
    assert statuses([FIRST_OPEN, step], on(0))[1] == status


def test_a_private_step_is_never_the_current_one() -> None:
    """The others stand as they do where it is not shown at all."""
    private, shared = Step(None, 5, private=True), Step(None, 8)
    assert statuses([private, shared], on(0)) == ["upcoming", *statuses([shared], on(0))]
    assert statuses([Step(-1, 5, private=True), shared], on(0)) == ["in_progress", "in_progress"]


def test_without_a_start_the_first_open_one_is_in_progress() -> None:
    plan = [Step(None, -3, completed=-3), Step(None, 4), Step(None, 8)]
    assert statuses(plan, on(0)) == ["completed", "in_progress", "upcoming"]


def test_what_waits_for_others_is_not_the_one_at_hand() -> None:
    later = Step(None, 20)
    waits = Step(None, 4, depends_on=[later.id])
    assert statuses([waits, Step(None, 8), later], on(0)) == ["upcoming", "in_progress", "upcoming"]


def test_while_the_one_at_hand_is_late_the_next_is_still_to_come() -> None:
    assert statuses([Step(None, -2), Step(None, 8)], on(0)) == ["overdue", "upcoming"]


def test_a_start_in_the_future_is_believed() -> None:
    assert statuses([Step(3, 8), Step(None, 9)], on(0)) == ["upcoming", "upcoming"]


def test_several_may_be_under_way() -> None:
    assert statuses([Step(None, 5), Step(-2, 8), Step(-1, 9)], on(0)) == ["in_progress"] * 3


def test_an_empty_plan_has_no_statuses() -> None:
    assert statuses([], on(0)) == []


@pytest.mark.parametrize(
    ("milestones", "phase"),
    [
        (["completed", "completed"], "completed"),
        (["completed", "upcoming"], "in_progress"),
        (["in_progress", "upcoming"], "in_progress"),
        (["upcoming", "upcoming"], "upcoming"),
        (["completed", "overdue", "upcoming"], "overdue"),
    ],
)
def test_a_phase_stands_where_its_milestones_do(milestones: list, phase: str) -> None:
    assert phase_status(milestones) == phase


@pytest.mark.parametrize(
    ("completed", "total", "shown"),
    [(2, 7, 29), (1, 3, 33), (2, 3, 67), (199, 200, 99), (1, 300, 0), (4, 4, 100), (0, 0, 0)],
)
def test_progress_is_rounded_and_only_what_is_finished_is_100(completed: int, total: int, shown: int) -> None:
    assert progress(completed, total) == shown
