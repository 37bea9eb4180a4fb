"""One keep-alive HTTP/1.1 connection to a service, and the pool it lives in.

Written on `asyncio.Protocol` and httptools because a general client costs as much as everything else the gateway does
(docs/decisions/0020). It knows what a proxy needs: one exchange at a time, streaming both ways with back-pressure,
and the difference between "nothing was sent" and "something may have happened".
"""

import asyncio
import time
from collections import deque
from functools import cached_property
from urllib.parse import urlsplit

import httptools

from gateway.patience import Patience
from shared.breaker import Breaker

CONNECT_SECONDS = 1
IDLE_SECONDS = 60
"""Shorter than a service keeps an idle connection (75 s, `ops.serve`), so that a reused one is rarely dying."""
HIGH_WATER = 256 * 1024


class UpstreamError(Exception):
    """The exchange failed."""


class Unreachable(UpstreamError):
    """No connection: the service saw nothing of the request."""


class GoneSilent(Unreachable):
    """Others have waited in vain (`shared.breaker`): it is not asked at all."""


class Broken(UpstreamError):
    """The connection died, or what came back is not HTTP."""


class Silent(Broken):
    """A connection that had been idle died before the first byte of an answer: it was probably dying already."""


class TooSlow(UpstreamError):
    """The service did not answer in the time its route allows."""


class Connection(asyncio.Protocol):
    """One connection. `begin` starts an exchange; `status` and `headers` are there after `head()`."""

    transport: asyncio.Transport
    parser: httptools.HttpResponseParser

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._waiter: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = False
        self.reused = False
        self.done = True

    def begin(self, head: bytes, *, bodiless: bool) -> None:
        """Send the head of a request. `bodiless`: the answer has no body whatever its headers say (HEAD)."""
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._held = 0
        self._bodiless = bodiless
        self._framed = False
        self._answered = self._headed = self.done = False
        self._reusable = True
        self.transport.write(head)

    async def send(self, data: bytes) -> None:
        """Send a part of the request's body; waits while the service does not read."""
        self.transport.write(data)
        await self._writable.wait()

    @property
    def takes_more(self) -> bool:
        """Whether the service reads what is sent."""
        return self._writable.is_set()

    async def head(self) -> None:
        """Wait for the final answer's head. Raises `UpstreamError`."""
        while not self._headed:
            await self._change()

    async def read(self) -> bytes:
        """What has arrived of the body; b"" at its end. Raises `UpstreamError` if it breaks off."""
        while not self._chunks and not self.done:
            await self._change()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._held > HIGH_WATER:
            self.transport.resume_reading()
        self._held = 0
        return data

    def fail(self, error: UpstreamError) -> None:
        """Give the exchange up; whoever waits for it gets `error`."""
        if self._error is None:
            self._error = error
        if isinstance(error, TooSlow) and not self._answered:
            self._pool.breaker.silent()
        self.transport.abort()
        self._writable.set()
        self._wake()

    def release(self) -> None:
        """The exchange is over: back to the pool if it ended cleanly, else closed."""
        if self.done and self._reusable and not self._lost and not self._chunks:
            self._pool.take_back(self)
        else:
            self.transport.abort()

    async def _change(self) -> None:
        if self._error:
            raise self._error
        self._waiter = self._pool.loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter and not waiter.done():
            waiter.set_result(None)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]: uvloop has classes of its own

    def data_received(self, data: bytes) -> None:
        if self.done:
            self.transport.abort()  # an answer nobody asked for
            return
        self._answered = True
        self._pool.breaker.answered()
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(Broken("not an HTTP answer"))
        if self._held > HIGH_WATER and not self.done:
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._pool.forget(self)
        if not self.done:
            if self._headed and not self._framed and exc is None:
                self.done = True  # the body of this answer ends with the connection
            else:
                died = Broken if self._answered or not self.reused else Silent
                self._error = self._error or died("the connection was lost")
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # httptools

    def on_message_begin(self) -> None:
        if self.done:
            raise Broken("two answers to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headed:
            return  # a trailer
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._framed = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        if not 100 <= self.status <= 599:
            raise Broken("a status that means nothing")
        if self.status < 200:
            return
        self._headed = True
        if self._bodiless:
            self._finish()

    def on_body(self, body: bytes) -> None:
        if self.done:
            raise Broken("a body where none may be")
        self._chunks.append(body)
        self._held += len(body)

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.headers.clear()  # "100 Continue" and the like: the real answer follows
        else:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        self._reusable = self.parser.should_keep_alive()


class Pool:
    """The idle connections to one service, last used first."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self.breaker = Breaker(url)
        self.patience = Patience()
        self.authority = parts.netloc.encode()
        self._idle: deque[tuple[float, Connection]] = deque()

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The process's one. Asked for once: each time would be a system call."""
        return asyncio.get_running_loop()

    async def connect(self, *, fresh: bool = False) -> Connection:
        """An idle connection, or a new one (always with `fresh`). Raises `Unreachable`."""
        if self.breaker.is_open:
            raise GoneSilent
        while self._idle and not fresh:
            since, connection = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not connection.transport.is_closing():
                connection.reused = True
                return connection
            connection.transport.abort()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self.loop.create_connection(lambda: Connection(self), self._host, self._port)
        except (OSError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self.breaker.silent()
            raise Unreachable(repr(error)) from error
        return connection

    def take_back(self, connection: Connection) -> None:
        self._idle.append((time.monotonic(), connection))

    def forget(self, connection: Connection) -> None:
        """A lost connection is nobody's to reuse."""
        self._idle = deque(pair for pair in self._idle if pair[1] is not connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].transport.abort()
