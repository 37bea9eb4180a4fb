"""Logs as one JSON object a line, trace context across processes, and metrics on a private port."""

import logging
import re
from contextvars import ContextVar
from typing import Any, BinaryIO, cast

import msgspec
import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import start_http_server

from shared.config import Settings
from shared.lines import Lines

OUTPUT = Lines()
"""The process's standard output: a process has one."""

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def current_traceparent() -> str:
    """The W3C trace context of the request being served, '' outside one."""
    return _traceparent.get()


def continue_trace(header: str | None) -> None:
    """Take over the caller's trace context, if it is one."""
    _traceparent.set(header if header and _TRACEPARENT.fullmatch(header) else "")


def configure(name: str, settings: Settings) -> None:
    """Set up logging, and tracing where a collector is named. Once per process, before the first request."""
    configure_logging(name, settings.log_level)
    if settings.private_port:
        start_http_server(settings.private_port, addr=settings.host)
    if settings.otlp_endpoint:
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: f"portal-{name}"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.otlp_endpoint}/v1/traces")))
        trace.set_tracer_provider(provider)
        AsyncPGInstrumentor().instrument()
        RedisInstrumentor().instrument()


def configure_logging(name: str, level: str) -> None:
    """Structured logs to standard output; libraries' own loggers only from WARNING up. Nobody waits for either."""
    OUTPUT.open()
    numeric = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=encoded),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", OUTPUT)),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=name)
    logging.basicConfig(
        level=logging.WARNING, handlers=[_Handler()], format='{"level":"%(levelname)s","event":%(message)r}'
    )


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        OUTPUT.write(f"{self.format(record)}\n".encode(errors="backslashreplace"))


def encoded(record: dict[str, Any], **_options: Any) -> bytes:
    """A line as JSON. What cannot be said as it is, for a surrogate, its depth or what it raises, is said in ASCII."""
    try:
        return msgspec.json.encode(record, enc_hook=str)
    except Exception:  # noqa: BLE001
        return msgspec.json.encode({name: _ascii(value) for name, value in record.items()})


def _ascii(value: Any) -> str:
    try:
        return ascii(value)[:1000]
    except Exception:  # noqa: BLE001
        return type(value).__name__
