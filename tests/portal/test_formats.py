"""How values are written."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.portal import formats
from shared.clock import moved_to, now

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
        (86400 * 3 + 60, "3 days ago"),
    ],
)
def test_relative_times_are_words(monkeypatch, age, words):
    moment = datetime(2026, 3, 12, 8, tzinfo=UTC)
    monkeypatch.setattr(formats, "now", lambda: moment)
    assert formats.ago(moment - timedelta(seconds=age), UTC) == words


def test_days_ago_are_those_of_the_calendar():
    with moved_to(datetime(2026, 3, 12, 8, tzinfo=UTC)):
        assert formats.ago(datetime(2026, 3, 10, 23, tzinfo=UTC), UTC) == "2 days ago"
        assert formats.ago(datetime(2026, 3, 11, 7, tzinfo=UTC), UTC) == "yesterday"
        assert formats.ago(datetime(2026, 3, 10, 23, tzinfo=UTC), BERLIN) == "yesterday"


def test_a_time_in_the_future_is_now():
    assert formats.ago(now() + timedelta(hours=1)) == "just now"


def test_exact_times_name_utc_only_when_the_zone_is_unknown():
    moment = datetime(2026, 3, 12, 13, 5, tzinfo=UTC)
    assert formats.moment(moment) == "12 Mar 2026, 13:05 UTC"
    assert formats.moment(moment, BERLIN) == "12 Mar 2026, 14:05"


@pytest.mark.parametrize(
    ("days", "words"), [(0, "today"), (1, "tomorrow"), (-1, "yesterday"), (12, "in 12 days"), (-3, "3 days ago")]
)
def test_distance_to_a_day(days, words):
    today = date(2026, 2, 27)
    assert formats.until(today + timedelta(days=days), today) == words


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (1204, "number", "1,204"),
        (2.0, "number", "2"),
        (67.5, "percent", "67.5 %"),
        (1, "days", "1 day"),
        (12, "days", "12 days"),
        (0, "days", "today"),
        (-1, "days", "1 day overdue"),
        ("2026-03-12", "date", "12 Mar 2026"),
        (None, "number", "—"),
        ("12.50", "number", "12.5"),
    ],
)
def test_figures(value, kind, written):
    assert formats.figure(value, kind) == written


def test_no_change_in_days_is_no_day():
    assert formats.change(0, "days") == "±0 days"


@pytest.mark.parametrize(("value", "written"), [(2, "+2"), (-1, "−1"), (0, "±0"), (None, "")])
def test_changes_carry_their_sign(value, written):
    assert formats.change(value, "number") == written


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Anna Keller", "AK"),
        ("Cher", "C"),
        ("Ana María de la Cruz", "AC"),
        ("", "?"),
        (None, "?"),
        ("łukasz żak", "ŁŻ"),
    ],
)
def test_initials(name, letters):
    assert formats.initials(name) == letters
