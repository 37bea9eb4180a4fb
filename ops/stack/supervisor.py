"""Keeps a set of child processes running, and ends them: one thread, one loop, no asyncio, so forking stays safe."""

import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from ops.stack import process
from ops.stack.console import Console
from ops.stack.errors import StackError, in_words

TICK_SECONDS = 0.02
IDLE_SECONDS = 5.0
CALM_SECONDS = 10.0
"""A child that lived this long is started again at once; a shorter life makes the next pause longer."""
LONGEST_PAUSE = 5.0
PATIENCE_MICROSECONDS = 50_000
"""So long a child waits for its lines to be read, should this process be stopped; then they are lost."""
ROOM = 128 * 1024
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
READ = 65_536


@dataclass
class Watched:
    """One child, from start to start."""

    name: str
    start: Callable[[int], process.Child]
    """Takes the descriptor for its output."""
    on_terminal: bool
    child: process.Child
    started: float
    failures: int = 0
    again_at: float | None = None


class Supervisor:
    """Starts children, passes on what they print, and starts again what ends by itself."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watched: dict[str, Watched] = {}
        self._selector = selectors.DefaultSelector()
        self._tails: dict[int, bytes] = {}
        self._ending = False
        self._wake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        for number in ENDINGS:
            signal.signal(number, lambda *_: self._end())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    @property
    def ending(self) -> bool:
        """Was this process asked to end?"""
        return self._ending

    def pids(self) -> dict[str, int]:
        """Name to process id of everything that runs."""
        return {name: watched.child.pid for name, watched in self._watched.items()}

    def start(self, name: str, start: Callable[[int], process.Child], *, on_terminal: bool = True) -> None:
        """Start a child and keep it running from now on."""
        child = self._with_pipe(name, start, on_terminal=on_terminal)
        self._watched[name] = Watched(name, start, on_terminal, child, time.monotonic())

    def complete(self, name: str, start: Callable[[int], process.Child], seconds: float) -> int:
        """Run a child to its end and return its exit code. Raises `StackError` when it takes too long."""
        child = self._with_pipe(name, start, on_terminal=True)
        try:
            self.until(lambda: child.poll() is not None, seconds, name)
        finally:
            process.stop(child, 1)
        self._drain()
        return child.poll() or 0

    def until(self, done: Callable[[], bool], seconds: float, what: str, said: Callable[[], str] = str) -> None:
        """Supervise all children until `done()`. Raises `StackError` if a child ends, or time is up, before that.

        `said` tells what was answered instead, for the error.
        """
        deadline = time.monotonic() + seconds
        while not done():
            self._look_on(TICK_SECONDS)
            if self._ending:
                raise Interrupted
            for watched in self._watched.values():
                if (code := watched.child.poll()) is not None:
                    raise StackError(f"{watched.name} ended while starting ({ending(code)}).", self._why(watched.name))
            if time.monotonic() > deadline:
                raise StackError(f"{what} was not ready after {seconds:.0f} seconds. {said()}", self._why(what))

    def forever(self, changed: Callable[[], None]) -> None:
        """Start again whatever ends, until this process is asked to end; `changed` is called after each new start."""
        unsaid = False
        while not self._ending:
            self._turn(self._next_pause())
            if self._ending:
                return
            unsaid = self._restart_ended() or unsaid
            if unsaid:
                with suppress(OSError):  # a full disk: said again at the next turn
                    changed()
                    unsaid = False

    def stop(self, names: Iterable[str], seconds: float) -> None:
        """End these children together; what has not ended after `seconds` is killed."""
        ending = [self._watched.pop(name) for name in list(names) if name in self._watched]
        for watched in ending:
            if watched.again_at is None and watched.child.poll() is None:
                os.kill(watched.child.pid, watched.child.stop_signal)
        deadline = time.monotonic() + seconds
        while any(watched.child.poll() is None for watched in ending) and time.monotonic() < deadline:
            self._look_on(TICK_SECONDS)
        for watched in ending:
            process.stop(watched.child, 0)
        self._drain()

    def close_in_child(self) -> None:
        """In a forked child: give up what belongs to the parent alone."""
        signal.set_wakeup_fd(-1)
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def _end(self) -> None:
        self._ending = True

    def _why(self, name: str) -> str:
        self._drain()
        return f"Its last words:\n{self._console.tail(name)}"

    def _restart_ended(self) -> bool:
        restarted = False
        now = time.monotonic()
        for watched in self._watched.values():
            if watched.again_at is None and (code := watched.child.poll()) is not None:
                calm = now - watched.started > CALM_SECONDS
                watched.failures = 0 if calm else watched.failures + 1
                pause = min(0.1 * 2**watched.failures, LONGEST_PAUSE) if watched.failures > 1 else 0.0
                watched.again_at = now + pause
                self._console.say(f"{watched.name} ended ({ending(code)}), starting it again")
            if watched.again_at is not None and now >= watched.again_at:
                restarted = self._start_again(watched, now) or restarted
        return restarted

    def _start_again(self, watched: Watched, now: float) -> bool:
        try:
            watched.child = self._with_pipe(watched.name, watched.start, on_terminal=watched.on_terminal)
        except (OSError, StackError) as error:  # a full disk ends nothing but this attempt
            watched.again_at = now + LONGEST_PAUSE
            self._console.say(f"{watched.name} could not be started: {in_words(error)}")
            return False
        watched.again_at, watched.started = None, now
        return True

    def _next_pause(self) -> float:
        waiting = [watched.again_at for watched in self._watched.values() if watched.again_at is not None]
        return max(0.0, min([*waiting, time.monotonic() + IDLE_SECONDS]) - time.monotonic())

    def _with_pipe(self, name: str, start: Callable[[int], process.Child], *, on_terminal: bool) -> process.Child:
        """A pair of sockets and no pipe, for a pipe knows no limit to how long a program waits to be read."""
        reading, writing = socket.socketpair()
        writing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, PATIENCE_MICROSECONDS))
        writing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        reading.setblocking(False)
        self._selector.register(reading.detach(), selectors.EVENT_READ, (name, on_terminal))
        with writing:
            return start(writing.fileno())

    def _turn(self, seconds: float) -> bool:
        """Wait for output or a signal, at most so long, and pass on what came; was there any?"""
        events = self._selector.select(seconds)
        for key, _ in events:
            if key.data is None:
                os.read(key.fd, READ)
            else:
                self._pass_on(key.fd, *key.data)
        return bool(events)

    def _look_on(self, seconds: float) -> None:
        """Pass on what comes for this long: a chatty child must not quicken the pace of who waits."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._turn(left)

    def _drain(self) -> None:
        while self._turn(0):
            pass

    def _pass_on(self, descriptor: int, name: str, on_terminal: bool) -> None:
        chunk = os.read(descriptor, READ)
        text = self._tails.pop(descriptor, b"") + chunk
        if chunk and len(text) < READ:
            text, found, rest = text.rpartition(b"\n")
            if rest:
                self._tails[descriptor] = rest
            if not found:
                return
        if text:
            self._console.lines(name, text.rstrip(b"\n"), terminal=on_terminal)
        if not chunk:
            self._selector.unregister(descriptor)
            os.close(descriptor)


class Interrupted(Exception):
    """Ctrl-C or SIGTERM arrived while starting."""


def ending(code: int) -> str:
    """An exit code in words."""
    return f"signal {-code}, {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
