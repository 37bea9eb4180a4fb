"""The HTTP/1.1 side of every process: uvicorn's, where nobody holds a connection without making progress.

uvicorn alone waits without end for a head, for the rest of a body, and for a caller that does not read its answer. Here
each connection is looked at every few seconds, and let go where it does not get on (docs/decisions/0076).
"""

import asyncio
import fcntl
import random
import sys
import termios
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HELD_BYTES = 65_536
"""Of an answer, at most, until the turn of the event loop ends in which it began."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. Its bounds are the class's attributes: seconds, bytes, and bytes a second."""

    look_seconds = 2.5
    """So much later than the bounds below say may it be noticed."""
    frozen_seconds = 2.5
    """A look that comes so much late finds a process that stood still, and nobody else who did."""
    head_seconds = 10.0
    body_seconds = 5.0
    """In each such time a body is complete or brings on `pace`, unless it was this process that did not read."""
    reader_seconds = 20.0
    """In each such time an answer that waits to be read is taken at `pace`."""
    pace = 2_048
    head_bytes = 65_536
    most_pipelined = 128
    """Requests that wait behind the one that is answered."""

    parser: httptools.HttpRequestParser
    transport: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = self._in_body = False
        self._head_bytes = self._body_bytes = 0
        self._waiting_since: float | None = None
        self._idle_since: float | None = None
        self._sending = _Progress(self.body_seconds, self.pace)
        self._reading = _Progress(self.reader_seconds, self.pace)

    def is_refused(self) -> bool:
        """Whether the head that is complete now may not be served."""
        return len(self.pipeline) >= self.most_pipelined

    def slow_head(self) -> None:
        """What becomes of a connection that brought no complete head in time."""
        self.transport.close()

    def slow_body(self) -> None:
        """What becomes of a connection whose body stopped coming."""
        self.transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport = Counted(transport, self.loop)
        self._waiting_since = self.loop.time()
        # Not all at the same moment: a thousand streams that came back together would stop the rest for that long.
        self._look_after(self.look_seconds * random.random())  # noqa: S311

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")
        if self._in_head and self._head_bytes > self.head_bytes:
            self.transport.close()

    def eof_received(self) -> None:
        """The peer says no more, though it may still read: what is held leaves before the transport closes itself."""
        self.transport.release()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._next_look.cancel()

    # httptools

    def on_message_begin(self) -> None:
        # Here and not where bytes arrive: line feeds between two requests would else keep an idle connection for ever.
        self._idle_since = None
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._waiting_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._waiting_since = None
        if self.is_refused():
            raise ValueError  # stops the parser
        self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._sending.rest()
        super().on_message_complete()

    # uvicorn

    def on_response_complete(self) -> None:
        """As uvicorn has it, but for its timer: an idle connection is found by the next look."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._in_head:
            self._idle_since = self.loop.time()

    # supervision

    def _look_after(self, seconds: float) -> None:
        self._look_at = self.loop.time() + seconds
        self._next_look = self.loop.call_at(self._look_at, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        frozen = now - self._look_at > self.frozen_seconds
        self._look_after(self.look_seconds)
        if frozen:  # what came meanwhile waits to be read: uvloop runs timers before it reads
            self._sending.rest()
            self._reading.rest()
            self._waiting_since = self._waiting_since and now
        elif self._waiting_since is not None and now - self._waiting_since >= self.head_seconds:
            self._waiting_since = None
            self.slow_head()
        elif self._in_body and self._is_body_slow(now):
            self._in_body = False
            self.slow_body()
        elif self._idle_since is not None and now - self._idle_since >= self.timeout_keep_alive:
            self.transport.close()
        unread = self.transport.get_write_buffer_size()
        if not unread:
            self._reading.rest()
        elif self._reading.is_slow(now, self.transport.written - unread - _unacknowledged(self.transport)):
            self.transport.abort()

    def _is_body_slow(self, now: float) -> bool:
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._sending.rest()  # nothing can arrive: this side does not read, or has not said that it will
        # What belongs to a request that has been answered is read for nobody, so its pace does not matter.
        return self._sending.is_slow(now, 0 if self.cycle.response_complete else self._body_bytes)


class _Progress:
    """Whether something that goes on does so at `pace` bytes a second, judged over `seconds` at a time."""

    __slots__ = ("_done", "_least", "_seconds", "_since")

    def __init__(self, seconds: float, pace: int) -> None:
        self._seconds = seconds
        self._least = pace * seconds
        self._since = self._done = 0.0

    def is_slow(self, now: float, done: int) -> bool:
        """Whether the time that ends `now` brought too little; `done` are the bytes so far."""
        if self._since and now - self._since < self._seconds:
            return False
        slow = self._since > 0 and done - self._done < self._least
        self._since, self._done = now, done
        return slow

    def rest(self) -> None:
        """Nothing is due: the next wait is measured from its own start."""
        self._since = 0.0


def _unacknowledged(transport: Any) -> int:
    """Bytes that the kernel holds for a peer. Without them a slow reader with a large kernel buffer would seem to stand
    still for as long as that takes to drain. Only Linux says.
    """
    if sys.platform != "linux":
        return 0
    descriptor = transport.get_extra_info("socket").fileno()
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:  # closed meanwhile
        return 0


class Counted:
    """A transport that knows how much was written. The beginning of an answer is held for a turn of the event loop: a
    small answer leaves in one system call, and those of one turn leave together, which wakes their readers once. What
    is written later, as to a stream, leaves at once.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self.written = 0
        """Bytes so far."""

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if self._held:
            self._held += data
            if len(self._held) > HELD_BYTES:
                self.release()
        elif data.startswith(b"HTTP/"):
            self._held = data
            self._loop.call_soon(self.release)
        else:
            self._transport.write(data)

    def write_eof(self) -> None:
        self.release()
        self._transport.write_eof()

    def close(self) -> None:
        self.release()
        self._transport.close()

    def release(self) -> None:
        """Let go what is held, if there is still somebody to read it."""
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
