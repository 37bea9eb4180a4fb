"""Mails that came back: whoever runs the mail server tells the portal, which cannot know."""

import re
from collections.abc import Sequence
from uuid import UUID

from ops.running import database_url
from ops.stack.errors import StackError
from services.identity.correspondence import AUTHORS
from services.identity.mails.commands import bounce
from shared.actor import SYSTEM
from shared.database import Database

MESSAGE_ID = re.compile(r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.\d+@[^\s<>]+>?")


async def bounced(message_ids: Sequence[str]) -> None:
    """Note that these mails came back after the server had taken them. Raises `StackError` for what is no id of a mail
    of the portal; nothing is noted then.
    """
    found = [MESSAGE_ID.fullmatch(each) for each in message_ids]
    if None in found or not found:
        raise StackError("A Message-ID of the portal is <id.attempt@host>.", "Nothing was noted.")
    database = Database(database_url("identity"), pool=1)
    await database.start()
    try:
        async with database.uow(SYSTEM) as db:
            noted = [await bounce(db, AUTHORS, UUID(match[1])) for match in found if match]
    finally:
        await database.stop()
    print(f"{sum(noted)} noted, {len(noted) - sum(noted)} known already or never sent")
