"""NATS JetStream: the connection and the stream. Only this module, the relay and the inbox know the broker."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError, ServerError

from shared.events import MAX_EVENT_BYTES

STREAM = "PORTAL"
EVERYTHING = "portal.>"
JETSTREAM = "JETSTREAM"
"""What requests to JetStream begin with. Not its own `$JS.API`: an account without streams has that for itself, and
reaches only what it was given of the operator's by this name (docs/decisions/0088).
"""
RELEASED = "portal.released"
DAY = 24 * 3600
MISSES = 2
ASK_SECONDS = 4
AWAY_SECONDS = 30
"""So long the library may look for a broker that is away; then a new connection does."""
PULL_SECONDS = 20
HEARTBEAT_LOST_SECONDS = 2.5
_HEARTBEAT = "100"
_REQUEST_ENDED = ("404", "408")

log = structlog.get_logger("broker")


class Broker(Client):
    """A connection that asks for JetStream by the name it has for every user."""

    def jetstream(self, **options: Any) -> JetStreamContext:
        """As in nats-py."""
        return super().jetstream(**{"prefix": JETSTREAM, **options})


async def connect(url: str, name: str) -> Client:
    """Connect and keep reconnecting for ever. A publish while cut off fails at once instead of queueing silently."""

    async def trouble(error: Exception) -> None:
        log.warning("broker.error", error=repr(error))

    client = Broker()
    await client.connect(
        url,
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,  # pyright: ignore[reportArgumentType]
        connect_timeout=2,
        ping_interval=10,
        max_outstanding_pings=2,
        pending_size=0,
        error_cb=trouble,
    )
    return client


async def watch(client: Client, seen: Callable[[StreamInfo], None]) -> None:
    """Ask for the stream each second and tell `seen` how it is. Raises `NotFoundError` when it is gone.

    Raises `StaleConnectionError` when only a new connection helps. A broker that comes and goes can leave nats-py
    taking itself for connected for ever, with a closed socket and nobody who reads; and what the broker calls a
    violation (a password that was wrong for a moment) has nats-py close itself for good.
    """
    misses, heard_at = 0, time.monotonic()
    while True:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                seen(await client.jetstream(timeout=2).stream_info(STREAM))
            misses, heard_at = 0, time.monotonic()
        except TimeoutError:
            misses = misses + 1 if client.is_connected else 0
        except OSError:
            misses = MISSES if client.is_connected else 0
        except NotFoundError:
            raise
        except nats.errors.Error:
            misses = 0  # an answer, too
        if misses >= MISSES or client.is_closed or time.monotonic() - heard_at > AWAY_SECONDS:
            raise nats.errors.StaleConnectionError
        await asyncio.sleep(1)


class StreamReplaced(Exception):
    """The broker has another stream than a moment ago, or an older copy of it, or less of it: events were lost."""


def stream_config(replicas: int) -> StreamConfig:
    """The stream's configuration. A full stream refuses events (discard new), which then wait in the outbox."""
    return StreamConfig(
        name=STREAM,
        subjects=[EVERYTHING],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        max_bytes=2 * 1024**3,
        max_age=30 * DAY,
        max_msg_size=MAX_EVENT_BYTES + 1024,
        duplicate_window=120,
        num_replicas=replicas,
        allow_direct=True,
    )


async def ensure_stream(jetstream: JetStreamContext, replicas: int) -> None:
    """Create the stream, or restore its configuration; several processes can do so at once."""
    config = stream_config(replicas)
    try:
        metadata = (await jetstream.stream_info(STREAM)).config.metadata
        await jetstream.update_stream(config.evolve(metadata=metadata))
    except NotFoundError:
        with suppress(ServerError):  # another process created it first
            await jetstream.add_stream(config)


def is_another(stream: StreamInfo, before: StreamInfo) -> bool:
    """Whether the broker lost the stream, or has an older copy of it, since `before`."""
    return stream.created != before.created or stream.state.last_seq < before.state.last_seq


def released(stream: StreamInfo) -> int:
    """The sequence up to which events were removed after every consumer had processed them. Later ones were lost."""
    return int((stream.config.metadata or {}).get(RELEASED, 0))


async def release(jetstream: JetStreamContext, stream: StreamInfo, last: int) -> None:
    """Remove events up to the sequence `last`, after noting in the stream's metadata that they may be missing."""
    metadata = (stream.config.metadata or {}) | {RELEASED: str(last)}
    await jetstream.update_stream(stream.config.evolve(metadata=metadata))
    await jetstream.purge_stream(STREAM, seq=last + 1)


def common_filter(subjects: Sequence[str]) -> str:
    """`portal.`, what all these event subjects begin with, and `>`; a single one is its own. No subjects: every event.

    One filter and not several: only then does it stand in the request's own subject, where the broker can check it.
    """
    if len(subjects) == 1:
        return f"portal.{subjects[0]}"
    levels = zip(*(subject.split(".") for subject in subjects), strict=False)
    common = itertools.takewhile(lambda level: len(set(level)) == 1, levels)
    return ".".join(["portal", *(level[0] for level in common), ">"])


async def pull(client: Client, durable: str, batch: int) -> AsyncIterator[list[Msg]]:
    """Batches as they arrive, without waiting for a batch to fill; an empty one each second in which nothing does.

    Raises when consumer or broker are gone.
    """
    arrived: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = await client.subscribe(client.new_inbox(), cb=arrived.put)
    request = msgspec.json.encode({"batch": batch, "expires": PULL_SECONDS * 10**9, "idle_heartbeat": 10**9})
    try:
        while True:
            await client.publish(f"{JETSTREAM}.CONSUMER.MSG.NEXT.{STREAM}.{durable}", request, reply=inbox.subject)
            wanted, ended = batch, False
            while wanted > 0 and not ended:
                messages, ended = await _next(arrived)
                wanted -= len(messages)
                yield messages
    finally:
        if not client.is_closed:
            await inbox.unsubscribe()


async def _next(arrived: asyncio.Queue[Msg]) -> tuple[list[Msg], bool]:
    """Wait for one message, take what else is already there; True when the request behind them is used up.

    No message where the broker only says that it is there.
    """
    messages: list[Msg] = []
    while not messages or not arrived.empty():
        async with asyncio.timeout(HEARTBEAT_LOST_SECONDS):
            message = await arrived.get()
        status = (message.headers or {}).get("Status")
        if status is None:
            messages.append(message)
        elif status in _REQUEST_ENDED:
            return messages, True
        elif status == _HEARTBEAT:
            return messages, False
        else:
            raise nats.errors.Error(f"consumer: {status} {(message.headers or {}).get('Description', '')}")
    return messages, False
