"""Appending to the feed, and telling every process's hub that there is something new."""

from collections.abc import Sequence

import asyncpg
import msgspec

from services.activity.feed.models import Ended, Entry

CHANNEL = "activity_feed"

# Fields are named as columns are. The notification goes out with the commit.
_APPEND = """
with told as (insert into feed select * from json_populate_recordset(null::feed, $1)),
     over as (insert into ended select * from json_populate_recordset(null::ended, $2))
select pg_notify($3, '')
"""


async def append(connection: asyncpg.Connection, entries: Sequence[Entry], ended: Sequence[Ended]) -> None:
    """Add entries and ends of access."""
    if entries or ended:
        rows = (msgspec.json.encode(each).decode() for each in (entries, ended))
        await connection.execute(_APPEND, *rows, CHANNEL)
