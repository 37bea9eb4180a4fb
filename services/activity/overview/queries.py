"""Reading the overview: what waits for somebody, and what is due. Who may read what is applied here, once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from services.activity.feed.queries import EntryView
from services.activity.kpis.queries import Kpis
from services.activity.overview.models import Reach
from shared.actor import Actor
from shared.pagination import Page

MOST = 20
"""Things of each list; there is more elsewhere."""

HIDEABLE = ("number", "status", "amount", "starts_on", "due_on", "done_on")
"""The fields of a summary that a project may hide; view `told` leaves them empty by the same names."""

# Things whose service is a module that the company closed for the client are left out.
_OF_CLIENT = """
select id, kind, title, number, status, project_id, project_title, amount::text, unit, starts_on, due_on, done_on, at,
    turn_side, turn_since, kept, hidden
from things t
where client_id = $1 and publisher <> all($2::text[])
    and ($3::uuid[] is null or project_id = any($3) or project_id is null and $4)
    and ($5 or not kept)
    and ($6 or reader_roles is null or $7 = any(reader_people)
         or exists (select from unnest($8::uuid[], $9::text[]) as own (project_id, role)
                    where own.project_id = t.project_id and own.role = any(t.reader_roles)))
"""
_TURN = f"""{_OF_CLIENT}
    and turn_side = $10
    and (turn_roles = '{{}}' and turn_people = '{{}}' or $7 = any(turn_people) or turn_roles && $11::text[]
         or exists (select from unnest($8::uuid[], $9::text[]) as own (project_id, role)
                    where own.project_id = t.project_id and own.role = any(t.turn_roles)))
order by turn_since, id limit {MOST}
"""
_DUE = f"""{_OF_CLIENT}
    and due_on is not null and done_on is null and not project_over and ($5 or not 'due_on' = any(hidden))
order by due_on, id limit {MOST}
"""


class ProjectName(msgspec.Struct, frozen=True):
    id: UUID
    title: str


class TurnView(msgspec.Struct, frozen=True):
    """For whom a thing waits, and since when."""

    side: Literal["client", "company"]
    since: datetime


class ThingView(msgspec.Struct, frozen=True, kw_only=True):
    """A thing in one row. `project` is null for what concerns the client as a whole; `at` is when something happened to
    it last. `amount` is text, counted in `unit`.

    What the project keeps from the client is null. `private`: the client does not see it; where it does, there is no
    such field.
    """

    id: UUID
    kind: str
    title: str
    number: str | None
    status: str | None
    project: ProjectName | None
    amount: str | None
    unit: str | None
    starts_on: date | None
    due_on: date | None
    done_on: date | None
    at: datetime
    turn: TurnView | None
    private: bool | UnsetType = UNSET


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What a dashboard shows of a client. `kpis` are its figures, `turn` are the things that wait for the caller, the
    longest first; `due` are those that are not done, by their date; `newest` is the first page of the feed.

    `kpis` and `newest` are null where their module is closed.
    """

    kpis: Kpis | None
    turn: list[ThingView]
    due: list[ThingView]
    newest: Page[EntryView] | None


async def list_turn(connection: asyncpg.Connection, actor: Actor, client_id: UUID) -> list[ThingView]:
    """What of a client's things waits for the caller, the longest first."""
    reach = Reach.of(actor)
    rows = await connection.fetch(_TURN, *_readable(actor, reach, client_id), reach.side, reach.policies)
    return [_view(row, behind=reach.behind) for row in rows]


async def list_due(connection: asyncpg.Connection, actor: Actor, client_id: UUID) -> list[ThingView]:
    """What of a client's things has a date and is not done, the earliest first."""
    reach = Reach.of(actor)
    rows = await connection.fetch(_DUE, *_readable(actor, reach, client_id))
    return [_view(row, behind=reach.behind) for row in rows]


def _readable(actor: Actor, reach: Reach, client_id: UUID) -> Sequence[object]:
    """The first nine values, in the order of `_OF_CLIENT`."""
    whole = (client_id, sorted(actor.closed), reach.projects, reach.whole, reach.behind)
    return (*whole, reach.restricted, reach.person, reach.own, reach.roles)


def _view(row: asyncpg.Record, *, behind: bool) -> ThingView:
    hidden = () if behind else row["hidden"]
    told = {name: None if name in hidden else row[name] for name in HIDEABLE}
    project_id, side = row["project_id"], row["turn_side"]
    return ThingView(
        **told,
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        project=ProjectName(project_id, row["project_title"] or "") if project_id else None,
        unit=row["unit"],
        at=row["at"],
        turn=TurnView(side, row["turn_since"]) if side else None,
        private=row["kept"] or UNSET,
    )
