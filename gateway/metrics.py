"""What the gateway counts, for Prometheus on the private port."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

SESSIONS_ASKED = Counter("gateway_sessions_asked", "Session look-ups that left this process, by source.", ["source"])
STREAMS = Gauge("gateway_open_streams", "Event streams open through this process.")
_REQUESTS = Counter("gateway_requests", "Requests by route (empty: none) and status.", ["route", "status"])
_SECONDS = Histogram(
    "gateway_request_seconds",
    "Time from the head of a request to the end of its answer; streams are left out.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def count(route: str, status: int, seconds: float | None) -> None:
    """Count one request; `seconds` is None where its length says nothing."""
    _requests(route, status).inc()
    if seconds is not None:
        _seconds(route).observe(seconds)


@cache
def _requests(route: str, status: int) -> Counter:
    return _REQUESTS.labels(route, status)


@cache
def _seconds(route: str) -> Histogram:
    return _SECONDS.labels(route)
