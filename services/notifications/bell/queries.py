"""Reading the bell. What the reader may not read by now is left out here, whatever they were notified before."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec

from services.notifications.bell.models import Sight
from services.notifications.people import COMPANY
from services.notifications.rules import RULES
from services.notifications.things import GONE, KEPT, OF_TOLD, is_for
from shared.actor import Actor
from shared.contracts import EVENTS
from shared.contracts.words.telling import say, sentence
from shared.errors import NotFound
from shared.language import current
from shared.pagination import Page, encode_cursor

LAST = 2**63 - 1
MANY = 9
"""So many unread ones are counted, on every page that is opened: for more, a badge has no room."""

_MINE = f"""
from bell b join told t on t.position = b.position {OF_TOLD}
where b.person_id = $1 and b.client_id = $2 and t.publisher <> all($4)
    and (t.type = any($3) and ($5::uuid[] is null or t.project_id = any($5) or t.project_id is null and $6)
         or t.type = any($10) and t.target_id = $1)
    and ($7 or not {KEPT}) and not {GONE} and {is_for("$8", "$1", "$9::jsonb")}
"""
_SELECT = f"""
select t.*, t.facts::text as said, b.read_at, project.hides,
    (select nullif(name, '') from clients where clients.id = t.client_id) as client_name
{_MINE}
"""  # noqa: S608  (our own text)
_PAGE = f"{_SELECT} and t.position < $11 and (b.read_at is null or not $12) order by b.position desc limit $13"
_UNREAD = f"select count(*) from (select {_MINE} and b.read_at is null limit {MANY + 1}) as unread"  # noqa: S608  (our own)
_ONE = f"{_SELECT} and t.id = $11"
_PLACE = """
select b.position from bell b join told t on t.position = b.position
where b.person_id = $1 and b.client_id = $2 and t.id = $3
"""
SHOWN_UNREAD = f"select b.position {_MINE} and b.read_at is null and b.position <= $11"
"""The places of what the list shows as unread, up to one of them; `values` has what it asks for first."""


class ActorView(msgspec.Struct, frozen=True):
    """Who did it; both empty when the portal itself did, or the reader's sentence does not say."""

    id: UUID | None
    name: str


NOBODY = ActorView(None, "")


class TargetView(msgspec.Struct, frozen=True):
    """What it was done to; `url` is a path inside the portal."""

    type: str
    id: UUID
    url: str


class NotificationView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the caller is notified of. `id` is the event's, as in the feed and in webhooks.

    `client_id` and `client_name` are said to staff only, and null for what concerns the company alone.
    """

    id: UUID
    type: str
    title: str
    description: str
    actor: ActorView
    project_id: UUID | None
    target: TargetView
    at: datetime
    read: bool
    client_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    client_name: str | msgspec.UnsetType | None = msgspec.UNSET


class Unread(msgspec.Struct, frozen=True):
    """How many the caller has not read; `more` where there are more than are counted."""

    count: int
    more: bool


class After(msgspec.Struct, array_like=True, frozen=True):
    """The place behind a row."""

    position: Annotated[int, msgspec.Meta(ge=0, le=LAST)]


async def list_notifications(
    connection: asyncpg.Connection, actor: Actor, limit: int, *, before: int, unread: bool
) -> Page[NotificationView]:
    """A page of what the reader is notified of, newest first; only what they have not read where `unread`."""
    mine = values(Sight.of(actor))
    rows = await connection.fetch(_PAGE, *mine, before, unread, limit + 1)
    more = encode_cursor(After(rows[limit - 1]["position"])) if len(rows) > limit else None
    return Page([view(row, actor) for row in rows[:limit]], more)


async def count_unread(connection: asyncpg.Connection, actor: Actor) -> Unread:
    """How many the reader has not read, up to `MANY`."""
    count: int = await connection.fetchval(_UNREAD, *values(Sight.of(actor))) or 0
    return Unread(min(count, MANY), more=count > MANY)


async def find(connection: asyncpg.Connection, actor: Actor, notification_id: UUID) -> asyncpg.Record:
    """The row of one that the caller may read. Raises `NotFound`."""
    row = await connection.fetchrow(_ONE, *values(Sight.of(actor)), notification_id)
    if row is None:
        raise NotFound
    return row


async def place_of(connection: asyncpg.Connection, actor: Actor, notification_id: UUID) -> int:
    """The place of one that is the caller's: it stays one when they may no longer read it. Raises `NotFound`."""
    place: int | None = await connection.fetchval(_PLACE, actor.id, actor.client_id or COMPANY, notification_id)
    if place is None:
        raise NotFound
    return place


def values(sight: Sight) -> tuple[object, ...]:
    """What every statement here asks for: who reads, and what they may."""
    return msgspec.structs.astuple(sight)


def view(row: asyncpg.Record, actor: Actor, *, read: bool = False) -> NotificationView:
    """A row as the reader gets it; `read`: they have just done so."""
    hidden = () if actor.sees_all_clients else tuple(row["hides"] or ())
    words = say(row["type"], row["said"], hidden, current())
    to_client = not actor.sees_all_clients
    return NotificationView(
        id=row["id"],
        type=row["type"],
        title=sentence(words, row["actor_name"], to_client=to_client, own=_is_own(row, actor)),
        description=words.description,
        actor=NOBODY if to_client and words.to_client else ActorView(row["actor_id"], row["actor_name"]),
        project_id=row["project_id"],
        target=TargetView(row["target_type"], row["target_id"], _place(row, actor)),
        at=row["at"],
        read=read or row["read_at"] is not None,
        client_id=msgspec.UNSET if to_client else _client(row["client_id"]),
        client_name=msgspec.UNSET if to_client else row["client_name"],
    )


def _client(client_id: UUID) -> UUID | None:
    return None if client_id == COMPANY else client_id


def _is_own(row: asyncpg.Record, actor: Actor) -> bool:
    return bool(RULES[EVENTS[row["type"]]].own) and row["target_id"] == actor.reader.id


def _place(row: asyncpg.Record, actor: Actor) -> str:
    """Where the portal shows it: where its rule says, or the thing itself on its project's page."""
    target = row["target_type"], row["target_id"]
    return RULES[EVENTS[row["type"]]].place(target, row["project_id"], actor.reader.id, staff=actor.sees_all_clients)
