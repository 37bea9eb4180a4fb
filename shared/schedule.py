"""Due moments: what is to be done at a time, planned in the transaction of the write that makes it due.

A moment is a row. Any number of processes look; each takes the earliest that is due and that nobody else has in hand.
What is done commits together with the row's end: once, whoever is killed meanwhile, and late rather than never after
an outage (docs/decisions/0125).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import text

from shared.actor import SYSTEM
from shared.clock import now
from shared.database import Database, Db

LOOK_SECONDS = 5.0
"""A moment that is planned nearer than this may be done so much later."""
DEED_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)

_PLAN = text(
    "insert into due_moments (schedule, key, client_id, due_at, try_at) values (:schedule, :key, :client_id, :at, :at)"
    " on conflict (schedule, key) do update"
    " set client_id = excluded.client_id, due_at = excluded.due_at, try_at = excluded.try_at, tries = 0"
)
_CANCEL = text("delete from due_moments where schedule = :schedule and key = :key")
_TAKE = text(
    "with next as materialized (select schedule, key from due_moments"
    " where try_at <= :at and schedule = any(:known) order by try_at, key limit 1 for update skip locked)"
    " delete from due_moments d using next where d.schedule = next.schedule and d.key = next.key"
    " returning d.schedule, d.key, d.client_id, d.due_at, d.tries"
)
_AHEAD = text(
    "select (select min(try_at) from due_moments where try_at > :at and schedule = any(:known)),"
    " (select min(due_at) from due_moments where tries > 0 and schedule = any(:known))"
)
_PUT_OFF = text(
    "update due_moments set tries = tries + 1, try_at = :at"
    " where schedule = :schedule and key = :key and due_at = :due_at and tries = :tries"
)

DONE = Counter("portal_schedule_done_total", "Due moments at which was done what was planned", ["schedule"])
FAILED = Counter("portal_schedule_failed_total", "Attempts that failed; each is repeated", ["schedule"])
FAILING = Gauge("portal_schedule_failing_seconds", "Time since the oldest moment was due of those that failed so far")

log = structlog.get_logger("schedule")


class Moment(NamedTuple):
    """When what is planned in a schedule for the thing `key` is due; `tries` have failed."""

    schedule: str
    key: UUID
    client_id: UUID | None
    due_at: datetime
    tries: int


Deed = Callable[[Db, Moment], Awaitable[None]]
"""What is done when a moment is due. It writes in the transaction that it is given, and does nothing else: what reaches
outside is an event, or a row that something else delivers.
"""


async def plan(db: Db, schedule: str, key: UUID, due_at: datetime, *, client_id: UUID | None) -> None:
    """Have the deed of `schedule` done for the thing `key` at `due_at`, if this transaction commits. What was planned
    there for it moves. `client_id` is the tenant it belongs to, None for what is the company's alone.
    """
    await db.execute(_PLAN, {"schedule": schedule, "key": key, "client_id": client_id, "at": due_at})


async def cancel(db: Db, schedule: str, key: UUID) -> None:
    """Plan nothing any more in `schedule` for the thing `key`, if something was."""
    await db.execute(_CANCEL, {"schedule": schedule, "key": key})


class Scheduler:
    """Does what is due in one service, by the name of its schedule. Any number may run."""

    def __init__(self, deeds: Mapping[str, Deed]) -> None:
        self._deeds = deeds
        self._known = list(deeds)

    async def run(self, database: Database) -> None:
        """Do what is due, for ever. Raises what the database raises: to be run again then, nothing is lost."""
        while True:
            await asyncio.sleep(await self.do_next(database))

    async def do_next(self, database: Database) -> float:
        """Do the earliest that is due, in a transaction of its own; returns the seconds until one may be due.

        One that fails is tried again after a pause that grows, and meanwhile holds up no other.
        """
        moment: Moment | None = None
        try:
            async with asyncio.timeout(DEED_SECONDS), database.uow(SYSTEM) as db:
                at = now()
                moment = await self._take(db, at)
                if moment is None:
                    return await self._look_ahead(db, at)
                await self._deeds[moment.schedule](db, moment)
        except Exception as error:
            if moment is None:
                raise
            await _put_off(database, moment, error)
        else:
            DONE.labels(moment.schedule).inc()
        return 0.0

    async def _take(self, db: Db, at: datetime) -> Moment | None:
        row = (await db.execute(_TAKE, {"at": at, "known": self._known})).one_or_none()
        return Moment(*row) if row else None

    async def _look_ahead(self, db: Db, at: datetime) -> float:
        """What is due by now, and was not to be had, somebody else has in hand."""
        following, failing = (await db.execute(_AHEAD, {"at": at, "known": self._known})).one()
        FAILING.set((at - failing).total_seconds() if failing else 0)
        return min(LOOK_SECONDS, (following - at).total_seconds()) if following else LOOK_SECONDS


async def _put_off(database: Database, moment: Moment, error: Exception) -> None:
    """In another transaction: that of the deed may be past use. What was planned again meanwhile stays as it is."""
    FAILED.labels(moment.schedule).inc()
    again = now() + min(FIRST_PAUSE * 2 ** min(moment.tries, 12), LONGEST_PAUSE)
    log.error("schedule.failed", schedule=moment.schedule, key=str(moment.key), error=repr(error), again=str(again))
    values: dict[str, Any] = moment._asdict()
    async with database.uow(SYSTEM) as db:
        await db.execute(_PUT_OFF, values | {"at": again})
