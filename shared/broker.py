"""NATS JetStream: the connection and the stream. Only this module, the relay and the inbox know the broker."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError, ServerError

from shared.events import MAX_EVENT_BYTES

STREAM = "PORTAL"
DAY = 24 * 3600
MISSES = 2

log = structlog.get_logger("broker")


async def connect(url: str, name: str) -> Client:
    """Connect and keep reconnecting for ever. A publish while cut off fails at once instead of queueing silently."""

    async def trouble(error: Exception) -> None:
        log.warning("broker.error", error=repr(error))

    return await nats.connect(
        url,
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=2,
        ping_interval=10,
        max_outstanding_pings=2,
        pending_size=0,
        error_cb=trouble,
    )


async def watch(client: Client, seen: Callable[[StreamInfo], None]) -> None:
    """Ask for the stream each second and tell `seen` how it is. Raises `NotFoundError` when it is gone.

    Raises `StaleConnectionError` when the broker answers no more though nats-py takes itself for connected. One that
    comes and goes can leave it so for ever, with a closed socket and nobody who reads: only a new connection helps.
    """
    misses = 0
    while True:
        try:
            seen(await client.jetstream(timeout=2).stream_info(STREAM))
            misses = 0
        except TimeoutError:
            misses = misses + 1 if client.is_connected else 0
        except OSError:
            misses = MISSES if client.is_connected else 0
        except NotFoundError:
            raise
        except nats.errors.Error:
            misses = 0  # an answer, too
        if misses >= MISSES:
            raise nats.errors.StaleConnectionError
        await asyncio.sleep(1)


class StreamReplaced(Exception):
    """The broker has another stream than a moment ago: it lost the one before."""


def stream_configs(replicas: int) -> list[StreamConfig]:
    """The streams as they must be. A full stream refuses (discard new), so the relay sees it and the outbox keeps."""
    keep: dict[str, Any] = {
        "storage": StorageType.FILE,
        "retention": RetentionPolicy.LIMITS,
        "discard": DiscardPolicy.NEW,
        "num_replicas": replicas,
        "max_msg_size": MAX_EVENT_BYTES + 1024,
    }
    return [
        StreamConfig(
            name=STREAM, subjects=["portal.>"], max_bytes=2 * 1024**3, max_age=30 * DAY, duplicate_window=120, **keep
        ),
    ]


async def ensure_streams(jetstream: JetStreamContext, replicas: int) -> None:
    """Create what is missing and bring back what drifted; safe to run from every process at once."""
    for config in stream_configs(replicas):
        try:
            await jetstream.stream_info(config.name or "")
            await jetstream.update_stream(config)
        except NotFoundError:
            # Another process may be a moment faster; what it made is checked at the next start.
            with suppress(ServerError):
                await jetstream.add_stream(config)
