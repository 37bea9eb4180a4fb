"""The servers alone, without the services: what tests stand on."""

import contextlib
import os
import time
from collections.abc import Collection, Generator
from pathlib import Path
from typing import IO

from ops.stack import process
from ops.stack.addresses import Addresses
from ops.stack.errors import StackError
from ops.stack.parts import Part, embedded
from ops.stack.secrets import load_passwords

READY_SECONDS = 30.0
STOP_SECONDS = 5.0
SERVERS = ("postgres", "nats", "redis", "mail")


class Backing:
    """Running servers that can be killed and started again, each by its name."""

    def __init__(self, parts: list[Part], addresses: Addresses, log: IO[bytes]) -> None:
        self.addresses = addresses
        self._parts = {part.name: part for part in parts}
        self._children: dict[str, process.Child] = {}
        self._mails: dict[str, bytes] = {}
        self._log = log

    def start(self, *names: str) -> None:
        """Start what is named, and return when all of it serves. Raises `StackError` with the end of the log."""
        for name in names:
            self._parts[name].prepare()
            self._children[name] = process.run(self._parts[name].command(), self._log)
        deadline = time.monotonic() + READY_SECONDS
        waiting = list(names)
        while waiting:
            waiting = [name for name in waiting if not self._parts[name].ready()]
            dead = [name for name in waiting if self._children[name].poll() is not None]
            if dead or (waiting and time.monotonic() > deadline):
                raise StackError(f"{', '.join(dead or waiting)} did not start:", self._end_of_log())
            time.sleep(process.POLL_SECONDS)

    def kill(self, name: str) -> None:
        """SIGKILL: what a crash looks like. Returns when the process and its children are gone."""
        process.kill(self._children.pop(name), STOP_SECONDS)

    def pid(self, name: str) -> int:
        """The process id of a running server."""
        return self._children[name].pid

    def mails(self) -> list[bytes]:
        """Every mail caught, oldest first, with its envelope in front. Each is read once."""
        folder = Path(self.addresses.mailbox_dir)
        for name in {entry.name for entry in os.scandir(folder)} - self._mails.keys():
            if name.endswith(".eml"):
                with contextlib.suppress(FileNotFoundError):  # the sink keeps so many, and has just deleted this one
                    self._mails[name] = (folder / name).read_bytes()
        return [self._mails[name] for name in sorted(self._mails)]

    def stop(self) -> None:
        """Stop everything, last started first."""
        for name in reversed(list(self._children)):
            process.stop(self._children.pop(name), STOP_SECONDS)

    def _end_of_log(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text(errors="replace")[-2000:]


@contextlib.contextmanager
def backing(directory: Path, *, durable: bool = False, servers: Collection[str] = SERVERS) -> Generator[Backing]:
    """Real servers with their data below `directory`; at the end they are stopped and the data stays.

    Call from the main thread: the servers die with the thread that started them. `servers` may add "s3". A folder of
    an earlier run continues with the same passwords on other ports.
    """
    directory.mkdir(parents=True, exist_ok=True)
    passwords = load_passwords(directory / "secrets" / "passwords.json", [])
    parts, addresses = embedded(directory, passwords, durable=durable)
    with (directory / "servers.log").open("ab") as log:
        running = Backing([part for part in parts if part.name in servers], addresses, log)
        try:
            running.start(*servers)
            yield running
        finally:
            running.stop()
