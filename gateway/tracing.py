"""Trace context (W3C Trace Context): a valid inbound one is continued, otherwise one begins here."""

import re
from os import urandom
from typing import Any

from litestar.types import ASGIApp
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def next_traceparent(inbound: bytes | None) -> bytes:
    """What the service continues: our own span where spans are recorded, else the caller's trace with a new parent."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        return b"00-%032x-%016x-%02x" % (span.trace_id, span.span_id, span.trace_flags)
    known = _TRACEPARENT.fullmatch(inbound) if inbound else None
    trace_id, flags = known.groups() if known else (urandom(16).hex().encode(), b"01")
    return b"00-%b-%b-%b" % (trace_id, urandom(8).hex().encode(), flags)


def traced(app: ASGIApp) -> Any:
    """`app` with one span for each request. Names without ids: a path is not a kind of request."""
    return OpenTelemetryMiddleware(
        app,
        default_span_details=lambda scope: (f"{scope.get('method', '')} gateway", {}),
        exclude_spans=["send", "receive"],
    )
