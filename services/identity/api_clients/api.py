"""Api clients over HTTP, for staff who may manage them and have proven lately who they are. A secret is in one answer
only.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.params import Parameter

from services.identity.api_clients import commands, queries
from services.identity.api_clients.commands import CreateApiClient, PatchApiClient, RotateSecret
from services.identity.api_clients.models import SCOPES
from services.identity.api_clients.queries import ApiClientView
from services.identity.settings import IdentitySettings
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.language import gettext as _
from shared.language import headers
from shared.pagination import Cursor, Limit, Page

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]
Sort = Annotated[str, queries.ORDERS.parameter]


class ScopeView(msgspec.Struct, frozen=True):
    key: str
    name: str


class Scopes(msgspec.Struct, frozen=True):
    items: list[ScopeView]


class CreatedApiClient(ApiClientView, frozen=True, kw_only=True):
    """`client_secret` is shown here and never again; null for one that signs with its own key."""

    client_secret: str | None


class Rotated(msgspec.Struct, frozen=True):
    client_secret: str
    old_valid_until: datetime


@get("/scopes")
async def list_scopes() -> Response[Scopes]:
    """List the scopes that an API client can have, described for those who grant them."""
    return Response(Scopes([ScopeView(key, _(name)) for key, name in SCOPES.items()]), headers=headers())


@get("/")
async def list_api_clients(
    *, actor: Actor, read: ReadOnly, client_id: OfClient, sort: Sort, limit: Limit, cursor: Cursor
) -> Page[ApiClientView]:
    """List API clients, newest first: all of them, or those bound to `client_id`."""
    async with read(actor) as connection:
        return await queries.list_api_clients(connection, client_id, sort=sort, limit=limit, cursor=cursor)


@get("/{api_client_id:uuid}")
async def get_api_client(api_client_id: UUID, actor: Actor, read: ReadOnly) -> ApiClientView:
    """Read one API client."""
    async with read(actor) as connection:
        return await queries.get_api_client(connection, api_client_id)


@post("/")
async def create_api_client(
    *, data: CreateApiClient, me: UUID, actor: Actor, uow: UnitOfWork, read: ReadOnly
) -> CreatedApiClient:
    """Create an API client, with which a partner system gets access."""
    async with uow(actor) as db:
        api_client, secret = await commands.create_api_client(db, actor, me, data)
    async with read(actor) as connection:
        view = await queries.get_api_client(connection, api_client.id)
    return CreatedApiClient(**msgspec.structs.asdict(view), client_secret=secret)


@patch("/{api_client_id:uuid}")
async def change_api_client(
    api_client_id: UUID, data: PatchApiClient, actor: Actor, uow: UnitOfWork, read: ReadOnly
) -> ApiClientView:
    """Change name, scopes or keys. Removing a scope ends its tokens within a second."""
    async with uow(actor) as db:
        await commands.change_api_client(db, actor, api_client_id, data)
    async with read(actor) as connection:
        return await queries.get_api_client(connection, api_client_id)


@post("/{api_client_id:uuid}/rotate", status_code=200)
async def rotate_secret(
    *, api_client_id: UUID, actor: Actor, uow: UnitOfWork, settings: IdentitySettings, data: RotateSecret | None = None
) -> Rotated:
    """Create a new secret. The old one remains valid for as long as the body says, else for the configured time."""
    asked = data.overlap_hours if data else None
    hours = settings.api_secret_overlap_hours if asked is None else asked
    async with uow(actor) as db:
        return Rotated(*await commands.rotate_secret(db, actor, api_client_id, timedelta(hours=hours)))


@delete("/{api_client_id:uuid}")
async def revoke_api_client(api_client_id: UUID, actor: Actor, uow: UnitOfWork) -> None:
    """Revoke an API client and its tokens. Repeating the request changes nothing."""
    async with uow(actor) as db:
        await commands.revoke_api_client(db, actor, api_client_id)


router = Router(
    f"{API}/api-clients",
    route_handlers=[
        list_scopes,
        list_api_clients,
        get_api_client,
        create_api_client,
        change_api_client,
        rotate_secret,
        revoke_api_client,
    ],
    guards=[require_policy("manageApiClients")],
    tags=["api clients"],
)
