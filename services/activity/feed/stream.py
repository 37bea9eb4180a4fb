"""One live stream (server-sent events): what was missed, then what happens, then a reasoned end.

Written straight on ASGI: a generator's clean-up is cut off when the reader leaves, and one that never started never
cleans up. Here the stream is registered by a `with` around everything it does.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from services.activity.feed import queries
from services.activity.feed.frames import frame
from services.activity.feed.hub import DRAINING, OVERFLOW, SHED, Hub, Reader
from services.activity.settings import ActivitySettings
from shared.actor import Actor
from shared.clock import now
from shared.database import ReadOnly, out_of_reach

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
RETRY_MS = 2000
PORTION = 100
"""Missed entries read, and said, at a time."""
HEARTBEAT = b": alive\n\n"
EXPIRED, GONE = "session_expired", "gone"


class EventStream(ASGIResponse):
    """The answer to `GET /api/events/{client_id}` or `.../all`; rights and tenant are checked already.

    `last_id` is the `Last-Event-ID` the reader came with, whatever it is.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        read: ReadOnly,
        settings: ActivitySettings,
        actor: Actor,
        reader: Reader,
        last_id: str | None,
    ) -> None:
        super().__init__()
        self._hub = hub
        self._read = read
        self._settings = settings
        self._actor = actor
        self._reader = reader
        self._last_id = last_id
        life = settings.stream_life * random.uniform(0.8, 1)  # noqa: S311  (spreads the reconnects)
        session = (actor.session_ends - now()).total_seconds() if actor.session_ends else math.inf
        self._end_of_life = EXPIRED if session < life else DRAINING
        self._until = time.monotonic() + min(life, session)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the reader leaves, its access or its time is over, or this process stops."""
        with self._hub.reading(self._reader):
            opening, missed = await self._begin()
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            leaving = asyncio.create_task(self._notice_leaving(receive))
            try:
                await self._say(send, opening)
                await self._catch_up(send, missed)
                await self._talk(send)
            except TimeoutError:
                SHED.inc()
                await _cut(receive)
            finally:
                leaving.cancel()

    async def _begin(self) -> tuple[bytes, range]:
        """What to say first, and the positions among which something was missed since `last_id`."""
        retry = b"retry: %d\n" % RETRY_MS
        reader = self._reader
        if reader.client_id is None:
            return retry + b"\n", range(0)
        async with self._reading() as connection:
            head = await queries.head(connection, reader.reach, reader.client_id)
            reader.skip(head)
            if self._last_id is None:
                # The browser remembers an id without data and shows it to nobody: cut before its first entry, the
                # stream resumes here.
                return retry + b"id: %d\n\n" % head, range(0)
            after = _position(self._last_id)
            most = self._settings.stream_replay
            if not await queries.can_resume(connection, reader.reach, reader.client_id, after, most):
                return retry + _reset(head), range(0)
        return retry + b"\n", range(after + 1, head + 1)

    async def _catch_up(self, send: Send, missed: range) -> None:
        """Say what was missed, a portion at a time and in turn with other streams: none of them keeps a connection, or
        the process, for long.
        """
        while missed and not self._reader.ending:
            entries = await self._read_missed(missed)
            if entries:
                await self._say(send, b"".join(map(self._encoded, entries)))
            missed = range(entries[-1]["position"] + 1, missed.stop) if len(entries) == PORTION else range(0)

    def _encoded(self, entry: asyncpg.Record) -> bytes:
        return frame(entry).read_by(self._reader.reach, self._reader.language)

    async def _read_missed(self, missed: range) -> list[asyncpg.Record]:
        """The next portion. While the database is away the stream ends: its reader comes again from where it is."""
        reader = self._reader
        try:
            async with self._reading() as connection:
                return await queries.list_missed(connection, reader.reach, reader.client_id, missed, PORTION)
        except Exception as error:
            if not out_of_reach(error):
                raise
            reader.end(DRAINING)
            return []

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[asyncpg.Connection]:
        async with self._hub.catching_up, self._read(self._actor) as connection:
            yield connection

    async def _talk(self, send: Send) -> None:
        reader = self._reader
        while not reader.ending:
            left = self._until - time.monotonic()
            if left <= 0:
                reader.end(self._end_of_life)
                break
            text = await reader.take(min(left, self._settings.stream_heartbeat))
            if not reader.ending:
                await self._say(send, text or HEARTBEAT)
        if reader.ending != GONE:
            await self._say(send, _farewell(reader), more=False)

    async def _say(self, send: Send, text: bytes, *, more: bool = True) -> None:
        """Raises `TimeoutError` if the reader takes nothing for too long."""
        async with asyncio.timeout(self._settings.stream_patience):
            await send({"type": "http.response.body", "body": text, "more_body": more})

    async def _notice_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._reader.end(GONE)


def _position(last_id: str) -> int:
    """The position a `Last-Event-ID` names; for what is none, one that nobody has."""
    return int(last_id) if last_id.isdecimal() and len(last_id) <= 18 else -1


def _reset(head: int) -> bytes:
    """Asks the reader to load everything again; the stream continues after `head`."""
    return b'id: %d\nevent: reset\ndata: {"head":%d}\n\n' % (head, head)


def _farewell(reader: Reader) -> bytes:
    if reader.ending == OVERFLOW:
        return _reset(reader.head)
    if reader.ending == DRAINING:
        return b"retry: %d\n\n" % random.randint(RETRY_MS // 4, RETRY_MS * 2)  # noqa: S311
    return b'event: closed\ndata: {"reason":"%s"}\n\n' % (reader.ending or "").encode()


async def _cut(receive: Receive) -> None:
    """Drop the connection. To close it politely would wait for the very reader that takes nothing to take the rest, and
    ASGI has no word for this; under another server than uvicorn it stays open until the peer is gone.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport:
        transport.abort()
        await asyncio.sleep(0)
