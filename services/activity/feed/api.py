"""The feed over HTTP: its pages, and what happens as it happens."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from services.activity.feed import queries
from services.activity.feed.hub import Reader
from services.activity.feed.queries import LAST, After
from services.activity.feed.stream import EventStream
from services.activity.feed.watcher import Watcher
from services.activity.tenants import looks_behind, require_tenant
from shared.actor import Actor
from shared.claims import require_staff
from shared.contracts.entries.view import EntryView
from shared.database import ReadOnly
from shared.errors import NotFound
from shared.http import API
from shared.language import headers
from shared.pagination import Cursor, Limit, Page, decode_cursor


@get(
    "/activity",
    opt={"scope": "activity:read"},
    responses={200: ResponseSpec(Page[EntryView], description="A page of entries")},
)
async def list_activity(
    *,
    actor: Actor,
    read: ReadOnly,
    limit: Limit,
    cursor: Cursor,
    project_id: UUID | None = None,
    client_id: UUID | None = None,
) -> Response[bytes]:
    """List entries, newest first: of the caller's client, in one project, or for staff at any client."""
    tenant = None if actor.sees_all_clients and client_id is None else require_tenant(actor, client_id)
    before = decode_cursor(cursor, After).position if cursor else LAST
    readable = actor.readable_projects()
    if project_id and readable is not None and project_id not in readable:
        raise NotFound
    private = looks_behind(actor)
    async with read(actor) as connection:
        if project_id:
            tenant = await queries.require_client_of(connection, project_id, tenant, private=private)
        elif tenant and actor.sees_all_clients:
            await queries.require_client(connection, tenant)
        page = await queries.list_page(connection, actor, tenant, limit, before=before, project_id=project_id)
    return Response(msgspec.json.encode(page), media_type=MediaType.JSON, headers=headers())


@get(
    "/api/events/{client_id:uuid}",
    opt={"scope": "events:read"},
    responses={200: ResponseSpec(None, description="Server-sent events", media_type="text/event-stream")},
)
async def stream_events(
    *,
    actor: Actor,
    read: ReadOnly,
    state: State,
    client_id: UUID,
    last_event_id: Annotated[str | None, Parameter(header="Last-Event-ID", default=None)],
) -> EventStream:
    """Stream the entries of one client as they are stored, after `Last-Event-ID`.

    An event's `id` is the entry's `seq`, its name the entry's `type`, its data the entry. `reset`: the reader missed
    too much and has to load everything again. `closed`: access ended, for the reason in its data.
    """
    require_tenant(actor, client_id)
    if actor.sees_all_clients:
        async with read(actor) as connection:
            await queries.require_client(connection, client_id)
    reader = Reader(actor, client_id)
    return EventStream(
        hub=state.hub, read=read, settings=state.settings, actor=actor, reader=reader, last_id=last_event_id
    )


@get(
    "/api/events/all",
    guards=[require_staff],
    responses={200: ResponseSpec(None, description="Server-sent events", media_type="text/event-stream")},
)
async def stream_all(*, actor: Actor, read: ReadOnly, state: State) -> EventStream:
    """Stream to staff that something happened at any client they see, and not what: an event `changed` without content,
    at most every five seconds. `closed`: access ended, for the reason in its data.
    """
    return EventStream(
        hub=state.hub, read=read, settings=state.settings, actor=actor, reader=Watcher(actor), last_id=None
    )


router = Router(
    path="/",
    route_handlers=[Router(path=API, route_handlers=[list_activity]), stream_events, stream_all],
    opt={"module": "activity"},
)
