"""What a child of the sandbox is asked to do in tests, and should not be able to."""

import os
import socket
import sys
import threading
from collections.abc import Callable

from shared.confinement import Rejected


def work(data: bytes, what: str = "") -> bytes:
    """Try `what`: the name of what stopped it, or what came of it."""
    if what == "refuse":
        raise Rejected("word")
    if what == "break":
        raise RuntimeError(data)
    if what == "spin":
        while True:
            pass
    if what == "flood":
        return bytes(len(data) * 1_000)
    if what in TRIES:
        try:
            return str(TRIES[what]()).encode()
        except (OSError, RuntimeError, MemoryError) as error:
            return type(error).__name__.encode()
    return data[::-1]


def _another_thread() -> str:
    threading.Thread(target=print).start()
    return "started"


TRIES: dict[str, Callable[[], object]] = {
    "read a file": lambda: open("/etc/hostname").read(),  # noqa: PTH123, SIM115
    "write a file": lambda: open("/tmp/escaped", "w"),  # noqa: PTH123, SIM115
    "list a folder": lambda: os.listdir("/"),  # noqa: PTH208
    "call out": socket.socket,
    "speak to a neighbour": lambda: socket.socket(socket.AF_UNIX),
    "fork": os.fork,
    "become another program": lambda: os.execv("/bin/sh", ["sh"]),
    "start a thread": _another_thread,
    "signal its parent": lambda: os.kill(1, 0),
    "have a gigabyte": lambda: len(bytearray(1 << 30)),
    "know its variables": lambda: sorted(os.environ),
    "know its arguments": lambda: len(sys.argv),
}
