"""The log is never waited for: not by who writes lines, and not by a process that wants to end."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.lines import MOST_WAITING, Lines

LINE = b"%06d " + b"." * 93 + b"\n"
ENOUGH = 10_000
"""More lines of 100 bytes than any pipe and all that may wait hold."""


def read_all(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    said = b""
    try:
        while more := os.read(descriptor, 65_536):
            said += more
    except BlockingIOError:
        pass
    return said


@pytest.fixture(params=[os.pipe, lambda: tuple(end.detach() for end in socket.socketpair()), os.openpty])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A reader who does not read, and what is written to: a pipe, a socket, a terminal."""
    reading, writing = request.param()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_what_finds_no_room_is_dropped_counted_and_said(ends: tuple[int, int]) -> None:
    reading, writing = ends
    lines = Lines(writing, b"%d dropped\n")
    for number in range(ENOUGH):
        lines.write(LINE % number)
    said = b""
    for _ in range(100):
        said += read_all(reading)
        lines.drain(0.01)
    lines.write(b"after\n")
    said = (said + read_all(reading)).replace(b"\r\n", b"\n")
    *whole, notice, after = said.splitlines(keepends=True)
    assert whole == [LINE % number for number in range(len(whole))], "none is torn, none out of order"
    assert len(whole) * len(LINE % 0) >= MOST_WAITING - len(LINE % 0)
    assert (notice, after) == (b"%d dropped\n" % (ENOUGH - len(whole)), b"after\n")
    lines.close()


def test_neither_a_full_disk_nor_a_reader_that_is_gone_is_an_error() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    reading, gone = os.pipe()
    os.close(reading)
    for descriptor in (full, gone):
        lines = Lines(descriptor)
        for number in range(ENOUGH):
            lines.write(LINE % number)
        lines.drain(0.01)
        lines.close()
        os.close(descriptor)


LOGGERS: dict[str, Callable[..., str]] = {
    "structlog": lambda: "structlog.get_logger().info('x' * 200)",
    "logging": lambda: "logging.getLogger('a.library').warning('x' * 200)",
    "decisions": lambda: "LOG._lines.append(b'x' * 200); LOG.flush()",
}


@pytest.mark.parametrize("name", LOGGERS)
def test_a_process_goes_on_and_ends_though_nobody_reads_its_log(name: str) -> None:
    script = f"""
import logging, sys, structlog
from gateway.decisions import LOG
from shared.telemetry import configure_logging
configure_logging("test", "INFO")
for _ in range({ENOUGH}):
    {LOGGERS[name]()}
print("done", file=sys.stderr)
"""
    reading, writing = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"done\n")
    os.close(writing)
    os.close(reading)
