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
OURS = (*DATA, "secrets", "audit-heads.json", "portal.log", "portal.log.1", "run.json", "lock")
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
    mailbox: str = ""
    """The address of the caught mails, with the token that opens it; empty where mails really leave."""


class State:
    """The folder `.portal`, or what `PORTAL_DATA` names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "portal.log"
        self.secrets = self.folder / "secrets"
        self.passwords = self.secrets / "passwords.json"
        self.audit_heads = self.folder / "audit-heads.json"
        """Where the chains of the audit log ended when it was last found whole; goes with the data on `reset`."""
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
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._run.unlink(missing_ok=True)
        return descriptor

    def launcher(self) -> int | None:
        """The process id of the running launcher, None if there is none.

        The lock file names it, and it holds that very file open: in a copy of the folder the name is another stack's.
        """
        try:
            pid = int(self._lock.read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return pid if self._is_held_by(pid) else None

    def end_leftovers(self) -> None:
        """End every process that still holds this folder's lock file open (children of a killed launcher)."""
        for pid in self.holders():
            end_process(pid, signal.SIGKILL, ENDING_SECONDS)

    def holders(self) -> list[int]:
        """Processes of this stack other than the calling one."""
        everybody = (int(process.name) for process in Path("/proc").glob("[0-9]*"))
        return [pid for pid in everybody if pid != os.getpid() and self._is_held_by(pid)]

    def _is_held_by(self, pid: int) -> bool:
        """Whether a process has this folder's own lock file open: by path and by inode, so that neither a hard link in
        a copy nor the same path in a container passes for it.
        """
        try:
            path, own = self._lock.resolve(strict=True), self._lock.stat()
            return any(_is_open_at(link, path, own) for link in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:  # gone meanwhile, or somebody else's
            return False

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


def _is_open_at(link: Path, path: Path, own: os.stat_result) -> bool:
    try:
        return link.readlink() == path and os.path.samestat(link.stat(), own)
    except OSError:  # closed meanwhile
        return False
