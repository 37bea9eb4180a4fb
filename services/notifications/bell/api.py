"""The bell over HTTP: what the caller is notified of, and what of it they have read."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import Parameter

from services.notifications.bell import commands, queries
from services.notifications.bell.commands import ReadAll
from services.notifications.bell.queries import LAST, After, NotificationView, Unread
from shared.actor import Actor
from shared.database import ReadOnly, UnitOfWork
from shared.http import API
from shared.language import headers
from shared.pagination import Cursor, Limit, Page, decode_cursor


@get("/")
async def list_notifications(
    *,
    actor: Actor,
    read: ReadOnly,
    limit: Limit,
    cursor: Cursor,
    unread: Annotated[bool, Parameter(default=False, description="Only those that are not read yet.")],
) -> Response[Page[NotificationView]]:
    """List what the caller is notified of, newest first."""
    before = decode_cursor(cursor, After).position if cursor else LAST
    async with read(actor) as connection:
        found = await queries.list_notifications(connection, actor, limit, before=before, unread=unread)
    return Response(found, headers=headers())


@get("/unread")
async def count_unread(actor: Actor, read: ReadOnly) -> Unread:
    """Count what the caller has not read."""
    async with read(actor) as connection:
        return await queries.count_unread(connection, actor)


@post("/{notification_id:uuid}/read", status_code=200)
async def mark_read(notification_id: UUID, actor: Actor, uow: UnitOfWork) -> Response[NotificationView]:
    """Mark one as read, also if it is already."""
    async with uow(actor) as db:
        marked = await commands.read_one(db, actor, notification_id)
    return Response(marked, headers=headers())


@post("/read-all", status_code=204)
async def mark_all_read(actor: Actor, uow: UnitOfWork, data: ReadAll | None = None) -> None:
    """Mark everything as read, or what is not newer than the one that is named in `upto_id`."""
    async with uow(actor) as db:
        await commands.read_all(db, actor, data.upto_id if data else None)


router = Router(
    path=f"{API}/notifications",
    route_handlers=[list_notifications, count_unread, mark_read, mark_all_read],
    tags=["notifications"],
)
