"""Time and ids, in one place so that tests can replace them."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

import uuid_utils.compat

_moved = timedelta()
_ahead = timedelta()
_company: tzinfo = UTC
_EARLIEST = timezone(timedelta(hours=14))
"""The time zone in which a day begins first (Kiritimati)."""
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
"""Dates that people type lie between them: nobody means the year 26, and who counts days from one has days left."""


_AHEAD = re.compile(r"\+(\d{1,4})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def now() -> datetime:
    """The current time, aware, in UTC. Statements take it as a parameter: PostgreSQL has a clock of its own."""
    return outside() + _ahead


def outside() -> datetime:
    """What clocks outside the portal say, such as a phone's that shows codes: `run_ahead` does not move them."""
    return datetime.now(UTC) + _moved


def inside(moment: datetime) -> datetime:
    """What the portal's clock says at a moment that came from outside, such as the end of a signed token."""
    return moment + _ahead


def run_ahead(by: str) -> None:
    """Let this process live in the future by days, hours or minutes (`+8d`, `+36h`, `+90m`; "" is not at all), so that
    one sees what becomes due then. Raises `ValueError`.
    """
    global _ahead  # noqa: PLW0603  (one clock a process is the point)
    found = _AHEAD.fullmatch(by or "+0m")
    if found is None:
        raise ValueError(by)
    _ahead = timedelta(**{_UNITS[found[2]]: int(found[1])})


@contextmanager
def moved_to(moment: datetime) -> Generator[None]:
    """Let this process believe it is `moment`: for the demo's history and for tests, never while serving people."""
    global _moved  # noqa: PLW0603  (one clock a process is the point)
    _moved = moment - _ahead - datetime.now(UTC)
    try:
        yield
    finally:
        _moved = timedelta()


def keep_days_of(zone: str) -> None:
    """Set the company's time zone (an IANA name), in which days begin.

    Raises `ZoneInfoNotFoundError` or `ValueError`.
    """
    global _company  # noqa: PLW0603  (one company an installation)
    _company = ZoneInfo(zone)


def day_of(moment: datetime) -> date:
    """The company's day at that moment."""
    return moment.astimezone(_company).date()


def moment_of(day: date, hour: int) -> datetime:
    """When it is `hour` o'clock of that day where the company is; in UTC."""
    return datetime.combine(day, time(hour), _company).astimezone(UTC)


def today() -> date:
    """The company's current day, which statuses, figures and texts use for every reader."""
    return day_of(now())


def latest_today() -> date:
    """The latest current day anywhere on earth: nobody's own today is later."""
    return now().astimezone(_EARLIEST).date()


def uuid7() -> UUID:
    """A new time-ordered id (RFC 9562, version 7)."""
    return uuid_utils.compat.uuid7()
