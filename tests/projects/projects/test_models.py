"""The rules of a project, without a database."""

from typing import Any

import pytest

from services.projects.projects.models import ClientInactive, EndsBeforeStart, KnownClient, Project
from shared.clock import uuid7
from shared.errors import PreconditionFailed
from tests.projects.build import on


def project(**fields: Any) -> Project:
    return Project(client_id=uuid7(), name="Customer portal", **fields)


def test_a_new_project_is_on_track_at_its_first_version() -> None:
    event = project(starts_on=on(0)).created()
    assert (event.name, event.status, event.version, event.starts_on) == ("Customer portal", "on_track", 1, on(0))


@pytest.mark.parametrize(
    ("starts", "ends", "fits"), [(0, 0, True), (0, 1, True), (1, 0, False), (None, 0, True), (0, None, True)]
)
def test_a_project_ends_when_it_starts_or_later(starts: int | None, ends: int | None, fits: bool) -> None:
    dates = {
        "starts_on": None if starts is None else on(starts),
        "ends_on": None if ends is None else on(ends),
    }
    if fits:
        assert project(**dates).change({"name": "Shop"})
        return
    with pytest.raises(EndsBeforeStart):
        project(**dates)
    with pytest.raises(EndsBeforeStart):
        project().change(dates)


def test_a_change_names_what_differs_and_raises_the_version() -> None:
    changed = project(description="old", scope="same")
    event = changed.change({"scope": "same", "name": "Shop", "description": "new"})
    assert event
    assert (event.fields, event.name, event.version, changed.version) == (["description", "name"], "Shop", 2, 2)


def test_a_change_of_nothing_is_no_event() -> None:
    same = project()
    assert same.change({"name": "Customer portal"}) is None
    assert same.set_status("on_track", on(0)) is None
    assert same.version == 1


@pytest.mark.parametrize("old", ["on_track", "at_risk", "delayed", "completed"])
@pytest.mark.parametrize("new", ["on_track", "at_risk", "delayed", "completed"])
def test_any_status_may_follow_any_other(old: Any, new: Any) -> None:
    event = project(status=old).set_status(new, on(0))
    assert (event and (event.old, event.new, event.version)) == ((old, new, 2) if old != new else None)


def test_a_project_is_completed_on_the_day_its_status_says_so_and_no_longer_when_it_is_taken_back() -> None:
    """Renaming what is completed does not move the day."""
    done = project()
    assert done.set_status("completed", on(-3))
    assert done.change({"name": "Shop"})
    assert (done.completed_on, done.summary.done_on) == (on(-3), on(-3))
    assert done.set_status("delayed", on(0))
    assert (done.completed_on, done.summary.done_on) == (None, None)
    assert project(status="completed").completed_on == on(0)


def test_each_event_carries_the_project_as_it_is_after_it() -> None:
    changed = project(private=True, ends_on=on(9))
    events = [
        changed.created(),
        changed.change({"name": "Shop", "hidden_fields": ["ends_on"]}),
        changed.set_status("completed", on(0)),
        changed.share(),
        changed.withdraw(),
        changed.restated(),
    ]
    told = [each.summary for each in events if each and each.summary]
    assert [(each.title, each.version, each.status, each.private) for each in told] == [
        ("Customer portal", 1, "on_track", True),
        ("Shop", 2, "on_track", True),
        ("Shop", 3, "completed", True),
        ("Shop", 4, "completed", False),
        ("Shop", 5, "completed", True),
        ("Shop", 5, "completed", True),
    ]
    assert [each.hides for each in told] == [[], *[["ends_on"]] * 5]
    assert {(each.kind, each.project_id, each.due_on) for each in told} == {("project", changed.id, on(9))}


def test_two_changes_have_two_versions() -> None:
    changed = project()
    updated, moved = changed.change({"name": "Shop"}), changed.set_status("delayed", on(0))
    assert updated
    assert moved
    assert (updated.version, moved.version) == (2, 3)


@pytest.mark.parametrize(
    ("if_match", "fits"),
    [
        (None, True),
        ("*", True),
        ('"1"', True),
        ('"7", "1"', True),
        ('"2"', False),
        ('W/"1"', False),
        ("1", False),
        ("", False),
    ],
)
def test_if_match_lets_only_the_present_version_through(if_match: str | None, fits: bool) -> None:
    """Strong comparison (RFC 9110, 13.1.1): a weak tag never matches."""
    if fits:
        project().require_match(if_match)
        return
    with pytest.raises(PreconditionFailed) as refusal:
        project().require_match(if_match)
    assert refusal.value.version == 1


def test_only_an_active_client_gets_new_work() -> None:
    KnownClient(id=uuid7(), name="Acme GmbH", active=True).require_active()
    with pytest.raises(ClientInactive):
        KnownClient(id=uuid7(), name="Acme GmbH", active=False).require_active()
