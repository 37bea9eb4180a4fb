"""What runs in a process of its own: somebody who only writes, and a relay alone."""

import asyncio
import itertools
import os

from sqlalchemy import text

from shared import outbox
from shared.actor import SYSTEM
from shared.background import Background
from shared.clock import uuid7
from shared.contracts.projects import ProjectViewed
from shared.database import Database
from shared.delivery import Traffic


def write(database_url: str) -> None:
    """A row and its event in one transaction, as fast as it goes, until killed."""

    async def work() -> None:
        database = Database(database_url)
        await database.start()
        for number in itertools.count():
            name = f"{os.getpid()}-{number}"
            async with database.uow(SYSTEM) as db:
                row = {"p": os.getpid(), "n": number}
                await db.execute(text("insert into seen (position, number) values (:p, :n)"), row)
                await outbox.append(db, SYSTEM, ProjectViewed(name=name), client_id=None, aggregate_id=uuid7())

    asyncio.run(work())


def relay(database_url: str, nats_url: str) -> None:
    """The outbox of one database to the broker, until killed."""

    async def work() -> None:
        database = Database(database_url)
        await database.start()
        background = Background()
        traffic = Traffic("source", database, [], nats_url)
        async with background.keep("broker", lambda: traffic.run(background)):
            await asyncio.Event().wait()

    asyncio.run(work())
