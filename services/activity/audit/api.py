"""The audit log over HTTP, for staff who may read it."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import Parameter

from services.activity.audit import queries
from services.activity.audit.queries import LAST, After, AuditFilter, AuditView
from services.activity.feed.models import looks_behind
from services.activity.tenants import require_tenant
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly
from shared.http import API
from shared.pagination import BadCursor, Cursor, Limit, Page, decode_cursor, encode_cursor


@get("/audit", guards=[require_policy("viewAudit")], opt={"scope": "audit:read"})
async def list_audit(
    *,
    actor: Actor,
    read: ReadOnly,
    limit: Limit,
    cursor: Cursor,
    client_id: UUID | None = None,
    kind: Annotated[str | None, Parameter(query="type", max_length=100)] = None,
    security: bool | None = None,
    actor_id: UUID | None = None,
) -> Page[AuditView]:
    """What was done, newest first: of all clients and the company, or of one. A partner bound to one sees its."""
    tenant = client_id if actor.sees_all_clients else require_tenant(actor, client_id)
    before = After(tenant, LAST)
    if cursor:
        before = decode_cursor(cursor, After)
        if before.client_id != tenant:
            raise BadCursor("This page link belongs to another list.", field="cursor")
    wanted = AuditFilter(private=looks_behind(actor), client_id=tenant, type=kind, security=security, actor_id=actor_id)
    async with read(actor) as connection:
        rows = await queries.list_records(connection, wanted, before.key, limit + 1)
    more = encode_cursor(After(tenant, rows[limit - 1][0])) if len(rows) > limit else None
    return Page([view for _, view in rows[:limit]], more)


router = Router(path=API, route_handlers=[list_audit])
