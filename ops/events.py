"""Dead letters, for the operator: look, mend the cause, replay."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager

from nats.aio.client import Client

from ops.running import setting
from shared import broker, dead_letters


async def print_dead_letters() -> None:
    """One line each: position, time, consumer, subject, reason."""
    async with _connected() as client:
        letters = await dead_letters.list_dead_letters(client)
    for letter in letters:
        when = f"{letter.at:%Y-%m-%d %H:%M:%S}" if letter.at else "-"
        print(f"{letter.position:>6}  {when}  {letter.consumer}  {letter.subject}  {letter.reason}")
    print(f"{len(letters)} dead letters")


async def replay(positions: Collection[int]) -> None:
    """Publish them again: all, or those at `positions`."""
    replayed = 0
    async with _connected() as client:
        for letter in await dead_letters.list_dead_letters(client):
            if not positions or letter.position in positions:
                await dead_letters.replay(client, letter)
                replayed += 1
    print(f"{replayed} replayed")


@asynccontextmanager
async def _connected() -> AsyncGenerator[Client]:
    client = await broker.connect(setting("PORTAL_NATS_URL"), "portal-cli")
    try:
        yield client
    finally:
        await client.close()
