"""Events that could not be delivered: rows of the service that could not fold or publish them, kept until replayed.

Such a row is written in the transaction that goes past the event. It takes every body, also one that no stream would,
and a reason in plain ASCII: it must not fail for what the event failed for.
"""

import asyncpg

RELAY = "relay"
"""The consumer named by letters that never left: the broker refused them."""

_SET_ASIDE = "insert into dead_letters (consumer, subject, event, reason) values ($1, $2, $3, $4)"


async def set_aside(connection: asyncpg.Connection, consumer: str, subject: str, event: bytes, reason: str) -> None:
    """Keep the event with what went wrong, inside the caller's transaction."""
    await connection.execute(_SET_ASIDE, consumer, _plain(subject), event, _plain(reason)[:1000])


def reason_of(error: BaseException) -> str:
    """What went wrong. An error that cannot even be said, for the depth of what it holds, has its kind alone."""
    try:
        return _plain(repr(error))
    except Exception:  # noqa: BLE001  (the way out must not fail)
        return type(error).__name__


def _plain(text: str) -> str:
    """ASCII without NUL, which PostgreSQL keeps in no text."""
    return text.encode("ascii", "backslashreplace").decode().replace("\0", r"\x00")
