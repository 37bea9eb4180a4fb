"""One exchange between a client and a service: bodies both ways, deadlines, and clients that leave."""

import asyncio
from collections.abc import Callable

from litestar.types import Receive, Send

from gateway import patience
from gateway.headers import Headers
from gateway.origins import SAFE
from gateway.problems import Refused
from gateway.routes import Route
from gateway.upstream import Connection, Pool, Silent, TooSlow, UpstreamError

BODY_SECONDS = 10
"""How long the rest of a request's body may take, once its service takes it."""
FIRST_PART = 65_536
"""Bytes of a body that are here before its service is asked to take it: with most bodies all there is."""
END_STREAM = "end_stream"
"""Where a server that shuts down finds, in `scope["state"]`, what ends this answer."""
_CHUNKED_END = b"0\r\n\r\n"

Dress = Callable[[int, Headers], Headers]


class ClientGone(UpstreamError):
    """Nobody is there to read the answer."""


class TooLarge(UpstreamError):
    """The body has outgrown its route."""


class SlowBody(UpstreamError):
    """The caller did not send the rest of the body in time; the service is not at fault."""


class Draining(UpstreamError):
    """The process is shutting down."""


class BrokenOff(Exception):
    """The answer had begun and cannot be finished: the client must see a torn connection, not a short answer."""


class Transfer:
    """Carries one request. `run` returns when the answer has been sent whole."""

    # Defaults that most requests never change: setting them for each request costs measurable time.
    _connection: Connection | None = None
    _attendant: asyncio.Task[None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _chunked = False
    _has_body = False
    _body_sent = True
    _body_size = 0
    _over = False

    _heard = 0.0
    """When the service was last heard of, or was last told something."""
    _with_client = False
    """Whether what the service said is on its way: then it is not the service that is silent."""

    def __init__(
        self, route: Route, pool: Pool, receive: Receive, send: Send, dress: Dress, *, method: str, seconds: float
    ) -> None:
        """`dress`: the answer's headers as the client sees them. `seconds`: until the answer has to have begun."""
        self._route = route
        self._seconds = seconds
        self._pool = pool
        self._receive = receive
        self._send = send
        self._dress = dress
        self._method = method

    async def first_body(self, length: bytes | None, *, chunked: bool) -> tuple[bytes, bytes]:
        """The framing header to send and the first part of the body, which is all of a small one.

        Refuses what is too large. What does not come is the server's to refuse (`StrictHttp.slow_body`).
        """
        if length is None and not chunked:
            return b"", b""
        self._has_body = True
        if length is not None and int(length) > self._route.max_body:
            raise too_large(self._route)
        body, more = b"", True
        while more and len(body) < FIRST_PART:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            body += message["body"]
            more = message["more_body"]
            if len(body) > self._route.max_body:
                raise too_large(self._route)
        self._body_size = len(body)
        if not more:
            return b"content-length: %d\r\n" % len(body), body
        self._body_sent = False
        self._chunked = chunked
        if chunked:
            return b"transfer-encoding: chunked\r\n", _chunk(body)
        return b"content-length: %b\r\n" % length, body

    async def run(self, head: bytes) -> None:
        """Send `head` (with what is there of the body), then carry until both sides are done.

        Raises `UpstreamError` while no answer has begun, then `BrokenOff`.
        """
        loop = self._pool.loop
        self._heard = loop.time()
        self._pool.patience.begin(loop, self, self._heard)
        try:
            connection = await self._exchange(head)
            if self._route.stream:
                self._attend()
                self._stop_watching()
            self._seconds, self._heard = self._route.timeout, loop.time()
            headers = self._dress(connection.status, connection.headers)
            await self._send({"type": "http.response.start", "status": connection.status, "headers": headers})
            await self._carry_back(connection)
        finally:
            self._end()

    async def _exchange(self, head: bytes) -> Connection:
        """Send the request. What changes nothing is sent again where an idle connection turns out to be dead."""
        for fresh in (False, True):
            self._connection = connection = await self._pool.connect(fresh=fresh)
            connection.begin(head, bodiless=self._method == "HEAD")
            if not self._body_sent:
                self._attend()
            try:
                await connection.head()
            except Silent:
                if fresh or self._has_body or self._method not in SAFE:
                    raise
            else:
                return connection
        raise AssertionError("a fresh connection is never `Silent`")

    async def _carry_back(self, connection: Connection) -> None:
        while True:
            try:
                data = await connection.read()
            except (UpstreamError, ClientGone) as error:
                if not self._route.stream:
                    raise BrokenOff from error
                data = b""  # a stream has no end of its own: the browser comes back and resumes
            self._over = connection.done or not data
            self._with_client = True
            await self._send({"type": "http.response.body", "body": data, "more_body": not self._over})
            if self._over:
                return
            self._with_client = False
            self._heard = self._pool.loop.time()

    def lose_patience(self) -> None:
        """The answer takes its time: from now on somebody looks whether the client and the service are still there."""
        self._attend()
        self._watch()

    def _watch(self) -> None:
        """Give the service up when it has been silent for too long, and look again when that may be."""
        loop = self._pool.loop
        if self._with_client:
            self._heard = loop.time()
        left = self._heard + (self._seconds if self._body_sent else BODY_SECONDS) - loop.time()
        if left > 0 or self._connection is None:  # connecting has a limit of its own
            self._timer = loop.call_later(max(patience.SECONDS, min(left, self._seconds)), self._watch)
        else:
            waits_for_client = not self._body_sent and self._connection.takes_more
            self._give_up(SlowBody() if waits_for_client else TooSlow())

    def _stop_watching(self) -> None:
        self._pool.patience.end(self)
        if self._timer:
            self._timer.cancel()

    def _give_up(self, reason: UpstreamError) -> None:
        if self._connection and not self._over:
            self._connection.fail(reason)

    def end(self) -> None:
        """End the stream now: this process is shutting down."""
        self._give_up(Draining())

    def _attend(self) -> None:
        if self._attendant is None:
            self._attendant = asyncio.ensure_future(self._attend_client())

    async def _attend_client(self) -> None:
        """Carry the rest of the body, then watch whether the client leaves."""
        while not self._over:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._give_up(ClientGone())
                return
            if not self._body_sent and message["type"] == "http.request":
                await self._carry_on(message["body"], last=not message["more_body"])

    async def _carry_on(self, body: bytes, *, last: bool) -> None:
        connection = self._connection
        assert connection
        self._body_size += len(body)
        if self._body_size > self._route.max_body:
            self._give_up(TooLarge())
            return
        if body:
            await connection.send(_chunk(body) if self._chunked else body)
        if last:
            self._body_sent = True
            self._heard = self._pool.loop.time()
            if self._chunked:
                await connection.send(_CHUNKED_END)

    def _end(self) -> None:
        self._over = True
        self._stop_watching()
        if self._attendant:
            self._attendant.cancel()
        if self._connection is None:
            return
        if self._body_sent:
            self._connection.release()
        else:
            self._connection.transport.abort()  # the service still waits for a body that will not come


def too_large(route: Route) -> Refused:
    return Refused(413, "gateway.body_too_large", "At most {most} bytes fit here.", most=route.max_body)


def slow_body() -> Refused:
    return Refused(408, "gateway.slow_body", "The body did not arrive in time.")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
