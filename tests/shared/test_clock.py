"""Days begin where the company is; what people say of their own day may be one ahead."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from ops.serve import application
from services.projects.app import create_app
from services.projects.settings import ProjectsSettings
from shared import clock
from shared.config import SettingsError
from tests.clocks import living_ahead


@pytest.fixture(autouse=True)
def back_to_utc() -> Iterator[None]:
    yield
    clock.keep_days_of("UTC")


@pytest.mark.parametrize(
    ("zone", "today"),
    [("UTC", date(2026, 3, 29)), ("Pacific/Auckland", date(2026, 3, 30)), ("Pacific/Honolulu", date(2026, 3, 29))],
)
def test_today_is_the_companys(zone: str, today: date) -> None:
    clock.keep_days_of(zone)
    with clock.moved_to(datetime(2026, 3, 29, 12, tzinfo=UTC)):
        assert clock.today() == today
        assert clock.day_of(clock.now()) == today
        assert clock.latest_today() == date(2026, 3, 30)


def test_where_no_day_has_begun_yet_nobody_is_ahead() -> None:
    with clock.moved_to(datetime(2026, 3, 29, 9, 59, tzinfo=UTC)):
        assert clock.latest_today() == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("zone", "day", "utc"),
    [
        ("UTC", date(2026, 3, 29), 8),
        ("Europe/Berlin", date(2026, 3, 28), 7),
        ("Europe/Berlin", date(2026, 3, 29), 6),  # its clocks went forward at two
    ],
)
def test_eight_o_clock_is_the_companys(zone: str, day: date, utc: int) -> None:
    clock.keep_days_of(zone)
    assert clock.moment_of(day, 8) == datetime(day.year, day.month, day.day, utc, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../../etc/passwd", ""])
def test_a_zone_that_is_none_is_named_at_the_start(zone: str) -> None:
    settings = ProjectsSettings(
        database_url="postgresql://projects_app:x@127.0.0.1:1/portal",
        nats_url="nats://127.0.0.1:1",
        time_zone=zone,
    )
    with pytest.raises(SettingsError, match="PORTAL_TIME_ZONE"):
        create_app(settings)


@pytest.mark.parametrize(
    ("by", "ahead"), [("+8d", timedelta(days=8)), ("+36h", timedelta(hours=36)), ("+90m", timedelta(minutes=90))]
)
def test_a_clock_ahead_moves_the_portal_and_no_clock_outside(by: str, ahead: timedelta) -> None:
    """What comes from outside, such as the end of a token, is read as the portal's own clock will say it."""
    with living_ahead(by):
        outside = clock.outside()
        assert timedelta(0) <= clock.now() - clock.inside(outside) < timedelta(seconds=5)
        assert clock.inside(outside) - outside == ahead
        assert abs(outside - datetime.now(UTC)) < timedelta(seconds=5)
        with clock.moved_to(datetime(2026, 3, 29, 12, tzinfo=UTC)):
            assert clock.today() == date(2026, 3, 29)
    assert clock.inside(outside) == outside


@pytest.mark.parametrize(
    ("env", "by"),
    [("production", "+8d"), ("compose", "+8d"), ("external", "+8d"), ("embedded", "-8d"), ("embedded", "8 days")],
)
def test_only_the_embedded_stack_lives_in_the_future(env: str, by: str) -> None:
    told = {
        "PORTAL_ENV": env,
        "PORTAL_CLOCK_OFFSET": by,
        "PORTAL_DATABASE_URL": "postgresql://projects_app:x@127.0.0.1:1/portal",
        "PORTAL_NATS_URL": "nats://127.0.0.1:1",
    }
    with pytest.raises(SettingsError, match="PORTAL_CLOCK_OFFSET"):
        application("projects", told)
