"""Lines of a log on their way out of the process. Nobody waits for them: not for a full pipe, a stopped terminal, a
full disk or a reader that is gone. What finds no room is dropped, counted, and said as soon as there is room again.
"""

import os
import threading
import time
from contextlib import suppress

from prometheus_client import Counter

MOST_WAITING = 256 * 1024  # bytes kept for a reader that is slow for a moment
NOTICE = b'{"level":"warning","event":"log.dropped","lines":%d}\n'
DROPPED = Counter("portal_log_lines_dropped_total", "Lines of the log that found no room")


class Lines:
    """Writes whole lines to one descriptor; safe for threads. `notice` words how many were dropped."""

    def __init__(self, descriptor: int = 1, notice: bytes = NOTICE) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._own, self._dropped = -1, 0
        self._waiting = bytearray()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Write to what the descriptor stands for now; at first, that happens by itself."""
        self.close()
        self._own = _without_waiting(self._descriptor)

    def write(self, lines: bytes) -> None:
        """Write `lines`, each with its end, as far as there is room, and return at once."""
        with self._lock:
            self._push()
            if len(self._waiting) + len(lines) > MOST_WAITING:
                count = lines.count(b"\n")
                self._dropped += count
                DROPPED.inc(count)
                return
            if self._dropped:
                self._waiting += self._notice % self._dropped
                self._dropped = 0
            self._waiting += lines
            self._push()

    def flush(self) -> None:
        """For loggers that ask: what can be written was written."""

    def drain(self, seconds: float) -> None:
        """Before the process ends: give a reader that is slow for a moment this long at most."""
        until = time.monotonic() + seconds
        while self._waiting and time.monotonic() < until:
            time.sleep(0.01)
            with self._lock:
                self._push()

    def fileno(self) -> int:
        """A descriptor that is never waited for, for what writes by itself."""
        if self._own < 0:
            self.open()
        return self._own

    def close(self) -> None:
        """Give the descriptor back."""
        if self._own not in (-1, self._descriptor):
            os.close(self._own)
        self._own = -1

    def _push(self) -> None:
        """Whatever goes wrong, from a full pipe to a disk without room, may be over at the next line."""
        with suppress(OSError):
            while self._waiting:
                del self._waiting[: os.write(self.fileno(), self._waiting)]


def _without_waiting(descriptor: int) -> int:
    """Open the same file again: a flag on the descriptor would reach the shell or parent that shares it."""
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    with suppress(OSError):  # a socket, or another container's terminal; what is closed has every line dropped
        os.set_blocking(descriptor, False)
    return descriptor
