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
    assert same.set_status("on_track") is None
    assert same.version == 1


@pytest.mark.parametrize("old", ["on_track", "at_risk", "delayed", "completed"])
@pytest.mark.parametrize("new", ["on_track", "at_risk", "delayed", "completed"])
def test_any_status_may_follow_any_other(old: Any, new: Any) -> None:
    event = project(status=old).set_status(new)
    assert (event and (event.old, event.new, event.version)) == ((old, new, 2) if old != new else None)


def test_two_changes_have_two_versions() -> None:
    changed = project()
    updated, moved = changed.change({"name": "Shop"}), changed.set_status("delayed")
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
