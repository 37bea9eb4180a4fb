"""Callers that want the same thing at the same time share one piece of work."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """At most one `work(key)` under way for each key."""

    def __init__(self, work: Callable[[K], Awaitable[T]]) -> None:
        self._work = work
        self._flights: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K) -> T:
        """The result of the flight under way for `key`, or of a new one. A caller that goes away does not end it.

        Always yields to the event loop, so a loop may be built around it: a flight that is done, though its callback
        has not run yet, is joined by nobody.
        """
        flight = self._flights.get(key)
        if flight is None or flight.done():
            flight = asyncio.ensure_future(self._work(key))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def is_current(self, key: K) -> bool:
        """Whether the work that asks has not been forgotten meanwhile."""
        return self._flights.get(key) is asyncio.current_task()

    def forget(self, key: K) -> None:
        """Forget the request under way for `key`, because its answer is outdated: the next caller sends a new one."""
        self._flights.pop(key, None)

    def _land(self, key: K, flight: "asyncio.Task[T]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen: the callers that are still there get it from the task
