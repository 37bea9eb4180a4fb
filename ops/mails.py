"""Mails that came back: whoever runs the mail server tells the portal, which cannot know."""

from collections.abc import Sequence

from ops.running import database_url
from ops.stack.errors import StackError
from services.identity.correspondence import AUTHORS
from services.identity.mails.commands import bounce
from services.identity.mails.returned import id_of
from shared.actor import SYSTEM
from shared.database import Database


async def bounced(message_ids: Sequence[str]) -> None:
    """Note that these mails came back after the server had taken them. Raises `StackError` for what is no id of a mail
    of the portal; nothing is noted then.
    """
    found = [id_of(each) for each in message_ids]
    if None in found or not found:
        raise StackError("A Message-ID of the portal is <id.attempt@host>.", "Nothing was noted.")
    database = Database(database_url("identity"), pool=1)
    await database.start()
    try:
        async with database.uow(SYSTEM) as db:
            noted = [await bounce(db, SYSTEM, AUTHORS, each) for each in found if each]
    finally:
        await database.stop()
    print(f"{sum(noted)} noted, {len(noted) - sum(noted)} known already or never sent")
