"""Clients over HTTP: staff manage them, a client's own people may look at theirs."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, get, patch, post
from litestar.params import Parameter

from services.identity.clients import commands, portal, queries
from services.identity.clients.commands import CreateClient, PatchClient
from services.identity.clients.models import Variant
from services.identity.clients.queries import ClientFilter, ClientView
from services.identity.sessions.cache import SessionCache
from shared.actor import Actor
from shared.claims import require_policy, require_staff
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.pagination import Cursor, Limit, Page
from shared.texts import TEXT

Search = Annotated[str, Parameter(query="q", max_length=100, pattern=TEXT, default="")]


Sort = Annotated[str, queries.ORDERS.parameter]
Active = Annotated[bool | None, Parameter(query="active", default=None)]
Portal = Annotated[bool | None, Parameter(query="portal", default=None)]
OfVariant = Annotated[Variant | None, Parameter(query="variant", default=None)]
MAY_SWITCH = require_policy("managePortalAccess")
READ, WRITE = {"scope": "clients:read"}, {"scope": "clients:write"}


class EnablePortal(msgspec.Struct, forbid_unknown_fields=True):
    """Without `user_id` the portal stays linked to whom it was."""

    user_id: UUID | None = None


@get("/", guards=[require_staff], opt=READ)
async def list_clients(
    *,
    actor: Actor,
    read: ReadOnly,
    search: Search,
    active: Active,
    enabled: Portal,
    variant: OfVariant,
    sort: Sort,
    limit: Limit,
    cursor: Cursor,
) -> Page[ClientView]:
    """List clients by name; those whose name contains `q`; active or not, with or without portal, of one variant.

    A hyphen before the name of a `sort` turns the order round.
    """
    async with read(actor) as connection:
        wanted = ClientFilter(search, active, enabled, variant)
        return await queries.list_clients(connection, actor, wanted, sort=sort, limit=limit, cursor=cursor)


@get("/{client_id:uuid}", opt=READ)
async def get_client(client_id: UUID, actor: Actor, read: ReadOnly) -> ClientView:
    """Read one client. A client's person can read their own; every other is 404."""
    async with read(actor) as connection:
        return await queries.get_client(connection, actor, client_id)


@post("/", guards=[require_policy("manageClients")], opt=WRITE)
async def create_client(data: CreateClient, actor: Actor, uow: UnitOfWork, read: ReadOnly) -> ClientView:
    """Create a client."""
    async with uow(actor) as db:
        client = await commands.create_client(db, actor, data)
    async with read(actor) as connection:
        return await queries.get_client(connection, actor, client.id)


@patch("/{client_id:uuid}", guards=[require_policy("manageClients")], opt=WRITE)
async def change_client(
    *, client_id: UUID, data: PatchClient, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ClientView:
    """Change a client. Deactivating it or closing its portal signs all of its people out within a second."""
    async with uow(actor) as db:
        touched = await commands.change_client(db, actor, client_id, data)
    await session_cache.tell(ended=touched.ended, changed=touched.changed)
    async with read(actor) as connection:
        return await queries.get_client(connection, actor, client_id)


@post("/{client_id:uuid}/portal/enable", status_code=200, guards=[MAY_SWITCH])
async def enable_portal(
    *, client_id: UUID, data: EnablePortal, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ClientView:
    """Open a client's portal, linked to one of its people. 409 if the client is not active or the person is
    another's.
    """
    async with uow(actor) as db:
        touched = await portal.enable(db, actor, client_id, data.user_id)
    await session_cache.tell(ended=touched.ended, changed=touched.changed)
    async with read(actor) as connection:
        return await queries.get_client(connection, actor, client_id)


@post("/{client_id:uuid}/portal/disable", status_code=200, guards=[MAY_SWITCH])
async def disable_portal(
    *, client_id: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ClientView:
    """Close a client's portal: its people are signed out within a second.

    The portal stays linked to the same person.
    """
    async with uow(actor) as db:
        touched = await portal.disable(db, actor, client_id)
    await session_cache.tell(ended=touched.ended, changed=touched.changed)
    async with read(actor) as connection:
        return await queries.get_client(connection, actor, client_id)


router = Router(
    f"{API}/clients",
    route_handlers=[list_clients, get_client, create_client, change_client, enable_portal, disable_portal],
    tags=["clients"],
)
