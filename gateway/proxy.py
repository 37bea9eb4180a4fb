"""Forward: the request to its service, with the caller's claims and nothing forged, and the answer back."""

import time
from functools import partial

from litestar.types import Receive, Send

from gateway.cookies import Cookies
from gateway.headers import Headers, answer_headers
from gateway.metrics import STREAMS
from gateway.origins import SAFE
from gateway.problems import Refused
from gateway.request import Request
from gateway.routes import TOTAL_SECONDS, Route
from gateway.shares import Shares
from gateway.streams import Streams
from gateway.tracing import next_traceparent
from gateway.transfer import END_STREAM, ClientGone, SlowBody, TooLarge, Transfer, slow_body, too_large
from gateway.upstream import Pool, TooSlow, Unreachable, UpstreamError
from shared.claims import ClaimsRefused
from shared.language import marked

_OUT_OF_REACH = marked("This part of the portal is out of reach. Nothing was changed; try again in a moment.")
MAX_IN_FLIGHT = 512
"""Exchanges with one service at a time, streams apart. One more would wait behind them all: it is refused instead.
Callers that nobody knows have half as many of their own, so that they never stand in the way of those who signed in.
"""
SHARE = 8
"""No caller holds more than this part of them."""
_CLAIMS_REFUSED = (b"www-authenticate", ClaimsRefused.challenge.encode())


class Disbelieved(UpstreamError):
    """The service did not believe the gateway's own claims: a clock or a key is wrong, and nobody has to sign in."""


class Proxy:
    """Knows the services, and the headers every answer carries."""

    def __init__(
        self,
        upstreams: dict[str, str],
        defaults: Headers,
        streams: Streams,
        cookies: Cookies,
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        """`defaults`: answer headers for where the service sets none of its own."""
        self.pools = {name: Pool(url) for name, url in upstreams.items()}
        share = max(1, max_in_flight // SHARE)
        self._known = {name: Shares(max_in_flight, share) for name in self.pools}
        self._strangers = {name: Shares(max(1, max_in_flight // 2), share) for name in self.pools}
        self._defaults = defaults
        self._streams = streams
        self._cookies = cookies

    async def forward(self, request: Request, route: Route, token: bytes, receive: Receive, send: Send) -> None:
        """Raises `Refused` or `ClientGone` as long as no answer has begun, `BrokenOff` later."""
        seconds = route.patience(safe=request.method in SAFE)
        left = max(seconds, TOTAL_SECONDS) - (time.perf_counter() - request.started)
        dress, pool = partial(self._begin, request), self.pools[route.upstream]
        transfer = Transfer(route, pool, receive, send, dress, method=request.method, seconds=min(seconds, left))
        try:
            # First, so that a body that is slow to come holds no place, and no connection to the service.
            read = request.inbound.read
            framing, body = await transfer.first_body(read.get(b"content-length"), chunked=b"transfer-encoding" in read)
            head = self._head(request, route, token, framing) + body
            if route.stream:
                request.scope["state"][END_STREAM] = transfer.end
                with STREAMS.track_inprogress(), self._streams.kept(request, transfer.end):
                    await transfer.run(head)
                return
            places, caller = (self._known if request.is_known else self._strangers)[route.upstream], request.caller
            places.take(caller)
            try:
                await transfer.run(head)
            finally:
                places.give_back(caller)
        except ClientGone:
            raise
        except UpstreamError as error:
            raise _refusal(error, route) from error

    def _head(self, request: Request, route: Route, token: bytes, framing: bytes) -> bytes:
        """The head of the request for the service, built only from the headers that are listed."""
        scope, read, request_id = request.scope, request.inbound.read, request.id.encode()
        target = request.target + b"?" + query if (query := scope["query_string"]) else request.target
        lines = [
            b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (request.method.encode(), target, self.pools[route.upstream].authority),
            *[b"%b: %b\r\n" % header for header in request.inbound.forwarded.items()],
            b"authorization: Bearer %b\r\nx-request-id: %b\r\n" % (token, request_id),
            b"traceparent: %b\r\n" % next_traceparent(scope["state"], read.get(b"traceparent"), request_id),
            framing + b"\r\n",
        ]
        return b"".join(lines)

    def _begin(self, request: Request, status: int, headers: Headers) -> Headers:
        if status == 401 and _CLAIMS_REFUSED in headers:
            raise Disbelieved
        return self.dress(request, status, headers)

    def dress(self, request: Request, status: int, headers: Headers) -> Headers:
        """The headers of an answer as the client sees them. The answer begins with this."""
        request.status = status
        ours = [(b"x-request-id", request.id.encode())]
        if request.new_cookie:
            ours.append((b"set-cookie", request.new_cookie))
        return self._cookies.dress(answer_headers(status, headers, ours, self._defaults))

    def close(self) -> None:
        for pool in self.pools.values():
            pool.close()


def _refusal(error: UpstreamError, route: Route) -> Refused:
    match error:
        case TooLarge():
            return too_large(route)
        case SlowBody():
            return slow_body()
        case Unreachable():
            return Refused(503, "gateway.unreachable", _OUT_OF_REACH, retry_after=2)
        case Disbelieved():
            return Refused(503, "gateway.claims_refused", _OUT_OF_REACH, retry_after=2)
        case TooSlow():
            return Refused(504, "gateway.timeout", "This took too long. Look again before you repeat it.")
        case _:
            return Refused(502, "gateway.broken_answer", "The answer broke off. Look again before you repeat it.")
