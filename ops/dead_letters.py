"""Dead letters as an operator has them: rows of one service, to read and to publish again."""

from datetime import datetime

import asyncpg
import msgspec
from nats.aio.client import Client

from shared.clock import uuid7

_LIST = "select number, consumer, subject, event, reason, set_aside_at as at from dead_letters order by number"
_FORGET = "delete from dead_letters where number = $1"


class DeadLetter(msgspec.Struct, frozen=True):
    """One event set aside by `consumer`. `subject` is where it was or would have been published, `number` its own."""

    number: int
    consumer: str
    subject: str
    event: bytes
    reason: str
    at: datetime


async def list_dead_letters(connection: asyncpg.Connection) -> list[DeadLetter]:
    """All of one service, oldest first; `connection` is an administrator's, with the service's schema as its path."""
    return [DeadLetter(**row) for row in await connection.fetch(_LIST)]


async def replay(connection: asyncpg.Connection, client: Client, letter: DeadLetter) -> None:
    """Publish the event and forget the letter. Consumers that had folded it drop it by its event id.

    The message id is as long as the first one was, so that what fitted into the stream fits again. Raises the broker's
    error, and keeps the letter, if it is refused once more.
    """
    headers = {"Nats-Msg-Id": str(uuid7())}
    await client.jetstream(timeout=5).publish(letter.subject, letter.event, headers=headers)
    await connection.execute(_FORGET, letter.number)
