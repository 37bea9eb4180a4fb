"""Sends what is queued. The table is the queue: no process takes it along, and no request waits for a mail server."""

import asyncio
import time
from contextlib import suppress

import structlog
from prometheus_client import Counter, Gauge

from services.identity.brand.queries import mail_look
from services.identity.mails import commands, queries
from services.identity.mails.commands import Authors
from services.identity.mails.models import KINDS, Failure, Letter
from services.identity.mails.server import MailServer, NotNow, Overtaken, Refused, Unconfirmed
from services.identity.mails.writing import Writing
from shared.actor import SYSTEM
from shared.database import Database

POLL_SECONDS = 1.0
ANSWER_SECONDS = 0.1
"""Writing begins when the answer to who asked for a mail is long out: where there is one it takes no longer."""
FORGET_SECONDS = 3600.0
MEASURE_SECONDS = 5.0

SENT = Counter("identity_mails_sent_total", "Mails handed to the mail server", ["kind"])
FAILED = Counter("identity_mails_failed_total", "Attempts the mail server did not take", ["kind"])
WAITING = Gauge("identity_mails_waiting", "Mails not yet handed to the mail server")
OLDEST = Gauge("identity_mails_oldest_seconds", "Time that the oldest of them has waited")

log = structlog.get_logger("identity.mailer")


class Mailer:
    """Any number may run, here and elsewhere; each takes the next mail nobody else has in hand."""

    def __init__(self, authors: Authors, writing: Writing, server: MailServer) -> None:
        self._authors = authors
        self._writing = writing
        self._server = server
        self._wake = asyncio.Event()
        self._forget_at = 0.0
        self._stopped = False

    def wake(self) -> None:
        """There is something to send. Without a word it is found within a second."""
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._wake.set)

    async def run(self, database: Database) -> None:
        """Send what is due until `stop`. What goes wrong is tried again, ever later, until the mail is too old."""
        while not self._stopped:
            self._wake.clear()
            try:
                await self._forget(database)
                while not self._stopped and await self._send_next(database):
                    pass
            finally:
                await self._server.close()
            await self._wait()

    async def measure(self, database: Database) -> None:
        """Keep the metrics of the queue up to date, also while the mail server holds up the next mail."""
        while True:
            async with database.uow(SYSTEM) as db:
                count, oldest = await queries.waiting(db)
            WAITING.set(count)
            OLDEST.set(oldest)
            await asyncio.sleep(MEASURE_SECONDS)

    def stop(self) -> None:
        """End between two mails: one that is half handed over would have to count as lost."""
        self._stopped = True
        self._wake.set()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()

    async def _forget(self, database: Database) -> None:
        if time.monotonic() < self._forget_at:
            return
        self._forget_at = time.monotonic() + FORGET_SECONDS
        async with database.uow(SYSTEM) as db:
            await commands.forget(db)

    async def _send_next(self, database: Database) -> bool:
        """Send one mail, outside any transaction; False where none is due."""
        async with database.uow(SYSTEM) as db:
            letter = await commands.write_next(db, self._authors)
            if letter is None:
                return False
            look = await mail_look(db)
        try:
            mail = self._writing.compose(letter, look)
            await self._server.send(mail, letter.to, lambda: self._hand_over(database, letter))
        except Overtaken:
            log.info("mailer.overtaken", mail=str(letter.id))
        except Exception as error:  # noqa: BLE001  (one mail's mistake, whatever it is, is not the others')
            await self._not_sent(database, letter, error)
        else:
            SENT.labels(letter.kind).inc()
            await self._settle(database, letter, None)
        return True

    async def _hand_over(self, database: Database, letter: Letter) -> bool:
        """On record before the server gets it, for mails that must not go out twice; the others spare the trip."""
        if not KINDS[letter.kind].once:
            return True
        async with database.uow(SYSTEM) as db:
            return await commands.hand_over(db, letter)

    async def _not_sent(self, database: Database, letter: Letter, error: Exception) -> None:
        FAILED.labels(letter.kind).inc()
        reason = type(error).__name__
        if isinstance(error, (NotNow, Refused, Unconfirmed)):
            log.warning("mailer.not_sent", mail=str(letter.id), attempt=letter.attempt, reason=reason, error=str(error))
        else:
            commands.report("mail.not_written", letter.id, letter.kind, error)
        if isinstance(error, Refused):
            await self._settle(database, letter, "refused")
        elif isinstance(error, Unconfirmed) and KINDS[letter.kind].once:
            await self._settle(database, letter, "unconfirmed")
        else:
            async with database.uow(SYSTEM) as db:
                await commands.put_off(db, letter)

    async def _settle(self, database: Database, letter: Letter, failure: Failure | None) -> None:
        try:
            async with database.uow(SYSTEM) as db:
                await commands.settle(db, self._authors, letter, failure)
        except Exception as error:  # noqa: BLE001
            commands.report("mail.not_settled", letter.id, letter.kind, error)
            async with database.uow(SYSTEM) as db:
                await commands.wait(db, letter)
