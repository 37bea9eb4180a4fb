"""What the gateway counts, for Prometheus on the private port.

Requests are counted in plain lists and made into metrics when somebody asks: the client library's own counters take
a lock for each step, which at this place cost as much as finding the session (docs/decisions/0020).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

SESSIONS_ASKED = Counter("gateway_sessions_asked", "Session look-ups that left this process, by source.", ["source"])
STREAMS = Gauge("gateway_open_streams", "Event streams open through this process.")


class Requests(Collector):
    """How many by route (empty: none) and status, and how long they took."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, int], int] = defaultdict(int)
        self._lengths: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self._seconds: dict[str, float] = defaultdict(float)

    def count(self, route: str, status: int, seconds: float | None) -> None:
        """Count one; `seconds` is None where its length says nothing (a stream)."""
        self._answers[route, status] += 1
        if seconds is not None:
            self._lengths[route][bisect_left(BOUNDS, seconds)] += 1
            self._seconds[route] += seconds

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("gateway_requests", "Requests by route and status.", labels=["route", "status"])
        for (route, status), number in self._answers.copy().items():
            answers.add_metric([route, str(status)], number)
        yield answers
        lengths = HistogramMetricFamily("gateway_request_seconds", "From head to end of answer.", labels=["route"])
        for route, counts in self._lengths.copy().items():
            upto = [sum(counts[: place + 1]) for place in range(len(counts))]
            names = [*map(str, BOUNDS), "+Inf"]
            lengths.add_metric([route], list(zip(names, upto, strict=True)), self._seconds[route])
        yield lengths


REQUESTS = Requests()
REGISTRY.register(REQUESTS)
