"""Ids as they come back from a browser, in a cookie or a form."""

from uuid import UUID


def read_id(value: str | None) -> UUID | None:
    """The id, or None for anything that is none."""
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
