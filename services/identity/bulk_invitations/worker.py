"""Works off invitations of many. The tables are the queue: no process takes it along when it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from services.identity.bulk_invitations import commands, queries
from services.identity.mails.mailer import ANSWER_SECONDS, Mailer
from shared.actor import SYSTEM
from shared.database import Database, Db

BUSY_SECONDS = 0.5
IDLE_SECONDS = 5.0


class Inviter:
    """Any number may run; each takes the next one that nobody else has in hand."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self._wake = asyncio.Event()
        self._held_up: dict[UUID, float] = {}

    def wake(self) -> None:
        """Somebody was picked, and is stored once the answer is out. Without a word they are found a little later."""
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._wake.set)

    async def run(self, database: Database) -> None:
        """Invite who waits, until cancelled."""
        while True:
            self._wake.clear()
            busy = await self.work(database)
            await self._wait(BUSY_SECONDS if busy else IDLE_SECONDS)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def work(self, database: Database) -> bool:
        """Everything that can be done now, each step a transaction of its own; whether there is more to wait for."""
        if not await _step(database, queries.is_anything_running):
            return False
        while await _step(database, partial(commands.invite_next, held_up=self._held_up)):
            self._mailer.wake()
        await _step(database, commands.hear_of_mails)
        while await _step(database, commands.finish_next):
            pass
        return True


async def _step(database: Database, step: Callable[[Db], Awaitable[bool]]) -> bool:
    async with database.uow(SYSTEM) as db:
        return await step(db)
