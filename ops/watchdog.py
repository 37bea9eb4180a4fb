"""Ends a process whose event loop is silent, so that its supervisor (the launcher, Compose) starts it again.

The loop beats once a tick. Silence is counted in what this process itself had the chance to do, never by the clock: a
process that was stopped, or a machine that slept, has missed nothing.
"""

import asyncio
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from shared.telemetry import OUTPUT

TICK_SECONDS = 1.0
SILENT_TICKS = 15
EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


@contextmanager
def watching(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Watch the loop that runs in the main thread. A process that is ended writes first what each thread was doing.

    Two watch: a thread, which notices a loop that waits or turns in circles; and, for code that never lets another
    thread run, the processor time that is spent without a beat, of which the kernel keeps count.
    """
    beats = 0

    def beat() -> None:
        nonlocal beats, next_beat
        beats += 1
        signal.setitimer(signal.ITIMER_PROF, SILENT_TICKS * TICK_SECONDS)
        next_beat = loop.call_later(TICK_SECONDS, beat)

    def watch() -> None:
        heard, silent = beats, 0
        while not over.is_set():
            time.sleep(TICK_SECONDS)
            heard, silent = beats, silent + 1 if heard == beats else 0
            if silent >= SILENT_TICKS and not over.is_set():
                _end()

    over = threading.Event()
    faulthandler.register(signal.SIGPROF, OUTPUT.fileno(), chain=True)  # and then dies of it
    next_beat = loop.call_soon(beat)
    threading.Thread(target=watch, name="watchdog", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        next_beat.cancel()
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)


def _end() -> None:
    OUTPUT.write(b'{"level":"critical","event":"watchdog.silent","ticks":%d}\n' % SILENT_TICKS)
    faulthandler.dump_traceback(OUTPUT.fileno())
    os._exit(EXIT_CODE)
