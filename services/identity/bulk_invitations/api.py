"""Bulk invitations over HTTP, for staff who may give contacts access."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import Parameter

from services.identity.bulk_invitations import commands, queries
from services.identity.bulk_invitations.commands import StartBulkInvitation
from services.identity.bulk_invitations.queries import Outcome, Preview, Progress, Recipient
from services.identity.bulk_invitations.worker import Inviter
from shared.actor import Actor
from shared.claims import require_policy
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.pagination import Cursor, Limit, Page

OfClient = Annotated[UUID | None, Parameter(query="client_id", default=None)]


@get("/preview")
async def preview_bulk_invitation(actor: Actor, read: ReadOnly, client_id: OfClient) -> Preview:
    """Count the contacts who would be invited, of one client or of all."""
    async with read(actor) as connection:
        return await queries.preview(connection, client_id)


@get("/recipients")
async def list_invitation_recipients(
    *, actor: Actor, read: ReadOnly, client_id: OfClient, limit: Limit, cursor: Cursor, invited: bool = True
) -> Page[Recipient]:
    """Who would get a mail now; with `invited=false` who would not, and why."""
    async with read(actor) as connection:
        return await queries.list_recipients(connection, client_id, invited=invited, limit=limit, cursor=cursor)


@post("/", status_code=202)
async def start_bulk_invitation(
    data: StartBulkInvitation, actor: Actor, uow: UnitOfWork, read: ReadOnly, inviter: Inviter
) -> Progress:
    """Invite every contact who can be invited; 409 if they are not as many as `expected`. If that is running already,
    the answer is the running invitation.
    """
    async with uow(actor) as db:
        bulk_id = await commands.start(db, actor, data)
    inviter.wake()
    async with read(actor) as connection:
        return await queries.get_progress(connection, bulk_id)


@get("/{bulk_id:uuid}")
async def get_bulk_invitation(bulk_id: UUID, actor: Actor, read: ReadOnly) -> Progress:
    """Read the progress of a bulk invitation, and who got no mail."""
    async with read(actor) as connection:
        return await queries.get_progress(connection, bulk_id)


@get("/{bulk_id:uuid}/recipients")
async def list_invitation_outcomes(
    *, bulk_id: UUID, actor: Actor, read: ReadOnly, limit: Limit, cursor: Cursor
) -> Page[Outcome]:
    """Everybody who was picked, and what became of each one's invitation."""
    async with read(actor) as connection:
        return await queries.list_outcomes(connection, bulk_id, limit=limit, cursor=cursor)


router = Router(
    f"{API}/invitations/bulk",
    route_handlers=[
        preview_bulk_invitation,
        list_invitation_recipients,
        start_bulk_invitation,
        get_bulk_invitation,
        list_invitation_outcomes,
    ],
    guards=[require_policy("managePortalAccess")],
    tags=["invitations"],
)
