"""Bulk invitations over HTTP, for staff who may give contacts access."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter

from services.identity.bulk_invitations import commands, queries
from services.identity.bulk_invitations.commands import StartBulkInvitation
from services.identity.bulk_invitations.queries import Preview, Progress
from services.identity.bulk_invitations.worker import Inviter
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]


@get("/preview")
async def preview(actor: Actor, read: ReadOnly, client_id: OfClient) -> Preview:
    """Count the contacts who would be invited, of one client or of all."""
    async with read(actor) as connection:
        return await queries.preview(connection, client_id)


@post("/", status_code=202)
async def start(data: StartBulkInvitation, actor: Actor, uow: UnitOfWork, read: ReadOnly, inviter: Inviter) -> Progress:
    """Invite every contact who can be invited. If that is running already, the answer is the running invitation."""
    async with uow(actor) as db:
        bulk_id = await commands.start(db, actor, data.client_id)
    inviter.wake()
    async with read(actor) as connection:
        return await queries.get_progress(connection, bulk_id)


@get("/{bulk_id:uuid}")
async def get_progress(bulk_id: UUID, actor: Actor, read: ReadOnly) -> Progress:
    """Read the progress of a bulk invitation, and who got no mail."""
    async with read(actor) as connection:
        return await queries.get_progress(connection, bulk_id)


router = Router(
    f"{API}/invitations/bulk",
    route_handlers=[preview, start, get_progress],
    guards=[require_policy("managePortalAccess")],
    tags=["invitations"],
)
