"""Appending to the feed, and telling every process's hub that there is something new."""

from collections.abc import Sequence

import asyncpg

from services.activity.feed.models import Ended, Entry

CHANNEL = "activity_feed"

_ENTRY = (
    "insert into feed (position, client_id, id, type, title, description, actor_id, actor_name, project_id,"
    " target_type, target_id, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)
_ENDED = "insert into ended (position, client_id, subject, reason, final, at) values ($1, $2, $3, $4, $5, $6)"


async def append(connection: asyncpg.Connection, entries: Sequence[Entry], ended: Sequence[Ended]) -> None:
    """Add entries and ends of access. The notification goes out with the commit."""
    if entries:
        await connection.executemany(_ENTRY, [_columns(entry) for entry in entries])
    if ended:
        await connection.executemany(_ENDED, [_columns(end) for end in ended])
    if entries or ended:
        await connection.execute(f"notify {CHANNEL}")


def _columns(row: Entry | Ended) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in row.__struct_fields__)
