"""How one is notified, over HTTP: everybody reads and changes their own."""

from litestar import Response, Router, get, patch

from services.notifications.choices import commands, queries
from services.notifications.choices.commands import ChangeChoices
from services.notifications.choices.queries import ChoicesView
from shared.actor import Actor
from shared.database import ReadOnly, UnitOfWork
from shared.http import API, IfMatch, with_etag


@get("/")
async def get_choices(actor: Actor, read: ReadOnly) -> Response[ChoicesView]:
    """List what the caller can be notified of, and how: in the portal, by mail as well, or not at all."""
    async with read(actor) as connection:
        return with_etag(await queries.get_choices(connection, actor))


@patch("/")
async def change_choices(
    data: ChangeChoices, if_match: IfMatch, actor: Actor, uow: UnitOfWork
) -> Response[ChoicesView]:
    """Choose how to be notified of some kinds, from now on. With `If-Match`, only at that version (else 412). 422
    `choice.kind` for what the caller is not notified of, `choice.channel` for what is fixed.
    """
    async with uow(actor) as db:
        choices = await commands.change_choices(db, actor, data, if_match)
        return with_etag(queries.view(actor, choices.channels, choices.version))


router = Router(
    path=f"{API}/notifications/choices", route_handlers=[get_choices, change_choices], tags=["notifications"]
)
