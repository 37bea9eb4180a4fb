"""The rules of milestones, without a database."""

from random import Random
from typing import Any

import pytest

from services.projects.milestones.models import Milestone
from services.projects.milestones.refusals import (
    AlreadyCompleted,
    CompletedInFuture,
    DependenciesOpen,
    DependencyCycle,
    DependentsCompleted,
    NotCompleted,
    TargetBeforeStart,
)
from services.projects.projects.models import Project
from shared.clock import uuid7
from tests.projects.build import on

PROJECT = Project(client_id=uuid7(), name="Customer portal")


def milestone(name: str = "Launch", **fields: Any) -> Milestone:
    fields.setdefault("target_on", on(10))
    return Milestone(client_id=PROJECT.client_id, project_id=PROJECT.id, project=PROJECT, name=name, **fields)


def test_every_event_tells_the_milestone_and_its_project() -> None:
    launch = milestone()
    events = [launch.created(), launch.change({"name": "Go-live"}), launch.complete(on(0), on(0)), launch.reopen()]
    assert [event and event.version for event in events] == [1, 2, 3, 4]
    assert [event and event.name for event in events] == ["Launch", "Go-live", "Go-live", "Go-live"]
    assert {event and (event.project_id, event.project_name, event.target_on) for event in events} == {
        (PROJECT.id, "Customer portal", on(10))
    }


def test_each_event_carries_the_milestone_as_it_is_after_it() -> None:
    launch = milestone(private=True)
    events = [
        launch.created(),
        launch.complete(on(0), on(0)),
        launch.change({"name": "Go-live"}),
        launch.reopen(),
        launch.share(),
        launch.withdraw(),
        launch.restated(),
    ]
    told = [each.summary for each in events if each and each.summary]
    assert [(each.title, each.version, each.status, each.done_on, each.private) for each in told] == [
        ("Launch", 1, "open", None, True),
        ("Launch", 2, "completed", on(0), True),
        ("Go-live", 3, "completed", on(0), True),
        ("Go-live", 4, "open", None, True),
        ("Go-live", 5, "open", None, False),
        ("Go-live", 6, "open", None, True),
        ("Go-live", 6, "open", None, True),
    ]
    assert {(each.kind, each.project_id, each.due_on) for each in told} == {("milestone", PROJECT.id, on(10))}


@pytest.mark.parametrize("starts", [10, 11])
def test_a_target_date_is_the_start_or_later(starts: int) -> None:
    if starts <= 10:
        assert milestone(starts_on=on(starts)).change({"target_on": on(starts + 1)})
        return
    with pytest.raises(TargetBeforeStart):
        milestone(starts_on=on(starts))
    with pytest.raises(TargetBeforeStart):
        milestone().change({"starts_on": on(starts)})


def test_a_change_names_what_differs() -> None:
    base, launch = milestone("Base"), milestone(phase="Build")
    event = launch.change({"name": "Launch", "phase": None, "depends_on": [base]})
    assert event
    assert (event.fields, event.version) == (["depends_on", "phase"], 2)
    assert launch.change({"depends_on": [base]}) is None


@pytest.mark.parametrize("day", [-400, -1, 0])
def test_it_can_have_been_completed_any_day_until_today(day: int) -> None:
    launch = milestone()
    assert launch.complete(on(day), on(0)).completed_on == on(day)
    assert launch.completed_on == on(day)


def test_it_cannot_be_completed_after_the_last_day_that_it_is_already() -> None:
    launch = milestone()
    with pytest.raises(CompletedInFuture):
        launch.complete(on(1), on(0))
    assert (launch.completed_on, launch.version) == (None, 1)


def test_it_is_completed_once_and_reopened_once() -> None:
    launch = milestone()
    with pytest.raises(NotCompleted):
        launch.reopen()
    launch.complete(on(0), on(0))
    with pytest.raises(AlreadyCompleted):
        launch.complete(on(0), on(0))
    launch.reopen()
    with pytest.raises(NotCompleted):
        launch.reopen()


def test_what_is_completed_rests_on_completed_ground() -> None:
    design, content = milestone("Design"), milestone("Content")
    launch = milestone(depends_on=[design, content])
    design.complete(on(0), on(0))
    with pytest.raises(DependenciesOpen, match=r"yet: Content\.$"):
        launch.complete(on(0), on(0))
    assert launch.completed_on is None
    content.complete(on(0), on(0))
    launch.complete(on(0), on(0))
    with pytest.raises(DependentsCompleted, match=r"first: Launch\.$"):
        design.reopen()
    with pytest.raises(DependenciesOpen, match=r"yet: Press\.$"):
        launch.change({"depends_on": [design, milestone("Press")]})


def test_nothing_depends_on_itself_by_any_way() -> None:
    first = milestone("First")
    second = milestone("Second", depends_on=[first])
    third = milestone("Third", depends_on=[second])
    for target in (first, second, third):
        with pytest.raises(DependencyCycle):
            first.change({"depends_on": [target]})
        first.depends_on = []


@pytest.mark.parametrize("seed", range(40))
def test_no_sequence_of_changes_closes_a_cycle(seed: int) -> None:
    """Random graphs: a change is refused exactly when a path back exists, found here by colouring."""
    chance = Random(seed)
    plan = [milestone(str(number)) for number in range(chance.randint(2, 9))]
    refused = 0
    for _ in range(60):
        changed = chance.choice(plan)
        wanted = chance.sample(plan, chance.randint(0, min(3, len(plan))))
        before = list(changed.depends_on)
        closes = any(leads_to(each, changed) for each in wanted)
        try:
            changed.change({"depends_on": wanted})
            assert not closes
        except DependencyCycle:
            assert closes
            refused += 1
            changed.depends_on = before  # as the rolled back transaction leaves it
    assert not any(leads_to(after, each) for each in plan for after in each.depends_on)
    assert refused


def leads_to(start: Milestone, goal: Milestone) -> bool:
    return start is goal or any(leads_to(each, goal) for each in start.depends_on)
