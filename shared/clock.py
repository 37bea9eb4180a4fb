"""Time and ids, in one place so that tests can replace them."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

_offset = timedelta()


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC) + _offset


@contextmanager
def moved_to(moment: datetime) -> Generator[None]:
    """Let this process believe it is `moment`: for the demo's history and for tests, never while serving people."""
    global _offset  # noqa: PLW0603  (one clock a process is the point)
    _offset = moment - datetime.now(UTC)
    try:
        yield
    finally:
        _offset = timedelta()


def today() -> date:
    """Today's date in UTC."""
    return now().date()


def uuid7() -> UUID:
    """A new time-ordered id (RFC 9562, version 7)."""
    return uuid_utils.compat.uuid7()
