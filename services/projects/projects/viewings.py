"""When it is news that somebody read a project: once for a person, a project and a quarter of an hour.

A loop of reads would else fill the stream that all clients share. A page that refreshes itself is no reading: nobody
asked for it, and its session has told that the page was opened.
"""

from datetime import timedelta
from uuid import UUID

from shared.actor import Actor
from shared.clock import now
from shared.database import Db, driver

QUARTER = timedelta(minutes=15)

# One row for a person and a project, and one more for staff who look through the client's eyes. Whoever comes second at
# the same moment waits for the first, and finds it told.
_LAST = "select session_id, told_at from viewings where (client_id, project_id, person_id, viewing) = ($1, $2, $3, $4)"
_TELL = """
insert into viewings as last (client_id, project_id, person_id, viewing, session_id, told_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (client_id, project_id, person_id, viewing)
do update set session_id = excluded.session_id, told_at = excluded.told_at where last.told_at <= $7
returning true
"""


async def is_news(db: Db, actor: Actor, client_id: UUID, project_id: UUID, *, refresh: bool) -> bool:
    """Whether this reading is published; if so, this transaction remembers it.

    `refresh`: nobody asked for it. That alone never keeps a session from telling its first reading.
    """
    connection = await driver(db)
    whose = (client_id, project_id, actor.id, actor.read_only)
    present = now()
    last = await connection.fetchrow(_LAST, *whose)
    if last and (last["told_at"] > present - QUARTER or (refresh and last["session_id"] == actor.session_id)):
        return False
    return bool(await connection.fetchval(_TELL, *whose, actor.session_id, present, present - QUARTER))
