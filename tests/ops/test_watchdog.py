"""A process whose event loop is silent is ended, says why, and is started again; one that was only stopped is not."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ops import watchdog
from ops.serve import _config, _Server
from ops.stack import process
from ops.stack.console import Console
from ops.stack.ports import listen
from ops.stack.supervisor import Supervisor
from shared.config import Settings
from shared.telemetry import OUTPUT

TICK = 0.05
PATTERN = "(a+)+$"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with its process id; `/turn` never lets the loop go on, `/wait` neither, `/hold` not even threads."""
    match scope.get("path"):
        case "/turn":
            while True:
                pass
        case "/wait":
            time.sleep(3600)  # noqa: ASYNC251  (what must not be)
        case "/hold":
            import re

            re.match(PATTERN, "a" * 60 + "b")
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Kept:
    """A served application and the supervisor that keeps it."""

    def __init__(self, supervisor: Supervisor, bound: socket.socket, log: Path) -> None:
        self.supervisor = supervisor
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        self.log = log

    def keeps_until(self, done: Callable[[], bool]) -> None:
        """Look after everything until then, as the launcher does."""
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline
            self.supervisor._look_on(0.02)
            self.supervisor._restart_ended()

    def pid(self) -> int:
        return int(httpx2.get(self.url, timeout=30).text)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(watchdog, "TICK_SECONDS", TICK)
    before = {number: signal.getsignal(number) for number in (*process_signals(), signal.SIGCHLD)}
    log = tmp_path / "portal.log"
    supervisor = Supervisor(Console(log, quiet=True))
    bound = listen()

    def server() -> None:
        OUTPUT.open()  # as each service does when it starts: what this process wrote to before is not the log
        _Server(_config(app, Settings(port=0))).run(sockets=[bound])

    supervisor.start("served", lambda output: process.fork(server, output))
    yield Kept(supervisor, bound, log)
    supervisor.stop(["served"], 0)
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


def process_signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.mark.parametrize(("path", "said"), [("turn", "in app"), ("wait", "in app"), ("hold", "in match")])
def test_a_silent_process_is_ended_and_started_again(kept: Kept, path: str, said: str) -> None:
    first = kept.pid()
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"{kept.url}/{path}", timeout=0.2)
    kept.keeps_until(lambda: kept.supervisor.pids()["served"] != first)
    assert kept.pid() == kept.supervisor.pids()["served"]
    kept.keeps_until(lambda: said in kept.log.read_text())


def test_a_process_that_was_stopped_goes_on(kept: Kept) -> None:
    first = kept.pid()
    os.kill(first, signal.SIGSTOP)
    time.sleep(2 * watchdog.SILENT_TICKS * TICK)
    os.kill(first, signal.SIGCONT)
    time.sleep(2 * watchdog.SILENT_TICKS * TICK)
    assert kept.pid() == first
