"""Recorded sessions over HTTP, for staff who may read the audit log. What was opened in one: `audit?session_id=`."""

from uuid import UUID

from litestar import Router, get

from services.activity.audit.queries import LAST
from services.activity.recordings import queries
from services.activity.recordings.queries import After, RecordingView
from services.activity.tenants import require_tenant
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly
from shared.http import API
from shared.pagination import BadCursor, Cursor, Limit, Page, decode_cursor, encode_cursor


@get("/audit/recordings", guards=[require_policy("viewAudit")], opt={"scope": "audit:read"})
async def list_recordings(
    *,
    actor: Actor,
    read: ReadOnly,
    limit: Limit,
    cursor: Cursor,
    client_id: UUID | None = None,
    session_id: UUID | None = None,
) -> Page[RecordingView]:
    """List a client's recorded sessions, newest first, or one of them.

    A partner bound to one client sees that client's.
    """
    tenant = require_tenant(actor, client_id)
    after = decode_cursor(cursor, After) if cursor else After(tenant, LAST)
    if after.client_id != tenant:
        raise BadCursor
    async with read(actor) as connection:
        rows = await queries.list_recordings(connection, after, session_id, limit + 1)
    more = encode_cursor(rows[limit - 1][0]) if len(rows) > limit else None
    return Page([view for _, view in rows[:limit]], more)


router = Router(path=API, route_handlers=[list_recordings], tags=["audit"])
