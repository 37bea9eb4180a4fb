"""One client at a glance over HTTP: what a dashboard shows, in one answer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from services.activity.feed import queries as feed
from services.activity.kept import Answer, Remembered
from services.activity.kpis import queries as kpis
from services.activity.kpis.cache import KpiCache
from services.activity.overview import queries
from services.activity.overview.queries import MOST, Overview
from services.activity.reach import Reach
from services.activity.tenants import require_tenant
from shared.actor import Actor
from shared.claims import ModuleClosed
from shared.clock import today
from shared.database import ReadOnly
from shared.errors import NotFound
from shared.http import API
from shared.language import current, headers

Part = Literal["kpis", "turn", "due", "newest", "clients"]
OF_ONE = frozenset({"kpis", "turn", "due", "newest"})
OF_ALL = frozenset({"kpis", "newest", "clients"})
MODULES: Mapping[Part, str] = {"kpis": "figures", "newest": "activity"}
"""Whose content a part is; what waits and what is due is of many, each thing of its own."""
Parts = Annotated[list[Part] | None, Parameter(query="part", max_items=5, default=None)]


@get("/overview", opt={"scope": "activity:read"}, responses={200: ResponseSpec(Overview, description="The overview")})
async def get_overview(
    *, actor: Actor, read: ReadOnly, state: State, parts: Parts, client_id: UUID | None = None
) -> Response[bytes]:
    """Read figures, what waits for the caller, what is due and what is new at their client.

    Staff name a client; if they name none, they read figures and what is new of all they see, and which of them need
    attention. With `part`, which may be repeated, only these; the others are null.
    """
    tenant = None if client_id is None and actor.is_staff else require_tenant(actor, client_id)
    async with read(actor) as connection:
        changed = await kpis.changed(connection, tenant)
    if changed is None and tenant and actor.sees_all_clients:
        raise NotFound
    reach, closed, day = Reach.of(actor), sorted(actor.closed), today()
    shut = {part for part, module in MODULES.items() if module in closed}
    if shut.intersection(parts or ()):
        raise ModuleClosed
    wanted = sorted((OF_ONE if tenant else OF_ALL).intersection(parts or get_args(Part)) - shut)

    async def make() -> Answer:
        answer: dict[str, Any] = dict.fromkeys(get_args(Part))
        whole = True
        if "kpis" in wanted:
            cache: KpiCache = state.kpis
            figures = await cache.answer(read, actor, tenant, changed or 0, day)
            answer["kpis"], whole = msgspec.Raw(figures.body), figures.whole
        async with read(actor) as connection:
            if tenant and "turn" in wanted:
                answer["turn"] = await queries.list_turn(connection, reach, tenant, closed)
            if tenant and "due" in wanted:
                answer["due"] = await queries.list_due(connection, reach, tenant, closed)
            if "clients" in wanted:
                answer["clients"] = await queries.list_clients(connection, reach)
            if "newest" in wanted:
                answer["newest"] = await feed.list_page(connection, actor, tenant, MOST)
        return Answer(msgspec.json.encode(answer), whole)

    remembered: Remembered = state.overviews
    key = f"{tenant or 'all'}:{changed}:{day}:{current()}:{'.'.join(wanted)}:{'.'.join(closed)}:{reach.key}"
    return Response((await remembered.answer(key, make)).body, media_type=MediaType.JSON, headers=headers())


router = Router(path=API, route_handlers=[get_overview])
