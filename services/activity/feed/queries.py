"""Reading the feed: its pages, what a stream has missed, and what is new for everybody."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from asyncpg import Record

from services.activity.feed.models import Ended
from services.activity.reach import Reach, is_named
from shared.actor import Actor
from shared.contracts.entries.view import EntryView, view
from shared.errors import NotFound
from shared.language import current, speaking
from shared.pagination import Page, encode_cursor

LAST = 2**63 - 1
REMEMBERED = 5_000
"""So many entries are not put into words and encoded again when the next person reads them."""
_known: dict[tuple[UUID, int, str | None, bool, str], msgspec.Raw] = {}
COLUMNS = (
    "position, client_id, id, type, facts::text, title, description, actor_id, actor_name, project_id, target_type,"
    " target_id, at, private or team_only as private, turns, case when cardinality(tells) > 1 then (select"
    " array_to_string(p.hides, ',') from overview p where p.client_id = feed.client_id and p.id = feed.project_id)"
    " end as hides"
)
"""`hides` is what the project hides by now, separated by commas, where it may be a part of what an entry tells of."""
_WITH_VERSION = f"{COLUMNS}, xmin as version"
"""`version` is another one each time the row was written (PostgreSQL, 5.6)."""
_SELECT = f"select {_WITH_VERSION} from feed"  # noqa: S608  (our own text)
_TOLD = "not private and not team_only"
"""Entries that the client sees. Its own people see no others, which row-level security enforces as well."""
_ABOUT = "from overview t where t.client_id = feed.client_id and t.id = feed.target_id"


def _unless_for_others(first: int) -> str:
    """That an entry is not about a thing that only others of the client's people may read (`Reach.named`)."""
    return f"not exists (select {_ABOUT} and {is_named('t', first)} is not true)"


_PAGE_OF_ALL = f"{_SELECT} where position < $1 order by position desc limit $2"
_WHOLE_PAGE = f"{_SELECT} where client_id = $1 and position < $2 order by position desc limit $3"
_PAGE = f"{_SELECT} where client_id = $1 and {_TOLD} and position < $2 order by position desc limit $3"
_OF_PROJECT = f"{_SELECT} where client_id = $1 and project_id = $4 and ($5 or {_unless_for_others(6)})"
_WHOLE_PAGE_OF_PROJECT = f"{_OF_PROJECT} and position < $2 order by position desc limit $3"
_PAGE_OF_PROJECT = f"{_OF_PROJECT} and {_TOLD} and position < $2 order by position desc limit $3"
# One index scan a project, however little of a long feed the caller may see.
_OF_READABLE = (
    f"{_SELECT} where client_id = $1 and project_id = readable.id and {_TOLD} and {_unless_for_others(5)}"
    " and position < $2 order by position desc limit $3"
)
_PAGE_OF_SOME = (
    f"({_SELECT} where client_id = $1 and project_id is null and {_TOLD} and {_unless_for_others(5)}"  # noqa: S608
    " and position < $2 order by position desc limit $3)"
    f" union all (select part.* from unnest($4::uuid[]) as readable (id) cross join lateral ({_OF_READABLE}) as part)"
    " order by position desc limit $3"
)
# Named projects, whosever they are, and nothing that concerns a client as a whole.
_NAMED = (
    f"{_SELECT} where client_id = named.client_id and project_id = named.project_id and {_unless_for_others(5)}"
    " and position < $3 order by position desc limit $4"
)
_PAGE_OF_NAMED = (
    "select part.* from unnest($1::uuid[], $2::uuid[]) as named (project_id, client_id)"  # noqa: S608
    f" cross join lateral ({_NAMED}) as part order by position desc limit $4"
)
_NEWEST_OF_EACH = (
    "select part.* from unnest($1::uuid[]) as named (client_id) cross join lateral ("  # noqa: S608  (our own text)
    f"{_SELECT} where client_id = named.client_id and ($2::uuid[] is null or project_id = any($2))"
    f" and ($3 or {_unless_for_others(4)}) order by position desc limit 1) as part"
)
_MISSED = (
    f"{_SELECT} where client_id = $1 and position >= $2 and position < $3"
    " and ($4::uuid[] is null or project_id is null and $5 or project_id = any($4))"
    f" and ($6 or {_TOLD}) and ($8 or {_unless_for_others(9)}) order by position limit $7"
)
_READERS = (
    "(select json_build_object('roles', reader_roles, 'people', reader_people)::text"
    f" {_ABOUT} and reader_roles is not null)"
)
# One look, so that whoever lost access before an entry is known to have lost it.
_NEW = (
    f"select ended_at, {COLUMNS}, {_READERS} as readers"  # noqa: S608  (our own text)
    " from (select coalesce(max(position), 0) as ended_at from ended) as ends"
    " left join (select * from feed where position > $1 order by position limit $2) as feed on true order by position"
)
_READ = (
    "from feed where client_id = $1 and ($2::uuid[] is null or project_id is null and $3 or project_id = any($2))"
    f" and ($4 or {_TOLD}) and ($5 or {_unless_for_others(6)})"
)
_HEAD = f"select position {_READ} order by position desc limit 1"
_KNOWS_POSITION = f"select exists (select {_READ} and position = $9)"
_COUNT_MISSED = f"select count(*) from (select {_READ} and position > $9 limit $10) as missed"  # noqa: S608
_NEW_ENDS = "select position, client_id, subject, reason, final, at from ended where position > $1 order by position"
_RECENT_ENDS = "select position, client_id, subject, reason, final, at from ended where at > $1 order by position"
_HEADS = "select coalesce((select max(position) from feed), 0), coalesce((select max(position) from ended), 0)"
_KNOWS_CLIENT = "select exists (select from known_clients where client_id = $1)"
_PROJECT_CLIENT = (
    "select client_id from overview"
    " where id = $1 and project_id = id and not deleted"
    " and ($2::uuid is null or client_id = $2) and ($3 or not private)"
)


class After(msgspec.Struct, array_like=True, frozen=True):
    """The place in the feed behind a row."""

    position: Annotated[int, msgspec.Meta(ge=0, le=LAST)]


async def list_page(
    connection: asyncpg.Connection,
    actor: Actor,
    client_id: UUID | None,
    limit: int,
    *,
    before: int = LAST,
    project_id: UUID | None = None,
) -> Page[msgspec.Raw]:
    """A page of what `actor` may read, newest first, each an `EntryView` as JSON: of all clients, of one, or of a
    project that they may read.
    """
    reach = Reach.of(actor)
    place = (client_id, before, limit + 1)
    if project_id:
        statement = _WHOLE_PAGE_OF_PROJECT if reach.behind else _PAGE_OF_PROJECT
        rows = await connection.fetch(statement, *place, project_id, reach.restricted, *reach.named)
    elif actor.assignments is not None:
        named = {project: client for project, client in actor.assignments.items() if client_id in (None, client)}
        whose = (list(named), list(named.values()))
        rows = await connection.fetch(_PAGE_OF_NAMED, *whose, before, limit + 1, *reach.named)
    elif client_id is None:
        rows = await connection.fetch(_PAGE_OF_ALL, before, limit + 1)
    elif reach.projects is None:
        rows = await connection.fetch(_WHOLE_PAGE if reach.behind else _PAGE, *place)
    else:
        rows = await connection.fetch(_PAGE_OF_SOME, *place, reach.listed, *reach.named)
    more = encode_cursor(After(rows[limit - 1]["position"])) if len(rows) > limit else None
    language = current()
    return Page([_encoded(row, behind=reach.behind, language=language) for row in rows[:limit]], more)


def _encoded(entry: Record, *, behind: bool, language: str) -> msgspec.Raw:
    """An entry of a page as JSON. All that it is made of is in the key, so nothing has to be forgotten."""
    key = (entry["id"], entry["version"], entry["hides"], behind, language)
    if known := _known.get(key):
        return known
    if len(_known) >= REMEMBERED:
        _known.clear()
    with speaking(language):
        made = _known[key] = msgspec.Raw(msgspec.json.encode(view(entry, behind=behind, tell_client=behind)))
    return made


async def list_newest(connection: asyncpg.Connection, reach: Reach, clients: list[UUID]) -> dict[UUID, EntryView]:
    """The newest entry of each of these clients that staff may read, by client."""
    rows = await connection.fetch(_NEWEST_OF_EACH, clients, reach.listed, reach.restricted, *reach.named)
    return {row["client_id"]: view(row, behind=True, tell_client=True) for row in rows}


async def head(connection: asyncpg.Connection, reach: Reach, client_id: UUID) -> int:
    """The position of the client's newest entry that the caller may see; 0 if there is none."""
    return await connection.fetchval(_HEAD, *_readable(reach, client_id)) or 0


async def can_resume(connection: asyncpg.Connection, reach: Reach, client_id: UUID, after: int, limit: int) -> bool:
    """Whether `after` is the place of an entry that the caller may see (or 0, the beginning) with at most `limit` such
    entries behind it.
    """
    readable = _readable(reach, client_id)
    known = after == 0 or await connection.fetchval(_KNOWS_POSITION, *readable, after)
    missed: int = await connection.fetchval(_COUNT_MISSED, *readable, after, limit + 1) or 0
    return bool(known) and missed <= limit


def _readable(reach: Reach, client_id: UUID) -> tuple[object, ...]:
    """The values of `_READ`."""
    return (client_id, reach.listed, reach.whole, reach.behind, reach.restricted, *reach.named)


async def list_missed(
    connection: asyncpg.Connection, reach: Reach, client_id: UUID | None, positions: range, limit: int
) -> list[Record]:
    """The first `limit` entries among these positions, oldest first, as far as the caller may see them."""
    place = (client_id, positions.start, positions.stop)
    return await connection.fetch(
        _MISSED, *place, reach.listed, reach.whole, reach.behind, limit, reach.restricted, *reach.named
    )


async def list_new(connection: asyncpg.Connection, after: int, limit: int) -> tuple[int, list[Record]]:
    """The newest position of the ends of access, and the entries of all clients behind `after`, oldest first."""
    rows = await connection.fetch(_NEW, after, limit)
    return rows[0]["ended_at"], rows if rows[0]["position"] else []


async def list_new_ends(connection: asyncpg.Connection, after: int) -> list[Ended]:
    """Ends of access behind `after`, oldest first."""
    return [_ended(row) for row in await connection.fetch(_NEW_ENDS, after)]


async def list_recent_ends(connection: asyncpg.Connection, since: datetime) -> list[Ended]:
    """Ends of access that happened after `since`, oldest first."""
    return [_ended(row) for row in await connection.fetch(_RECENT_ENDS, since)]


async def heads(connection: asyncpg.Connection) -> tuple[int, int]:
    """The newest positions of the feed and of the ends of access."""
    [row] = await connection.fetch(_HEADS)
    return row[0], row[1]


async def require_client(connection: asyncpg.Connection, client_id: UUID) -> None:
    """Raises `NotFound` if no event about this client was processed."""
    if not await connection.fetchval(_KNOWS_CLIENT, client_id):
        raise NotFound


async def require_client_of(
    connection: asyncpg.Connection, project_id: UUID, client_id: UUID | None, *, private: bool
) -> UUID:
    """Whose project this is. Raises `NotFound` if there is none (at this client, where one is named), or only a private
    one that the caller may not know of.
    """
    found: UUID | None = await connection.fetchval(_PROJECT_CLIENT, project_id, client_id, private)
    if found is None:
        raise NotFound
    return found


def _ended(row: Record) -> Ended:
    return Ended(**dict(row))
