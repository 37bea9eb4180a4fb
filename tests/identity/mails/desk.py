"""The queue alone: a database of its own that no application sends from. Also a mailer for a process of its own."""

import asyncio
from uuid import UUID

import asyncpg
import msgspec

from services.identity.clients.models import Client
from services.identity.correspondence import AUTHORS
from services.identity.invitations.commands import invite
from services.identity.mails.commands import Authors
from services.identity.mails.mailer import Mailer
from services.identity.mails.server import MailServer
from services.identity.mails.writing import Writing
from services.identity.people.models import Person
from shared.actor import SYSTEM
from shared.database import Database
from shared.events import RawEvent
from tests.identity.rig import ADMIN

WRITING = Writing(public_url="http://portal.test", sender="n@n.example", company="Northwind", brand_color="#4338ca")


def mailer(url: str, authors: Authors = AUTHORS) -> Mailer:
    return Mailer(authors, WRITING, MailServer(url, "n@n.example"))


class Desk:
    """Puts mails into the queue, and looks what became of them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def invite(self, *addresses: str) -> list[UUID]:
        """Invitations to new people of a new client; the ids of the mails."""
        async with self.database.uow(SYSTEM) as db:
            client = Client(name="Acme GmbH")
            db.add(client)
            await db.flush()
            people = [
                Person(kind="client", email=each, first_name="A", last_name="B", client_id=client.id)
                for each in addresses
            ]
            db.add_all(people)
            await db.flush()
            return [(await invite(db, ADMIN, person)).id for person in people]

    async def invite_again(self, mail: UUID) -> UUID:
        async with self.database.uow(SYSTEM) as db:
            row = await self.mail(mail)
            person = await db.get(Person, row["person_id"])
            assert person
            return (await invite(db, ADMIN, person)).id

    async def mail(self, mail: UUID) -> asyncpg.Record:
        (row,) = await self.execute("select * from mails where id = $1", mail)
        return row

    async def until(self, condition: str, *values: object) -> None:
        async with asyncio.timeout(60):
            while not await self.execute(f"select 1 where {condition}", *values):
                await asyncio.sleep(0.02)

    async def time_passes(self) -> None:
        """What waits, or was in the hands of somebody who is gone, is due now."""
        await self.execute("update mails set due_at = now() where due_at is not null")

    async def execute(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database.dsn)
        try:
            await connection.execute(f"set role {self.database.relay_role}; set search_path = identity")
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    async def events(self, kind: str) -> list[RawEvent]:
        rows = await self.execute("select event from outbox order by seq")
        events = [msgspec.json.decode(row["event"], type=RawEvent) for row in rows]
        return [event for event in events if event.type == kind]


def work(database_url: str, smtp_url: str) -> None:
    """Send what is due, until killed."""

    async def send() -> None:
        database = Database(database_url)
        await database.start()
        await mailer(smtp_url).run(database)

    asyncio.run(send())
