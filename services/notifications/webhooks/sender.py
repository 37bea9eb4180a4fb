"""Sends what is due. The table is the queue: no process takes it along, and a receiver that is slow or away keeps no
other waiting.
"""

import asyncio
import time
from collections import Counter as Tally
from contextlib import suppress
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.notifications.webhooks import commands, portions
from services.notifications.webhooks.commands import Attempt
from services.notifications.webhooks.models import Outcome
from services.notifications.webhooks.outgoing import Outgoing
from services.notifications.webhooks.signing import signed_headers
from shared.actor import SYSTEM
from shared.database import Database
from shared.sealing import Sealer

POLL_SECONDS = 0.5
FORGET_SECONDS = 3600.0

ATTEMPTS = Counter("notifications_webhook_attempts_total", "Attempts to deliver to a webhook", ["outcome"])

log = structlog.get_logger("webhooks")


class Sender:
    """Any number may run, here and elsewhere; each takes deliveries that nobody else has in hand."""

    def __init__(self, sealer: Sealer, outgoing: Outgoing) -> None:
        self._sealer = sealer
        self._outgoing = outgoing
        self._in_hand: dict[asyncio.Task[None], UUID] = {}
        self._wake = asyncio.Event()
        self._forget_at = 0.0
        self._stopped = False

    async def run(self, database: Database) -> None:
        """Send what is due until `stop`, and see through what is then in hand.

        What is cut off is found, and sent, again, under the same id.
        """
        try:
            while not self._stopped:
                self._wake.clear()
                await self._forget(database)
                await self._begin_due(database)
                await self._wait()
            if self._in_hand:
                await asyncio.wait(self._in_hand)
        finally:
            for task in self._in_hand:
                task.cancel()

    def stop(self) -> None:
        """Begin nothing more."""
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
        more = True
        while more and not self._stopped:
            async with database.uow(SYSTEM) as db:
                more = await portions.forget(db)

    async def _begin_due(self, database: Database) -> None:
        if len(self._in_hand) >= commands.AT_ONCE:
            return
        async with database.uow(SYSTEM) as db:
            await portions.resume(db)
            taken = await commands.take(db, Tally(self._in_hand.values()))
        for attempt in taken:
            task = asyncio.create_task(self._deliver(database, attempt))
            self._in_hand[task] = attempt.webhook_id
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self._in_hand[task]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("webhooks.not_recorded", error=repr(error))

    async def _deliver(self, database: Database, attempt: Attempt) -> None:
        """One attempt, outside any transaction, and what came of it."""
        outcome = await self._send(attempt)
        said = outcome.error or str(outcome.status)
        ATTEMPTS.labels(said).inc()
        if not outcome.is_success:
            log.warning(
                "webhooks.not_delivered",
                webhook=str(attempt.webhook_id),
                delivery=str(attempt.delivery_id),
                attempt=attempt.number,
                outcome=said,
            )
        async with database.uow(SYSTEM) as db:
            await commands.record_attempt(db, attempt, outcome)

    async def _send(self, attempt: Attempt) -> Outcome:
        if not isinstance(attempt.body, bytes):
            return Outcome(error=attempt.body)
        try:
            keys = [self._sealer.open(sealed, attempt.webhook_id.bytes) for sealed in attempt.sealed]
        except ValueError:
            return Outcome(error="secret_unreadable")
        headers = signed_headers(keys, attempt.delivery_id, int(time.time()), attempt.body)
        return await self._outgoing.post(attempt.url, headers, attempt.body)
