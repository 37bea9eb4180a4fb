"""Starts portals from one process that has loaded their code: each is a copy of it and loads nothing again, which was
half of what a start took.

Run as `python -m tests.starter`: each line it reads is an `Order`, and it answers with the process id of the launcher.
"""

import gc
import importlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import orm

from ops import serve
from ops.stack import command, process, services
from services.portal import app, templating
from shared import language

ROOT = Path(__file__).parent.parent


class Order(msgspec.Struct):
    """`portal stack up --with-parent` in this environment, with all that it prints in a file."""

    environ: dict[str, str]
    output: str
    constants: dict[str, float]
    """Values of `module:NAME` that this portal has, instead of those in the code: intervals that a test waits for."""


class Launched:
    """A launcher that was started."""

    def __init__(self, pid: int) -> None:
        self._handle = os.pidfd_open(pid)

    def has_ended(self, seconds: float = 0) -> bool:
        """Whether it has, within so many seconds."""
        return bool(select.select([self._handle], [], [], seconds)[0])

    def end(self, seconds: float) -> None:
        """End it, and with it the portal."""
        with suppress(ProcessLookupError):  # it ended by itself
            signal.pidfd_send_signal(self._handle, signal.SIGTERM)
        assert self.has_ended(seconds), "the portal does not end"
        os.close(self._handle)


class Starter:
    """The one of this process; started when the first portal is."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environ: Mapping[str, str], output: Path, constants: Mapping[str, float]) -> Launched:
        """Start a portal."""
        if self._process is None:
            words = [sys.executable, "-m", "tests.starter"]
            self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        assert self._process.stdout
        order = Order(dict(environ), str(output), dict(constants))
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        return Launched(int(self._process.stdout.readline()))


STARTER = Starter()


def up(order: Order) -> None:
    """In the copy."""
    os.environ.clear()
    os.environ.update(order.environ)
    for name, value in order.constants.items():
        module, _, constant = name.partition(":")
        assert hasattr(importlib.import_module(module), constant), name
        setattr(importlib.import_module(module), constant, value)
    command.up(detach=False, with_parent=True)


def make_ready() -> None:
    """What each portal would read and compile again for itself."""
    for name in serve.SERVICES:
        language.read(language.KERNEL.parent / "services" / name)
    app.material()
    templates = templating.templates()
    for name in templates.list_templates(["html"]):
        templates.get_template(name)
    orm.configure_mappers()


def main() -> None:
    """Serve until whoever orders is gone, with whom the portals end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends whoever orders
    importlib.import_module("ops.stack.launcher")
    services.import_all()
    make_ready()
    gc.collect()
    gc.freeze()
    started: list[process.Fork] = []
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        with Path(order.output).open("ab") as output:
            started.append(process.fork(partial(up, order), output.fileno()))
        print(started[-1].pid, flush=True)
        started = [each for each in started if each.poll() is None]


if __name__ == "__main__":
    main()
