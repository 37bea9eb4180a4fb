"""The stack's own folder: who runs, where everything answers, and what a crash left behind."""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ops.stack.errors import StackError
from ops.stack.process import end_process
from ops.stack.secrets import write_private

DATA = ("postgres", "postgres.new", "nats", "redis", "s3", "mail", "seeding", "seeded")
OURS = (*DATA, "secrets", "portal.log", "portal.log.1", "run.json", "lock")
ENDING_SECONDS = 10.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, as `run.json` tells programs and tests (0600: the addresses carry passwords)."""

    gateway: str
    """The address a browser opens."""
    launcher: int
    """The process to end, and everything ends with it."""
    services: dict[str, str]
    """Name to base address, past the gateway."""
    private: dict[str, str]
    """Name to the address of its metrics."""
    processes: dict[str, int]
    """Name to process id, servers and services; rewritten when one was started again."""
    addresses: dict[str, str]
    """The servers, by the name of the variable that tells a service (`PORTAL_NATS_URL`)."""


class State:
    """The folder `.portal`, or what `PORTAL_DATA` names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "portal.log"
        self.secrets = self.folder / "secrets"
        self.passwords = self.secrets / "passwords.json"
        self.seeding = self.folder / "seeding"
        self.seeded = self.folder / "seeded"
        """The demo data is being made, and is complete: one file that is renamed."""
        self._run = self.folder / "run.json"
        self._lock = self.folder / "lock"

    def lock(self) -> int:
        """Claim the folder; a leftover of a killed launcher is ended first. Raises `StackError` if the stack runs.

        The returned descriptor is passed on to every child: the lock is free when the last of them is gone, and whoever
        holds the file open is known to be ours.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _try_lock(descriptor):
            if launcher := self.launcher():
                os.close(descriptor)
                raise StackError(
                    f"The portal of this checkout already runs (process {launcher}{self._where()}).",
                    "Use it, or end it with `make down`.",
                )
            self.end_leftovers()
            if not _try_lock(descriptor):
                raise StackError(f"{self._lock} is held by a process that does not end.", "Restart the machine.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {_started(os.getpid())}".encode(), 0)
        self._run.unlink(missing_ok=True)
        return descriptor

    def launcher(self) -> int | None:
        """The process id of the running launcher, None if there is none."""
        try:
            pid, started = self._lock.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _started(int(pid)) == started else None

    def end_leftovers(self) -> None:
        """End every process that still holds this folder's lock file open (children of a killed launcher)."""
        for pid in self.holders():
            end_process(pid, signal.SIGKILL, ENDING_SECONDS)

    def holders(self) -> list[int]:
        """Processes of this stack other than the calling one."""
        found: list[int] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                targets = {str(link.readlink()) for link in (process / "fd").iterdir()}
            except OSError:  # gone meanwhile, or somebody else's
                continue
            if str(self._lock) in targets and int(process.name) != os.getpid():
                found.append(int(process.name))
        return found

    def write_run(self, run: Run) -> None:
        """Say that the stack is ready, or who was started again."""
        write_private(self._run, msgspec.json.format(msgspec.json.encode(run)))

    def read_run(self) -> Run | None:
        """What runs; None while nothing is ready (a file that a killed launcher left is not believed)."""
        if not self.launcher() or not self._run.exists():
            return None
        return msgspec.json.decode(self._run.read_bytes(), type=Run)

    def remove_run(self) -> None:
        """Say that nothing answers any more."""
        self._run.unlink(missing_ok=True)

    def erase(self) -> None:
        """Delete all data, and only what is ours: `PORTAL_DATA` may name a folder with other things in it."""
        self._delete(OURS)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def erase_half_a_demo(self) -> None:
        """Delete what the servers hold: nobody but the unfinished seed has written there yet."""
        self._delete(DATA)

    def _delete(self, names: Iterable[str]) -> None:
        for path in (self.folder / name for name in names):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _where(self) -> str:
        run = self.read_run()
        return f", {run.gateway}" if run else ""


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(pid: int) -> str | None:
    """When a process began (clock ticks since boot): with it, a process id is never mistaken for an earlier one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
