"""One log line for each request: who, what, granted or not, and why (after ory/oathkeeper).

Never a cookie, a token, a body or a query string. The lines look like every other line of the log, but do not take
structlog's way: at a line a request that alone cost a quarter of the gateway's time (docs/decisions/0020).
"""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from gateway.metrics import REQUESTS
from gateway.problems import Refused
from gateway.request import Request
from shared.telemetry import OUTPUT

GRANTED = "ok"
CLIENT_GONE = "client.gone"
BROKEN_OFF = "gateway.broken_off"
FAILED = "gateway.failed"
FLUSH_SECONDS = 0.1


class Decision(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line. What is not known, as of a request that could not even be read, is left out."""

    event: str
    service: str
    timestamp: datetime
    reason: str
    granted: bool
    status: int
    peer: str
    request_id: str = ""
    route: str = ""
    method: str = ""
    path: str = ""
    ms: float = 0.0
    kind: str = ""
    session: UUID | None = None
    client: UUID | None = None


class DecisionLog:
    """Collects lines and writes them every `FLUSH_SECONDS`: one system call for many requests."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode

    def record(self, request: Request, reason: str) -> None:
        """`reason` is `ok`, or the stable code of the refusal, or what went wrong after the answer had begun."""
        seconds = time.perf_counter() - request.started
        route, caller = request.route, request.session or request.partner
        prefix = route.prefix if route else ""
        self._add(
            Decision(
                event="decision",
                service="gateway",
                timestamp=datetime.now(UTC),
                reason=reason,
                granted=reason in (GRANTED, CLIENT_GONE, BROKEN_OFF),
                status=request.status,
                peer=request.peer,
                request_id=request.id,
                route=prefix,
                method=request.method,
                path=request.path.decode("ascii", "replace"),
                ms=round(seconds * 1000, 2),
                kind=caller.kind if caller else "anonymous",
                session=caller.session_id if caller else None,
                client=caller.client_id if caller else None,
            )
        )
        REQUESTS.count(prefix, request.status, None if route and route.stream else seconds)

    def record_refusal(self, refusal: Refused, peer: str) -> None:
        """The line of a request that could not even be read."""
        self._add(
            Decision(
                event="decision",
                service="gateway",
                timestamp=datetime.now(UTC),
                reason=refusal.code,
                granted=False,
                status=refusal.status,
                peer=peer,
            )
        )
        REQUESTS.count("", refusal.status, None)

    def flush(self) -> None:
        """Write what has been collected, as far as the log has room."""
        OUTPUT.write(b"\n".join([*self._lines, b""]))
        self._lines.clear()

    def _add(self, line: Decision) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(self._encode(line))


LOG = DecisionLog()
"""The process's one: a process has one standard output."""
