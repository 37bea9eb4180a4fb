"""Reading which sessions of a client were recorded."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec

from services.activity.audit.queries import LAST, AuditAuthor, AuditSession

_LIST = """
select r.client_id, r.session_id, r.position, r.actor_id, r.actor_kind, k.name as actor_name, s.ip, s.user_agent,
       s.device_type, s.browser, s.platform, r.began_at, r.last_at, r.ended_at, r.visits
from recordings r
left join known_actors k on k.id = r.actor_id
left join known_sessions s on s.session_id = r.session_id
where r.client_id = $1 and ($2::uuid is null or r.session_id = $2) and r.position < $3
order by r.position desc limit $4
"""


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded session: who, from where, and how much of it there is. `began_at` is its first recorded visit.

    `ended_at` is when somebody ended it; None while it lasts, and where its time just ran out.
    """

    client_id: UUID
    actor: AuditAuthor
    session: AuditSession
    began_at: datetime
    last_at: datetime
    ended_at: datetime | None
    visits: int


class After(msgspec.Struct, array_like=True, frozen=True):
    """The place in a client's list behind a row."""

    client_id: UUID
    position: Annotated[int, msgspec.Meta(ge=0, le=LAST)]


async def list_recordings(
    connection: asyncpg.Connection, after: After, session_id: UUID | None, limit: int
) -> list[tuple[After, RecordingView]]:
    """The client's recorded sessions, the newest first, or the one named; each with its place in the list."""
    rows = await connection.fetch(_LIST, after.client_id, session_id, after.position, limit)
    return [(After(row["client_id"], row["position"]), _view(row)) for row in rows]


def _view(row: Any) -> RecordingView:
    return RecordingView(
        client_id=row["client_id"],
        actor=AuditAuthor(row["actor_id"], row["actor_name"], row["actor_kind"]),
        session=AuditSession(
            row["session_id"], row["ip"], row["user_agent"], row["device_type"], row["browser"], row["platform"]
        ),
        began_at=row["began_at"],
        last_at=row["last_at"],
        ended_at=row["ended_at"],
        visits=row["visits"],
    )
