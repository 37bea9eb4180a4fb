"""Trace context (W3C Trace Context): a valid inbound one is continued, otherwise one begins here."""

import re
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SPAN = "span"
"""Where, in `scope["state"]`, the span of this request is, if spans are recorded."""
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_context = TraceContextTextMapPropagator()


def next_traceparent(state: dict[str, Any], inbound: bytes | None, request_id: bytes) -> bytes:
    """What the service continues: our own span where spans are recorded, else the caller's trace with a new parent.

    Where there is neither, the trace has the `request_id` (32 hexadecimal digits), under which the log has it as well.
    """
    if SPAN in state:
        span: trace.SpanContext = state[SPAN]
        return b"00-%032x-%016x-%02x" % (span.trace_id, span.span_id, span.trace_flags)
    known = _TRACEPARENT.fullmatch(inbound) if inbound else None
    trace_id, flags = known.groups() if known else (request_id, b"01")
    return b"00-%b-%b-%b" % (trace_id, request_id[16:], flags)


def traced(app: ASGIApp) -> ASGIApp:
    """`app` with one span for each request: path and status, but no query and no header, where secrets travel."""
    tracer = trace.get_tracer("gateway")

    async def with_span(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        inbound = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"}
        told = {"http.request.method": scope["method"], "url.path": scope["path"]}
        kind = trace.SpanKind.SERVER
        with tracer.start_as_current_span("request", _context.extract(inbound), kind, attributes=told) as span:
            scope["state"][SPAN] = span.get_span_context()

            async def noting(message: Any) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await app(scope, receive, noting)

    return with_span
