"""Dead letters, for the operator: list them and, when the cause is fixed, replay them."""

from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import nats.errors
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from ops import dead_letters
from ops.databases import services_with_schema
from ops.running import database_of, setting
from shared import broker
from shared.dead_letters import set_aside

_FORMER_STREAM = "PORTAL_DEAD"


async def print_dead_letters() -> None:
    """One line each: its name, time, consumer, subject, reason."""
    count = 0
    async with _connected() as (client, databases):
        await _take_over_former(client, databases)
        for service, connection in databases.items():
            for letter in await dead_letters.list_dead_letters(connection):
                when = f"{letter.at:%Y-%m-%d %H:%M:%S}"
                print(f"{service}-{letter.number}  {when}  {letter.consumer}  {letter.subject}  {letter.reason}")
                count += 1
    print(f"{count} dead letters")


async def replay(names: Collection[str]) -> bool:
    """Publish them again: all, or those of these names. False if the broker refused one, which then stays."""
    replayed = refused = 0
    async with _connected() as (client, databases):
        await _take_over_former(client, databases)
        for service, connection in databases.items():
            for letter in await dead_letters.list_dead_letters(connection):
                name = f"{service}-{letter.number}"
                if names and name not in names:
                    continue
                try:
                    await dead_letters.replay(connection, client, letter)
                    replayed += 1
                except nats.errors.Error as error:
                    print(f"{name} is kept: {error!r}")
                    refused += 1
    print(f"{replayed} replayed")
    return not refused


async def _take_over_former(client: Client, databases: dict[str, asyncpg.Connection]) -> None:
    """Move what earlier versions kept in a stream into the tables, and remove the stream once it is empty.

    This function goes with the first release: no released version ever kept dead letters in a stream.
    """
    jetstream = client.jetstream(timeout=5)
    try:
        state = (await jetstream.stream_info(_FORMER_STREAM)).state
    except NotFoundError:
        return
    for place in range(max(1, state.first_seq), state.last_seq + 1):
        try:
            kept = await jetstream.get_msg(_FORMER_STREAM, place, direct=False)
        except NotFoundError:
            continue
        headers = kept.headers or {}
        consumer = (kept.subject or "").partition(".")[2]
        connection = databases[consumer.partition("-")[0]]
        subject, reason = headers.get("Portal-Subject", ""), headers.get("Portal-Reason", "")
        await set_aside(connection, consumer, subject, kept.data or b"", reason)
        await jetstream.delete_msg(_FORMER_STREAM, place)
    await jetstream.delete_stream(_FORMER_STREAM)


@asynccontextmanager
async def _connected() -> AsyncGenerator[tuple[Client, dict[str, asyncpg.Connection]]]:
    """The broker, and each service's tables."""
    client = await broker.connect(setting("PORTAL_NATS_URL"), "portal-cli")
    try:
        async with AsyncExitStack() as stack:
            names = services_with_schema()
            yield client, {name: await stack.enter_async_context(database_of(name)) for name in names}
    finally:
        await client.close()
