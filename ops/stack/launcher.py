"""`portal stack up`: servers, schemas, services, demo data, in this order, each behind its readiness gate."""

import asyncio
import errno
import gc
import os
import shutil
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.databases import services_with_schema
from ops.keys import ensure_keys
from ops.migrate import migrate_all
from ops.stack import process, services
from ops.stack.addresses import Addresses
from ops.stack.console import Console
from ops.stack.errors import StackError
from ops.stack.parts import Part, embedded
from ops.stack.ports import LOOPBACK, listen
from ops.stack.secrets import load_passwords
from ops.stack.state import Run, State
from ops.stack.supervisor import Interrupted, Supervisor

SERVERS_SECONDS = 60.0
SERVICES_SECONDS = 60.0
MIGRATE_SECONDS = 120.0
SEED_SECONDS = 300.0
STOP_SERVICES_SECONDS = 3.4
STOP_SERVERS_SECONDS = 1.2
"""Together under five: a service gets uvicorn's three seconds for open streams, a server what it has to write down."""
NEEDED_MEGABYTES = 300


@dataclass(frozen=True)
class Plan:
    """What to start, and where."""

    folder: Path
    host: str = LOOPBACK
    port: int = 8080
    """0: any free one."""
    public_url: str = ""
    external: Addresses | None = None
    """Servers that run already; None: start our own."""
    demo: bool = True
    """Create the demo data at the first start."""


class Launcher:
    """One run of the stack."""

    def __init__(self, plan: Plan, *, quiet: bool) -> None:
        """Claims the data folder and the public port. Raises `StackError` when either is not to be had."""
        check_disk(plan.folder)
        os.umask(0o077)  # mails and data are nobody else's to read
        self._plan = plan
        self._state = State(plan.folder)
        self._lock = self._state.lock()
        public = public_socket(plan.host, plan.port)
        here = f"http://localhost:{public.getsockname()[1]}"
        self._gateway = plan.public_url or here
        self._console = Console(self._state.log, quiet=quiet)
        self._supervisor = Supervisor(self._console)
        self._passwords = load_passwords(self._state.passwords, services_with_schema())
        self._services = services.bind(public)
        self._parts: list[Part] = []
        self._addresses = plan.external or Addresses()
        if not plan.external:
            self._parts, self._addresses = embedded(plan.folder, self._passwords)
        self._keys = ensure_keys(*[self._state.secrets] * 4)
        self.mailbox = ""
        """Where the caught mails are read, on this machine alone; empty where mails really leave."""
        if self._addresses.mailbox_dir:
            self.mailbox = f"{here}/mailbox?token={self._passwords.mailbox}"
        self._told = services.environments(
            self._services,
            self._addresses,
            self._passwords,
            self._keys,
            self._gateway,
            env="external" if plan.external else "embedded",  # what is for a trial only is refused there
        )

    def show(self, text: str) -> None:
        """Words for the person at the terminal."""
        self._console.show(text)

    def run(self, ready: Callable[[str], None]) -> None:
        """Start, call `ready` with the address, serve until asked to end, stop. Raises `StackError`."""
        try:
            self._start_servers()
            self._start_services()
            self._seed()
            self._write_run()
            ready(self._gateway)
            self._supervisor.forever(self._write_run)
        except Interrupted:
            pass
        finally:
            self._stop()

    def _start_servers(self) -> None:
        if self._parts and self._state.seeding.exists():
            self._console.say("the last start ended while it created the demo data: beginning again without that half")
            self._state.erase_half_a_demo()
        for part in self._parts:
            self._console.say(f"starting {part.name}")
            self._supervisor.start(part.name, self._server(part), on_terminal=False)
        services.import_all()  # takes a second or two of work, in which the servers get ready
        _freeze()
        for part in self._parts:
            self._supervisor.until(part.ready, SERVERS_SECONDS, part.name)

    def _start_services(self) -> None:
        self._in_child(
            "migrate",
            lambda: migrate_all(self._addresses.database_admin_url, self._passwords.services),
            MIGRATE_SECONDS,
        )
        self._console.say(f"starting {', '.join(self._services)}")
        for name, service in self._services.items():
            leave = self._supervisor.close_in_child
            self._supervisor.start(name, services.starter(service, self._services, self._told[name], leave))
        for name, service in self._services.items():
            self._supervisor.until(service.ready, SERVICES_SECONDS, name, service.explain)

    def _seed(self) -> None:
        if self._plan.demo and not self._state.seeded.exists():
            from ops.seed import Place, seed

            self._console.say("creating the demo data")
            self._state.seeding.touch()
            self._in_child("seed", lambda: seed(Place(self._told, self._keys.claims)), SEED_SECONDS)
            self._state.seeding.rename(self._state.seeded)

    def _in_child(self, name: str, work: Callable[[], Coroutine[Any, Any, object]], seconds: float) -> None:
        """Run a coroutine in a forked process: this one must never own an event loop or a thread."""

        def child() -> None:
            self._supervisor.close_in_child()
            asyncio.run(work())

        if code := self._supervisor.complete(name, lambda output: process.fork(child, output), seconds):
            raise StackError(f"{name} failed (exit code {code}).", self._console.tail(name))

    def _server(self, part: Part) -> Callable[[int], process.Child]:
        def start(output: int) -> process.Child:
            part.prepare()
            return process.run(part.command(), output, keep=[self._lock])

        return start

    def _write_run(self) -> None:
        self._state.write_run(
            Run(
                gateway=self._gateway,
                launcher=os.getpid(),
                services={name: service.url for name, service in self._services.items()},
                private={name: service.private_url for name, service in self._services.items()},
                processes=self._supervisor.pids(),
                addresses=self._addresses.environment(),
                mailbox=self.mailbox,
            )
        )

    def _stop(self) -> None:
        self._state.remove_run()
        self._supervisor.stop(self._services, STOP_SERVICES_SECONDS)
        self._supervisor.stop([part.name for part in self._parts], STOP_SERVERS_SECONDS)
        self._console.close()


def check_disk(folder: Path) -> None:
    """Raises `StackError` when the folder cannot be written, or its disk is nearly full."""
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)  # PostgreSQL, as somebody else, must pass
    except OSError as error:
        raise StackError(
            f"The data folder {folder} cannot be made: {error.strerror}.", "Set PORTAL_DATA to another."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StackError(f"The data folder {folder} is not writable.", "Set PORTAL_DATA to another.")
    free = shutil.disk_usage(folder).free // 1024**2
    if free < NEEDED_MEGABYTES:
        raise StackError(
            f"The disk of {folder} is full: {free} MB left, {NEEDED_MEGABYTES} MB needed.",
            "Free some space, or set PORTAL_DATA to a folder on another disk.",
        )


def public_socket(host: str, port: int) -> socket.socket:
    """The one port people use. Raises `StackError` when somebody else has it."""
    try:
        return listen(port, host)
    except OSError as error:
        other = "or choose another: `PORTAL_PORT=8090 make up` (0 takes any free one)."
        if error.errno == errno.EADDRINUSE:
            raise StackError(f"Port {port} is in use by another program.", f"End that one, {other}") from None
        raise StackError(
            f"Port {port} cannot be used: {error.strerror}.", f"Run as somebody who may, {other}"
        ) from None


def _freeze() -> None:
    if threading.active_count() > 1:
        raise RuntimeError("a module starts a thread when it is imported; forking is not safe with it")
    # No garbage, and none of what is left looked at again by any collector: the pages stay shared after a fork.
    gc.collect()
    gc.freeze()
