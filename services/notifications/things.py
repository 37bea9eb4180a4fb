"""What a client may see of the things that notifications are about, by their newest summary (decision 0078)."""

from uuid import UUID

import asyncpg

from services.notifications.rules import ENDS
from shared.contracts import EVENTS
from shared.contracts.summary import Summary
from shared.events import AnyEvent

_KEEP = """
insert into things (client_id, id, project_id, private, reader_roles, reader_people, hides, deleted, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (client_id, id) do update set project_id = excluded.project_id, private = excluded.private,
    reader_roles = excluded.reader_roles, reader_people = excluded.reader_people,
    hides = excluded.hides, deleted = excluded.deleted, version = excluded.version
where things.version <= excluded.version
"""

_ABOUT_THINGS = ",".join(sorted(kind.type for kind in EVENTS.values() if "summary" in kind.__struct_fields__))
_END = """
insert into things (client_id, id, private, hides, deleted, version) values ($1, $2, true, '{}', true, 0)
on conflict (client_id, id) do update set deleted = true where things.version = 0
"""
_ENDED = ",".join(sorted(kind.subject.split(".")[1] for kind in ENDS))

GONE = "coalesce(target.deleted or project.deleted, false)"
"""Whether what `t` is about, or its project, is there no more, for staff as for anybody else."""
KEPT = f"""
(coalesce(target.private or target.deleted, t.project_id is not null or t.type = any('{{{_ABOUT_THINGS}}}'))
 or t.project_id is not null and (coalesce(project.private or project.deleted, true)
                                  or t.tells <> '{{}}' and t.tells <@ project.hides))
"""
"""Whether `t` is kept from the client. What is not known to be shown is kept: a tenant finds nothing private."""
OF_TOLD = f"""
left join things project on project.client_id = t.client_id and project.id = t.project_id and project.version > 0
left join things target on target.client_id = t.client_id and target.id = t.target_id
    and (target.version > 0 or t.target_type = any('{{{_ENDED}}}'))
"""
"""A thing is known by its summaries, whose versions begin with 1. That something is gone without one is believed of the
things that end so, whatever id an event has: who says it of a webhook hides nothing about projects and people.
"""


def is_for(whole: str, person: str, roles: str) -> str:
    """SQL: whether what `t` is about is for everybody of its project, or for this reader: who reads the `whole` client,
    is named as `person`, or has a role in its project (`roles`, JSON from project to role).
    """
    return (
        f"(target.reader_roles is null or {whole} or {person} = any(target.reader_people)"
        f" or {roles} ->> t.project_id::text = any(target.reader_roles))"
    )


async def end(connection: asyncpg.Connection, client_id: UUID, thing_id: UUID) -> None:
    """Note that a thing without a summary is gone."""
    await connection.execute(_END, client_id, thing_id)


async def learn(connection: asyncpg.Connection, event: AnyEvent) -> None:
    """Keep what the summary in an event says; an older one changes nothing."""
    told: Summary = event.data.summary
    readers = told.readers
    await connection.execute(
        _KEEP,
        event.clientid,
        event.subject,
        told.project_id,
        told.private,
        readers and readers.roles,
        readers and readers.people,
        told.hides,
        told.deleted,
        told.version,
    )
