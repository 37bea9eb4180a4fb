"""The audit log over HTTP, for staff who may read it."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from services.activity.audit import queries
from services.activity.audit.queries import LAST, After, AuditFilter, AuditView, Visits
from services.activity.tenants import looks_behind, require_tenant
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly
from shared.http import API
from shared.pagination import BadCursor, Cursor, Limit, Page, decode_cursor, encode_cursor
from shared.texts import TEXT


@get("/audit", guards=[require_policy("viewAudit")], opt={"scope": "audit:read"})
async def list_audit(
    *,
    actor: Actor,
    read: ReadOnly,
    limit: Limit,
    cursor: Cursor,
    client_id: UUID | None = None,
    kind: Annotated[str | None, Parameter(query="type", max_length=100, pattern=TEXT)] = None,
    security: bool | None = None,
    actor_id: UUID | None = None,
    session_id: UUID | None = None,
    visits: Visits = "all",
    oldest_first: bool = False,
) -> Page[AuditView]:
    """What was done, newest first: of all clients and the company, or of one. A partner bound to one sees its.

    With `session_id` and `oldest_first` a recorded session from its beginning; `visits` leaves out what its pages asked
    for by themselves (`opened`), or all that was only looked at (`actions`).
    """
    tenant = client_id if actor.sees_all_clients else require_tenant(actor, client_id)
    start = After(tenant, 0 if oldest_first else LAST, session_id, oldest_first)
    place = decode_cursor(cursor, After) if cursor else start
    if msgspec.structs.replace(place, key=start.key) != start:
        raise BadCursor
    wanted = AuditFilter(
        private=looks_behind(actor),
        client_id=tenant,
        type=kind,
        security=security,
        actor_id=actor_id,
        session_id=session_id,
        visits=visits,
    )
    async with read(actor) as connection:
        rows = await queries.list_records(connection, wanted, place.key, limit + 1, oldest_first=oldest_first)
    more = encode_cursor(msgspec.structs.replace(start, key=rows[limit - 1][0])) if len(rows) > limit else None
    return Page([view for _, view in rows[:limit]], more)


router = Router(path=API, route_handlers=[list_audit])
