"""The front door: uvicorn's HTTP/1.1, with nothing lenient left.

llhttp already refuses contradictory framing. What it leaves to its user is done here: sizes, time, HTTP/1.1 in origin
form with one `Host`, no upgrade, no trailers, a refusal in its turn among pipelined answers, and an end for every
answer when the client leaves or the process stops.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.decisions import LOG
from gateway.problems import Refused, render
from gateway.transfer import END_STREAM, slow_body
from shared.server import BoundedHttp

HEAD_BYTES = 32_768
TARGET_BYTES = 8_192
HEADERS = 100
LINGER_SECONDS = 1
"""How long a refused client may go on sending before the connection is cut: a reset would eat the refusal."""


class StrictHttp(BoundedHttp):
    """One client connection. Anything it cannot read in one way only ends it with a 4xx."""

    head_bytes = HEAD_BYTES
    app: Any
    """The `Gateway`: it knows how many connections an address may have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: RequestResponseCycle | None = None
        self._refusal: Refused | None = None
        self._farewell: bytes | None = None
        self._hosts = self._header_bytes = 0
        self._other_coding = False
        self._leave: Callable[[], None] = lambda: None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        try:
            self._leave = self.app.admit_connection(self.client[0] if self.client else "")
        except Refused as refusal:
            LOG.record_refusal(refusal, self.client[0] if self.client else "")
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._farewell:
            return
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
            if self._in_head and self._head_bytes > HEAD_BYTES:
                self._refusal = _too_large(self.url)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refusal = self._refusal or _malformed("This is not well-formed HTTP/1.1.")
        if self._refusal:
            self._refuse(self._refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()
        self.pipeline.clear()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    # httptools

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._hosts = self._header_bytes = 0
        self._other_coding = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: no header may arrive after the decision
        size = len(name) + len(value)
        self._header_bytes += size
        self._head_bytes += size
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"transfer-encoding":
            self._other_coding = self._other_coding or value.lower() != b"chunked"
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        self.headers.append((name, value))

    def is_refused(self) -> bool:
        self._refusal = self._flaw()
        return self._refusal is not None

    def _flaw(self) -> Refused | None:
        """What is wrong with a complete head, if anything."""
        flaw = None
        if self.parser.get_http_version() != "1.1":
            flaw = Refused(505, "http.version", "Only HTTP/1.1 is spoken here.")
        elif self.parser.should_upgrade():
            flaw = _malformed("This connection cannot become something else.")
        elif self.url[:1] != b"/" or b"#" in self.url:
            flaw = _malformed("The target of a request is a path.")
        # Not by what arrived with its end, which may have been the body as well.
        elif self._header_bytes > HEAD_BYTES or len(self.url) > TARGET_BYTES or len(self.headers) > HEADERS:
            flaw = _too_large(self.url)
        elif self._hosts != 1:
            flaw = _malformed("A request names one host.")
        elif self._other_coding:
            flaw = _malformed("The only transfer coding here is chunked.")
        elif super().is_refused():
            detail = f"At most {self.most_pipelined} requests wait behind another one here."
            flaw = Refused(429, "http.too_many_pipelined", detail)
        return flaw

    # uvicorn

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        if self._farewell and not self.pipeline:
            self._say_farewell()
        else:
            super().on_response_complete()

    def shutdown(self) -> None:
        """The process stops: let the answer under way finish, and end a stream, which would never finish, now."""
        super().shutdown()
        end = self._running.scope.get("state", {}).get(END_STREAM) if self._running else None
        if end:
            end()

    # refusing

    def _refuse(self, refusal: Refused) -> None:
        """Refuse in turn: after the answers still under way, in place of the one that cannot be read, as the last."""
        self._farewell = _answer(refusal)
        LOG.record_refusal(refusal, self.client[0] if self.client else "")
        broken = self.cycle if self.cycle and self.cycle.more_body and not self.cycle.response_complete else None
        if broken and self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
        elif broken:
            broken.disconnected = True
            broken.message_event.set()
            self._running = None
            if broken.response_started:
                self.transport.close()
                return
        if self._running is None or self._running.response_complete:
            self._say_farewell()

    def _say_farewell(self) -> None:
        assert self._farewell
        self.transport.write(self._farewell)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    # bounds

    def slow_head(self) -> None:
        if not self._in_head:
            self.transport.close()
        elif not self._farewell:  # which may still wait for its turn
            self._refuse(Refused(408, "http.slow_head", "The request did not arrive in time."))

    def slow_body(self) -> None:
        if self.cycle.response_complete:
            self.transport.close()
        elif not self._farewell:
            self._refuse(slow_body())


def _malformed(detail: str) -> Refused:
    return Refused(400, "http.malformed", detail)


def _too_large(target: bytes) -> Refused:
    if len(target) > TARGET_BYTES:
        return Refused(414, "http.target_too_long", f"An address has at most {TARGET_BYTES:,} bytes.")
    return Refused(431, "http.head_too_large", f"A request has at most {HEADERS} headers and {HEAD_BYTES:,} bytes.")


def _answer(refusal: Refused) -> bytes:
    body, headers = render(refusal, page=False)
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    phrase = HTTPStatus(refusal.status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\n%bconnection: close\r\n\r\n%b" % (refusal.status, phrase, lines, body)
