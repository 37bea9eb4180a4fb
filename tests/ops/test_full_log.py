"""The log of a running stack finds no room: nothing waits for it, nothing ends by it, and what was lost is said."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.ops.embedded import Stack, eventually

REQUESTS = 400
LONG = "x" * 800
"""Each request is a line of the gateway, of a kilobyte: more than a terminal and all that may wait hold."""
STOP_OUTPUT = b"\x13"
"""Ctrl-S."""


@pytest.fixture(scope="module")
def stopped(new_stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on a terminal that was stopped before anything was printed, and that nobody reads."""
    reading, terminal = os.openpty()
    os.write(reading, STOP_OUTPUT)
    with new_stack(tmp_path_factory.mktemp("full"), PORTAL_REQUESTS_PER_MINUTE="1000000") as stack:
        stack.up(terminal)
        yield stack
    os.close(reading)
    os.close(terminal)


def serves(stack: Stack) -> bool:
    return {httpx2.get(f"{url}/readyz", timeout=30).status_code for url in stack.run.services.values()} == {200}


def talk(stack: Stack) -> None:
    """Have every request logged, through to the end."""
    with httpx2.Client(base_url=stack.run.gateway, timeout=30) as client:
        for number in range(REQUESTS):
            assert client.get(f"/nothing/here/{number}/{LONG}").status_code == 404


def test_a_stopped_terminal_stops_nothing(stopped: Stack) -> None:
    talk(stopped)
    eventually(lambda: serves(stopped))
    assert f"/nothing/here/{REQUESTS - 1}" in eventually(lambda: logged(stopped, f"/here/{REQUESTS - 1}"))


def test_a_full_disk_stops_nothing_and_what_was_lost_is_said(stopped: Stack) -> None:
    """As the launcher meets it: no file of its own takes another byte."""
    launcher = stopped.run.launcher
    before = stopped.run.processes["projects"]
    unlimited = resource.prlimit(launcher, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    talk(stopped)
    eventually(lambda: serves(stopped))
    os.kill(before, signal.SIGKILL)
    eventually(lambda: serves(stopped))
    assert stopped.run.processes["projects"] == before, "nobody could be told of the new one yet"
    resource.prlimit(launcher, resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: stopped.run.processes["projects"] != before)
    talk(stopped)
    eventually(lambda: logged(stopped, "lines found no room here and are lost"))


def test_a_stopped_launcher_keeps_no_service_waiting(stopped: Stack) -> None:
    launcher = stopped.run.launcher
    os.kill(launcher, signal.SIGSTOP)
    try:
        for _ in range(4):
            talk(stopped)
        eventually(lambda: serves(stopped))
    finally:
        os.kill(launcher, signal.SIGCONT)
    eventually(lambda: logged(stopped, '"event":"log.dropped"'))


def logged(stack: Stack, words: str) -> str:
    """The log, once these words are in it."""
    talk_once = httpx2.get(f"{stack.run.gateway}/one/more", timeout=30)
    assert talk_once.status_code == 404
    said = Path(stack.state.log).read_text(errors="replace")
    return said if words in said else ""
