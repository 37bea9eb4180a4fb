"""Clients over HTTP: staff manage them, a client's own people may look at theirs."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, patch, post
from litestar.params import Parameter

from services.identity.clients import commands, queries
from services.identity.clients.commands import CreateClient, PatchClient
from services.identity.clients.queries import ClientView
from services.identity.sessions.cache import SessionCache
from shared.actor import Actor
from shared.claims import require_policy, require_staff
from shared.database import ReadOnly, UnitOfWork
from shared.errors import NotFound
from shared.http import API
from shared.pagination import Cursor, Limit, Page

Search = Annotated[str, Parameter(query="q", max_length=100, pattern=r"^[^\x00]*$", default="")]


@get("/", guards=[require_staff])
async def list_clients(actor: Actor, read: ReadOnly, search: Search, limit: Limit, cursor: Cursor) -> Page[ClientView]:
    """All clients by name, or those whose name contains `q`."""
    async with read(actor) as connection:
        return await queries.list_clients(connection, actor, search, limit, cursor)


@get("/{client_id:uuid}")
async def get_client(client_id: UUID, actor: Actor, read: ReadOnly) -> ClientView:
    """One client; for a client's person its own, and every other is 404."""
    if not actor.sees(client_id):
        raise NotFound
    async with read(actor) as connection:
        return await queries.get_client(connection, client_id)


@post("/", guards=[require_policy("manageClients")])
async def create_client(data: CreateClient, actor: Actor, uow: UnitOfWork, read: ReadOnly) -> ClientView:
    """Take on a client."""
    async with uow(actor) as db:
        client = await commands.create_client(db, actor, data)
    async with read(actor) as connection:
        return await queries.get_client(connection, client.id)


@patch("/{client_id:uuid}", guards=[require_policy("manageClients")])
async def change_client(
    *, client_id: UUID, data: PatchClient, actor: Actor, uow: UnitOfWork, read: ReadOnly, session_cache: SessionCache
) -> ClientView:
    """Change a client. Deactivating it or closing its portal signs all of its people out within a second."""
    async with uow(actor) as db:
        ended = await commands.change_client(db, actor, client_id, data)
    await session_cache.tell(ended=ended)
    async with read(actor) as connection:
        return await queries.get_client(connection, client_id)


router = Router(
    f"{API}/clients", route_handlers=[list_clients, get_client, create_client, change_client], tags=["clients"]
)
