"""Reading the overview: what waits for somebody, and what is due. Who may read what is applied here, once."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from services.activity.feed import queries as feed
from services.activity.kpis.queries import Kpis
from services.activity.reach import Reach, is_named
from shared.clock import today
from shared.contracts.entries.view import EntryView
from shared.pagination import Page

MOST = 20
"""Things of each list; there is more elsewhere."""

HIDEABLE = ("number", "status", "amount", "starts_on", "due_on", "done_on")
"""The fields of a summary that a project may hide; view `told` leaves them empty by the same names."""

# Things whose service is a module that the company closed for the client are left out.
_OF_CLIENT = f"""
select id, kind, title, number, status, project_id, project_title, amount::text, unit, starts_on, due_on, done_on, at,
    turn_side, turn_since, kept, hidden
from things t
where client_id = $1 and publisher <> all($2::text[])
    and ($3::uuid[] is null or project_id = any($3) or project_id is null and $4)
    and ($5 or not kept) and ($6 or {is_named("t", 7)})
"""  # noqa: S608  (our own text)
_TURN = f"""{_OF_CLIENT}
    and turn_side = $10
    and (turn_roles = '{{}}' and turn_people = '{{}}' or $7 = any(turn_people) or turn_roles && $11::text[]
         or exists (select from unnest($8::uuid[], $9::text[]) as own (project_id, role)
                    where own.project_id = t.project_id and own.role = any(t.turn_roles)))
order by turn_since, id limit {MOST}
"""
_DUE = f"{_OF_CLIENT} and due_on is not null and done_on is null and not project_over order by due_on, id limit {MOST}"
# What is hidden decides nothing (decision 0086): while it is kept from the client whether a thing is done, it is due
# until its day, done or not.
_DUE_WITHIN = f"""{_OF_CLIENT}
    and due_on is not null and not 'due_on' = any(hidden) and not project_over
    and case when 'done_on' = any(hidden) then due_on >= $10 else done_on is null end
order by due_on, id limit {MOST}
"""


# Overdue is what staff see as open behind its day. First the clients, of whom there may be many, then their names.
_READ = f"($2::uuid[] is null or project_id = any($2)) and ($3 or {is_named('t', 4)})"
_CLIENTS = f"""
with attention as (
        select client_id, 'overdue' as why from things t
        where due_on < $1 and done_on is null and not project_over and {_READ}
        union all
        select client_id, turn_side from things t where turn_side is not null and {_READ})
select client_id, coalesce(max(name), '') as name, count(*) filter (where why = 'overdue') as overdue,
    count(*) filter (where why = 'company') as company, count(*) filter (where why = 'client') as client,
    count(*) over () as clients
from attention left join known_clients using (client_id)
where active is not false
group by client_id order by overdue desc, company desc, client desc, max(sort_key), client_id limit {MOST}
"""  # noqa: S608  (our own text)


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


class ClientView(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a client's things are overdue, wait for the company and wait for the client, and its newest entry."""

    id: UUID
    name: str
    overdue: int
    company: int
    client: int
    newest: EntryView | None


class Clients(msgspec.Struct, frozen=True):
    """The active clients with something that is overdue or waits, those with most first, and how many there are."""

    items: list[ClientView]
    total: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What a dashboard shows of a client. `kpis` are its figures, `turn` are the things that wait for the caller, the
    longest first; `due` are those that are not done, by their date; `newest` is the first page of the feed.

    Of all clients there are figures, the newest entries and those of the `clients` that need attention. What was not
    asked for is null, as `kpis` and `newest` are where their module is closed.
    """

    kpis: Kpis | None
    turn: list[ThingView] | None
    due: list[ThingView] | None
    newest: Page[EntryView] | None
    clients: Clients | None


async def list_turn(
    connection: asyncpg.Connection, reach: Reach, client_id: UUID, closed: Collection[str]
) -> list[ThingView]:
    """What of a client's things waits for the caller, the longest first."""
    values = (*_readable(reach, client_id, closed), reach.side, list(reach.policies))
    return [_view(row, behind=reach.behind) for row in await connection.fetch(_TURN, *values)]


async def list_due(
    connection: asyncpg.Connection, reach: Reach, client_id: UUID, closed: Collection[str]
) -> list[ThingView]:
    """What of a client's things has a date and is not done, as far as the caller sees that, the earliest first."""
    values = _readable(reach, client_id, closed)
    rows = await (connection.fetch(_DUE, *values) if reach.behind else connection.fetch(_DUE_WITHIN, *values, today()))
    return [_view(row, behind=reach.behind) for row in rows]


async def list_clients(connection: asyncpg.Connection, reach: Reach) -> Clients:
    """Which of the active clients need attention, as far as staff see them."""
    rows = await connection.fetch(_CLIENTS, today(), reach.listed, reach.restricted, *reach.named)
    newest = await feed.list_newest(connection, reach, [row["client_id"] for row in rows])
    items = [
        ClientView(
            id=row["client_id"],
            name=row["name"],
            overdue=row["overdue"],
            company=row["company"],
            client=row["client"],
            newest=newest.get(row["client_id"]),
        )
        for row in rows
    ]
    return Clients(items, rows[0]["clients"] if rows else 0)


def _readable(reach: Reach, client_id: UUID, closed: Collection[str]) -> Sequence[object]:
    """The first nine values, in the order of `_OF_CLIENT`."""
    whole = (client_id, list(closed), reach.listed, reach.whole, reach.behind)
    return (*whole, reach.restricted, *reach.named)


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
