"""Figures: each computed by its own statement, so that one that fails is None and the others stand."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import structlog

from services.activity.kpis.definitions import Definition, Format, Periods, periods, view_of
from services.activity.reach import Reach
from shared.actor import Actor
from shared.clock import day_of, now
from shared.database import ReadOnly
from shared.language import day
from shared.language import gettext as _

Value = int | Decimal | date
"""What a statement counts. On the wire a decimal number and a day (ISO 8601) are text."""

# Of one client, and without one of all: two texts, so that each gets a plan of its own.
_CREATED = ("select created_at from known_clients where client_id = $1", "select min(created_at) from known_clients")
_CHANGED = ("select changed from known_clients where client_id = $1", "select max(changed) from known_clients")
_SINCE = """
select least($2::date, min(least(made_on, starts_on, done_on))) from {view}
where ($1::uuid[] is null or project_id = any($1))
"""

log = structlog.get_logger("kpis")


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A figure beside its comparison. `previous` is None where there is nothing honest to compare with: the client was
    not there for the whole of that period, or the figure is no count. `value` is None if it could not be computed; in
    days it is negative where the day has passed. `good`: whether the change, or the value itself, is good news.
    """

    key: str
    label: str
    value: int | str | None
    format: Format
    previous: int | str | None
    change: int | Decimal | None
    direction: Literal["up", "down", "flat"] | None
    good: bool | None
    comparison_label: str
    href: str | None


class Kpis(msgspec.Struct, frozen=True):
    items: list[Kpi]
    computed_at: datetime


async def changed(connection: asyncpg.Connection, client_id: UUID | None) -> int | None:
    """The position of the last event that an overview of the client, or of all, depends on; None without events."""
    return await connection.fetchval(*_of(client_id, _CHANGED))


async def compute(
    read: ReadOnly, actor: Actor, client_id: UUID | None, definitions: Sequence[Definition], today: date
) -> tuple[Kpis, bool]:
    """All figures of a client, or of all, as `actor` may see them, and whether none of them failed."""
    readable = actor.readable_projects()
    projects = None if readable is None else sorted(readable)
    over, view = periods(today), view_of(behind=Reach.of(actor).behind)
    async with read(actor) as connection:
        created: datetime | None = await connection.fetchval(*_of(client_id, _CREATED))
        known = (projects, created and day_of(created))
        tenant = (" and client_id = $3", client_id) if client_id else ("",)
        since: date | None = await connection.fetchval(_SINCE.format(view=view) + tenant[0], *known, *tenant[1:])
    values = {"client_id": client_id, "projects": projects, "today": today}
    asking = _Asking(read, actor, view, values)
    items = [await _compute_one(asking, each, over, since=since) for each in definitions]
    return Kpis([item or _failed(each) for item, each in zip(items, definitions, strict=True)], now()), all(items)


def _of(client_id: UUID | None, statements: tuple[str, str]) -> tuple[str, *tuple[UUID, ...]]:
    return (statements[0], client_id) if client_id else (statements[1],)


class _Asking(NamedTuple):
    """For whom figures are computed: which things count, and the values that all statements have."""

    read: ReadOnly
    actor: Actor
    view: str
    values: dict[str, Any]

    async def ask(
        self, connection: asyncpg.Connection, definition: Definition, start: date, end: date
    ) -> dict[str, Any] | None:
        statement, arguments = definition.statement(self.values | {"start": start, "end": end}, self.view)
        row = await connection.fetchrow(statement, *arguments)
        return dict(row) if row else None


async def _compute_one(asking: _Asking, definition: Definition, over: Periods, *, since: date | None) -> Kpi | None:
    comparable = since is not None and since <= over.previous_start
    try:
        async with asking.read(asking.actor) as connection:
            current = await asking.ask(connection, definition, over.start, over.end)
            before = None
            if comparable and definition.compare:
                before = await asking.ask(connection, definition, over.previous_start, over.previous_end)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.exception("kpi.failed", key=definition.key, client_id=asking.values["client_id"], error=repr(error))
        return None
    return _kpi(definition, current, before["value"] if before else None, _comparison(definition, over, since))


def _comparison(definition: Definition, over: Periods, since: date | None) -> str:
    """With what the figure is compared, or since when there is something to count."""
    if not definition.compare:
        return _(definition.comparison)
    if since is None:
        return ""
    if since <= over.previous_start:
        return over.compared(definition.comparison)
    return _("new this month") if since >= over.start else _("since {day}", day=day(since, "MMM"))


def _kpi(definition: Definition, row: dict[str, Any] | None, previous: Value | None, comparison: str) -> Kpi:
    found = row or {}
    value: Value | None = found.get("value")
    change = _difference(value, previous)
    direction, good = _judge(change, definition.better)
    return Kpi(
        key=definition.key,
        label=_(definition.label),
        value=_written(value),
        format=definition.format,
        previous=_written(previous),
        change=change,
        direction=direction,
        good=found.get("good", good),
        comparison_label=found.get("label") or comparison,
        href=found.get("href") or definition.href,
    )


def _written(value: Value | None) -> int | str | None:
    return value if isinstance(value, int | None) else str(value)


def _difference(value: Value | None, previous: Value | None) -> int | Decimal | None:
    """How much it grew; dates have no size."""
    if isinstance(value, int | Decimal) and isinstance(previous, int | Decimal):
        return value - previous
    return None


def _judge(
    change: int | Decimal | None, better: str | None
) -> tuple[Literal["up", "down", "flat"] | None, bool | None]:
    if change is None:
        return None, None
    if change == 0:
        return "flat", None
    direction = "up" if change > 0 else "down"
    return direction, direction == better if better else None


def _failed(definition: Definition) -> Kpi:
    return _kpi(definition, None, None, "")
