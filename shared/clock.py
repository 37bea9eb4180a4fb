"""Time and ids, in one place so that tests can replace them."""

from datetime import UTC, date, datetime
from uuid import UUID

import uuid_utils.compat


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today's date in UTC."""
    return now().date()


def uuid7() -> UUID:
    """A new time-ordered id (RFC 9562, version 7)."""
    return uuid_utils.compat.uuid7()
