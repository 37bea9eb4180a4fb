"""A client's figures over HTTP."""

from uuid import UUID

from litestar import MediaType, Response, Router, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from services.activity.kpis import queries
from services.activity.kpis.cache import KpiCache
from services.activity.kpis.queries import Kpis
from services.activity.tenants import require_tenant
from shared.actor import Actor
from shared.clock import today
from shared.database import ReadOnly
from shared.errors import NotFound
from shared.http import API
from shared.language import headers


@get("/kpis", opt={"scope": "activity:read"}, responses={200: ResponseSpec(Kpis, description="The figures")})
async def get_kpis(actor: Actor, read: ReadOnly, state: State, client_id: UUID | None = None) -> Response[bytes]:
    """Read the figures of the caller's client; staff name a client."""
    tenant = require_tenant(actor, client_id)
    async with read(actor) as connection:
        changed = await queries.changed(connection, tenant)
    if changed is None and actor.sees_all_clients:
        raise NotFound
    cache: KpiCache = state.kpis
    answer = await cache.answer(read, actor, tenant, changed or 0, today())
    return Response(answer.body, media_type=MediaType.JSON, headers=headers())


router = Router(path=API, route_handlers=[get_kpis], opt={"module": "figures"})
