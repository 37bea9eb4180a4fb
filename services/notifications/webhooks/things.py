"""What a client may see by now of the things that entries are about, by their newest summary (decision 0078).

The webhooks' consumer keeps it for itself: neither ahead of the entries that it queues nor behind them.
"""

import asyncpg

from shared.contracts.summary import Summary
from shared.events import AnyEvent

_LEARN = """
insert into webhook_things (client_id, id, private, hides, version) values ($1, $2, $3, $4, $5)
on conflict (client_id, id) do update set version = excluded.version,
    private = excluded.private or $6 and webhook_things.private,
    hides = case when $6 then webhook_things.hides else excluded.hides end
where webhook_things.version <= excluded.version
"""
OF_ENTRY = """
left join webhook_things project on project.client_id = e.client_id and project.id = e.project_id
left join webhook_things target on target.client_id = e.client_id and target.id = e.target_id
"""
KEPT = """
(e.team_only or coalesce(project.private, e.project_id is not null and e.private) or coalesce(target.private, e.private)
    or e.tells <> '{}' and coalesce(e.tells <@ project.hides, false))
"""
"""Whether `e` is kept from the client. What is not known is as private as it was when it happened."""
COLUMNS = f"""
    e.position, e.client_id, e.id, e.type, e.facts::text, e.title, e.description, e.actor_id, e.actor_name,
    e.project_id, e.target_type, e.target_id, e.at, {KEPT} as private,
    case when cardinality(e.tells) > 1 then array_to_string(project.hides, ',') end as hides
"""
"""As `shared.contracts.entries.view` reads an entry."""


async def learn(connection: asyncpg.Connection, event: AnyEvent) -> None:
    """Keep what the summary in an event says; an older one changes nothing. A deleted thing stays as it was last."""
    told: Summary = event.data.summary
    row = event.clientid, event.subject, told.private, told.hides, told.version, told.deleted
    await connection.execute(_LEARN, *row)
