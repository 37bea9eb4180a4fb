"""One client at a glance over HTTP: what a dashboard shows, in one answer."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from services.activity.feed import queries as feed
from services.activity.kpis import queries as kpis
from services.activity.kpis.cache import KpiCache
from services.activity.overview import queries
from services.activity.overview.queries import MOST, Overview
from services.activity.tenants import require_tenant
from shared.actor import Actor
from shared.clock import today
from shared.database import ReadOnly
from shared.errors import NotFound
from shared.http import API
from shared.language import headers


@get("/overview", opt={"scope": "activity:read"}, responses={200: ResponseSpec(Overview, description="The overview")})
async def get_overview(actor: Actor, read: ReadOnly, state: State, client_id: UUID | None = None) -> Response[bytes]:
    """Read figures, what waits for the caller, what is due and what is new at their client; staff name a client."""
    tenant = require_tenant(actor, client_id)
    answer: dict[str, Any] = {"kpis": None, "newest": None}
    async with read(actor) as connection:
        changed = await kpis.changed(connection, tenant)
        if changed is None and actor.sees_all_clients:
            raise NotFound
        answer["turn"] = await queries.list_turn(connection, actor, tenant)
        answer["due"] = await queries.list_due(connection, actor, tenant)
        if "activity" not in actor.closed:
            answer["newest"] = await feed.list_page(connection, actor, tenant, MOST)
    if "figures" not in actor.closed:
        cache: KpiCache = state.kpis
        answer["kpis"] = msgspec.Raw(await cache.answer(read, actor, tenant, changed or 0, today()))
    return Response(msgspec.json.encode(answer), media_type=MediaType.JSON, headers=headers())


router = Router(path=API, route_handlers=[get_overview])
