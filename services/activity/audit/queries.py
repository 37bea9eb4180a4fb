"""Reading the audit log: the ends of its chains for the fold, its pages for staff."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from services.activity.audit.chain import Head
from services.activity.audit.sight import WORK, ClientSight
from services.activity.tenants import COMPANY
from shared.contracts import EVENTS
from shared.contracts.accounts import InvitationFailed

_HEADS = (
    "select client_id, seq, hash from unnest($1::uuid[]) as wanted (client_id) cross join lateral"
    " (select seq, hash from audit where audit.client_id = wanted.client_id order by seq desc limit 1) as last"
)
_LIST = """
select a.client_id, a.seq, a.position, a.event_id, a.type, a.subject, a.actor_id, a.actor_kind, k.name as actor_name,
       a.session_id, s.ip, s.user_agent, s.device_type, s.browser, s.platform, a.trace_id, a.at, a.detail,
       a.security, a.financial
from audit a
left join known_actors k on k.id = a.actor_id
left join known_sessions s on s.session_id = a.session_id
where ($1::uuid is null or a.client_id = $1) and a.{key} {beyond} $2
  and ($3::text is null or a.type = $3) and ($4::boolean is null or a.security = $4)
  and ($5::uuid is null or a.actor_id = $5) and ($6::uuid is null or a.session_id = $6)
  and ($7::text[] is null or a.type <> 'session_visited' or a.detail->>'kind' = any($7)) and a.type <> all($8)
  and ($10 or a.type <> 'invitation_failed' or a.detail->>'reason' <> all($12))
  and ($10 or a.type <> all($11)
       or exists (select from feed f
                  where f.client_id = a.client_id and f.position = a.position and not f.private and not f.team_only)
       or a.type = 'view_project'
          and exists (select from overview p
                      where p.client_id = a.client_id and p.id = a.subject and not p.private))
order by a.{key} {way} limit $9
"""
# Within one client's chain `seq` orders as `position` does, and is what that chain's index knows; a session's index
# knows `position`.
_NEWEST = {key: _LIST.format(key=key, beyond="<", way="desc") for key in ("seq", "position")}
_OLDEST = {key: _LIST.format(key=key, beyond=">", way="asc") for key in ("seq", "position")}
_OPEN_PROJECTS = "select id, hides from overview where client_id = $1 and project_id = id and not private"
_READS = [kind.type for kind in EVENTS.values() if kind.audit == "read"]
_VISITS: dict[str, tuple[list[str] | None, Collection[str]]] = {
    "all": (None, ()),
    "opened": (["page", "action", "api"], ()),
    "actions": (["action"], _READS),
}
"""Which kinds of visits a list has (None: all), and what else it leaves out."""

LAST = 2**63 - 1
Visits = Literal["all", "opened", "actions"]


class AuditAuthor(msgspec.Struct, frozen=True):
    """`name` is None for nobody, for the portal itself, and for people who were erased."""

    id: UUID | None
    name: str | None
    kind: str


class AuditSession(msgspec.Struct, frozen=True):
    """The session something was done in, with where it was opened from, if that is known and not erased."""

    id: UUID
    ip: str | None
    user_agent: str | None
    device_type: str | None
    browser: str | None
    platform: str | None


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `client_id` is None for what concerns the company alone; `seq` counts within its client."""

    id: UUID
    client_id: UUID | None
    seq: int
    type: str
    subject: UUID
    actor: AuditAuthor
    session: AuditSession | None
    trace_id: str
    at: datetime
    detail: msgspec.Raw
    security: bool
    financial: bool


class After(msgspec.Struct, array_like=True, frozen=True):
    """The place in a list: the chain and the session it was made for (None: all), whether that runs the other way, and
    the last row's number there.
    """

    client_id: UUID | None
    key: Annotated[int, msgspec.Meta(ge=0, le=LAST)]
    session_id: UUID | None = None
    oldest_first: bool = False


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to list; None means any. `private`: also records about work that the client does not see, and of
    invitations that failed for what the address is to others.
    """

    private: bool

    client_id: UUID | None = None
    type: str | None = None
    security: bool | None = None
    actor_id: UUID | None = None
    session_id: UUID | None = None
    visits: Visits = "all"

    @property
    def key(self) -> str:
        """The number that orders these records, and that an index finds them by."""
        return "seq" if self.client_id is not None and self.session_id is None else "position"


async def heads(connection: asyncpg.Connection, client_ids: Iterable[UUID]) -> dict[UUID, Head]:
    """The last link of each of these chains; a chain without a record is left out."""
    rows = await connection.fetch(_HEADS, list(client_ids))
    return {row["client_id"]: Head(row["seq"], row["hash"]) for row in rows}


async def list_records(
    connection: asyncpg.Connection, wanted: AuditFilter, beyond: int, limit: int, *, oldest_first: bool = False
) -> list[tuple[int, AuditView]]:
    """Records older than `beyond`, newest first, each with the number its place in this list is known by; with
    `oldest_first` the newer ones, oldest first.
    """
    kinds, left_out = _VISITS[wanted.visits]
    rows = await connection.fetch(
        (_OLDEST if oldest_first else _NEWEST)[wanted.key],
        wanted.client_id,
        beyond,
        wanted.type,
        wanted.security,
        wanted.actor_id,
        wanted.session_id,
        kinds,
        list(left_out),
        limit,
        wanted.private,
        list(WORK),
        InvitationFailed.FOR_STAFF,
    )
    sight = None
    if not wanted.private:
        sight = ClientSight(wanted.client_id, await connection.fetch(_OPEN_PROJECTS, wanted.client_id))
    return [(row[wanted.key], _view(row, sight)) for row in rows]


def _view(row: Any, sight: ClientSight | None) -> AuditView:
    session = None
    if row["session_id"]:
        session = AuditSession(
            row["session_id"], row["ip"], row["user_agent"], row["device_type"], row["browser"], row["platform"]
        )
    return AuditView(
        id=row["event_id"],
        client_id=None if row["client_id"] == COMPANY else row["client_id"],
        seq=row["seq"],
        type=row["type"],
        subject=row["subject"],
        actor=AuditAuthor(row["actor_id"], row["actor_name"], row["actor_kind"]),
        session=session,
        trace_id=row["trace_id"],
        at=row["at"],
        detail=msgspec.Raw(sight.told(row["type"], row["subject"], row["detail"]) if sight else row["detail"].encode()),
        security=row["security"],
        financial=row["financial"],
    )
