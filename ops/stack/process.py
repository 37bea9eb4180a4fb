"""Child processes that never outlive the process that started them."""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from ops.stack.errors import StackError

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.01
KILL_SECONDS = 2.0
REINSTALL = "Run `make install`."


@dataclass(frozen=True)
class Account:
    """Somebody else to run as, for servers that refuse root."""

    uid: int
    gid: int
    enters_any_folder: bool = False
    """Keep the one capability that lets it pass folders closed to it (a checkout below a 0700 home)."""


@dataclass(frozen=True)
class Command:
    """A program to run. The environment is exactly `env`: a user's locale or PG* variables must not change a server."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    account: Account | None = None
    stop: signal.Signals = signal.SIGTERM


class Child(Protocol):
    """What the supervisor needs of a child process."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that asks it to end in good order."""
        ...

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), or None while it runs."""
        ...


def run(command: Command, output: int | IO[bytes], *, keep: Sequence[int] = ()) -> "Program":
    """Start `command`, bound to the life of the calling *thread*: call from the main one (PR_SET_PDEATHSIG).

    It inherits the descriptors in `keep` and no others.
    """
    popen = subprocess.Popen(
        [*_bound_to_parent(command), *command.argv],
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **command.env},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=keep,
        start_new_session=True,  # Ctrl-C reaches the launcher alone, which then stops everything in order
    )
    return Program(popen, command.stop)


def fork(work: Callable[[], int | None], output: int) -> "Fork":
    """Run `work` in a copy of this process, bound to its life; the result is its exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return Fork(pid)
    code = 1
    try:
        _enter_child(parent, output)
        code = work() or 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001  (the child's last line: nothing may return into the parent's code)
        with suppress(OSError):
            traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


@dataclass
class Program:
    """A started program."""

    popen: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        return self.popen.pid

    def poll(self) -> int | None:
        return self.popen.poll()


@dataclass
class Fork:
    """A forked copy of this process."""

    pid: int
    stop_signal: signal.Signals = signal.SIGTERM
    _code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


def die_with_parent(number: signal.Signals) -> None:
    """Receive `number` when the thread that started this process ends."""
    parent = os.getppid()
    _set_death_signal(number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def wait(child: Child, seconds: float) -> int | None:
    """The exit code, or None if it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while (code := child.poll()) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return code


def stop(child: Child, seconds: float) -> None:
    """Ask it to end, and kill it if it has not after `seconds`."""
    if child.poll() is None:
        os.kill(child.pid, child.stop_signal)
        if wait(child, seconds) is None:
            kill(child, KILL_SECONDS)


def kill(child: Child, seconds: float) -> None:
    """SIGKILL: what a crash looks like. Returns when the process and its children are gone: as long as one of its
    backends lives, PostgreSQL does not start again, and its files change.
    """
    left = [int(each) for each in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]
    os.kill(child.pid, signal.SIGKILL)
    wait(child, seconds)
    for pid in left:
        end_process(pid, signal.SIGKILL, seconds)


def end_process(pid: int, gently: signal.Signals, seconds: float) -> None:
    """End a process that is not our child; returns when it is gone."""
    try:
        handle = os.pidfd_open(pid)
        signal.pidfd_send_signal(handle, gently)
        if not select.select([handle], [], [], seconds)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], seconds)
        os.close(handle)
    except ProcessLookupError:
        return


def site_packages(package: str) -> Path:
    """Where `package` is installed, without importing it. Raises `StackError` if it is not."""
    for entry in sys.path:
        if (found := Path(entry, package)).is_dir():
            return found
    raise StackError(f"The package {package} is not installed.", REINSTALL)


def installed(program: str) -> str:
    """The path of a program in the environment of this Python. Raises `StackError` if it is not there."""
    if (path := Path(sys.prefix, program)).exists():
        return str(path)
    raise StackError(f"The program {path.name} is not installed.", REINSTALL)


def _bound_to_parent(command: Command) -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("The program setpriv is missing.", "Install the system package util-linux.")
    words = [setpriv, "--pdeathsig", command.stop.name.removeprefix("SIG")]
    if command.account:
        words += [f"--reuid={command.account.uid}", f"--regid={command.account.gid}", "--clear-groups"]
        if command.account.enters_any_folder:
            # no_setuid_fixup because access(2) would otherwise judge a non-root user without its capabilities.
            words += [f"--{kind}-caps=+dac_override" for kind in ("inh", "ambient")]
            words += ["--securebits=+no_setuid_fixup"]
    # The parent may have died before prctl was called; then nobody would tell the child.
    return [*words, "sh", "-c", f'[ "$PPID" = {os.getpid()} ] && exec "$@"', "sh"]


def _enter_child(parent: int, output: int) -> None:
    os.setsid()
    _set_death_signal(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _set_death_signal(number: signal.Signals) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
