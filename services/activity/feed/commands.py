"""Appending to the feed, and telling every process's hub that there is something new."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.activity.feed.models import Ended
from shared.contracts.entries.entry import Entry

CHANNEL = "activity_feed"
RINGS = "activity_rings"
"""Whose bell changed: ids of people, separated by spaces."""
AT_ONCE = 200
"""Ids of one such notification, which may have 8,000 bytes."""

_FIELDS = Entry.__struct_fields__
_JUDGED = (
    "e.private or coalesce(p.private, false) or coalesce(t.private, false) or e.tells <> '{}' and e.tells <@ p.hides"
)

# Fields are named as columns are. What was withdrawn or hidden since the event (which may come late) stays so. The
# notification goes out with the commit.
_APPEND = f"""
with told as (
        insert into feed ({", ".join(_FIELDS)})
        select {", ".join(f"coalesce({_JUDGED}, false)" if field == "private" else f"e.{field}" for field in _FIELDS)}
        from json_populate_recordset(null::feed, $1) e
        left join overview p on p.client_id = e.client_id and p.id = e.project_id
        left join overview t on t.client_id = e.client_id and t.id = e.target_id),
     over as (insert into ended select * from json_populate_recordset(null::ended, $2))
select pg_notify($3, '')
"""  # noqa: S608  (our own text)


# An entry is as private as what it is about is known to be by now, in whatever order its events came. What is
# not known stays as it is.
_JUDGE = """
update feed set private = judged.private
from (
    select f.position, p.private or coalesce(t.private, f.private)
        or f.tells <> '{}' and f.tells <@ p.hides as private
    from unnest($1::uuid[], $2::uuid[]) as turned (client_id, about)
    join feed f on f.client_id = turned.client_id and f.project_id = turned.about
    join overview p on p.client_id = f.client_id and p.id = f.project_id
    left join overview t on t.client_id = f.client_id and t.id = f.target_id
    union all
    select f.position, t.private
    from unnest($1::uuid[], $2::uuid[]) as turned (client_id, about)
    join feed f on f.client_id = turned.client_id and f.project_id is null and f.target_id = turned.about
    join overview t on t.client_id = f.client_id and t.id = f.target_id
) judged
where feed.position = judged.position and feed.private <> judged.private
"""


async def append(connection: asyncpg.Connection, entries: Sequence[Entry], ended: Sequence[Ended]) -> None:
    """Add entries and ends of access."""
    if entries or ended:
        rows = (msgspec.json.encode(each).decode() for each in (entries, ended))
        await connection.execute(_APPEND, *rows, CHANNEL)


async def judge(connection: asyncpg.Connection, turned: Mapping[UUID, UUID]) -> None:
    """Let the client see the entries of these projects, and of things of none (with their clients), or not, as they are
    known to be by now.
    """
    if turned:
        await connection.execute(_JUDGE, list(turned.values()), list(turned))


async def ring(connection: asyncpg.Connection, people: Collection[UUID]) -> None:
    """Tell the open streams of these people that their bell changed, with the commit. Nothing of it is stored: whoever
    opens a page has the bell as it is by then, and a hub that did not listen rings everybody.
    """
    told = sorted(map(str, people))
    for first in range(0, len(told), AT_ONCE):
        await connection.execute("select pg_notify($1, $2)", RINGS, " ".join(told[first : first + AT_ONCE]))
