"""What is due, as the summaries in events last said."""

from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.reminders import Reminder
from shared.events import AnyEvent

_OPEN = """
select d.title, d.due_on, d.project_id, p.title as project_name, p.team
from deadlines d join deadlines p on p.client_id = d.client_id and p.id = d.project_id
where d.client_id = $1 and d.id = $2 and d.due_on is not null and not d.closed and not p.closed
    and not exists (select from clients c where c.id = d.client_id and not c.active)
"""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """When something is due that is neither done nor gone, in a project that is not completed, of an active client.
    `team` are those of the project's team who are staff.
    """

    title: str
    due_on: date
    project_id: UUID
    project_name: str
    team: list[UUID]


async def find(connection: asyncpg.Connection, client_id: UUID | None, thing_id: UUID) -> Deadline | None:
    """When the thing is due, if it is."""
    row = await connection.fetchrow(_OPEN, client_id, thing_id)
    return Deadline(**dict(row)) if row else None


async def find_reminded(connection: asyncpg.Connection, event: AnyEvent) -> Deadline | None:
    """What a reminder is of, if it still is due, on the day that the reminder names.

    The reminder has its place in the stream behind what happened before it, also where the service was away meanwhile.
    """
    told: Reminder = event.data
    found = await find(connection, event.clientid, event.subject)
    return found if found and found.due_on == told.due_on else None
