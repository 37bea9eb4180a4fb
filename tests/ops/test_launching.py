"""The pieces of the launcher, each alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from ops import keys
from ops.stack import process
from ops.stack.console import Console
from ops.stack.errors import StackError, in_words
from ops.stack.launcher import check_disk
from ops.stack.ports import FREE_RANGE, free_port, listen
from ops.stack.state import Run, State
from ops.stack.supervisor import Supervisor


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path / "portal.log", quiet=True)


@pytest.fixture
def supervisor(console: Console):
    """One whose signal handlers do not outlive the test."""
    before = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    }
    made = Supervisor(console)
    yield made
    made.stop(list(made.pids()), 1)
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


def program(script: str):
    """A child that runs a line of Python."""
    return lambda output: process.run(process.Command([sys.executable, "-c", script]), output)


def test_on_servers_of_others_nothing_is_a_trial(tmp_path: Path, repository: Path) -> None:
    """No clock that is ahead, no quick hash, no mailbox: what is kept there stays."""
    script = """
import pathlib, sys
from ops.stack.addresses import Addresses
from ops.stack.launcher import Launcher, Plan
here = "127.0.0.1:1"
external = Addresses(database_admin_url=f"postgresql://admin@{here}/portal", nats_url=f"nats://{here}")
launcher = Launcher(Plan(pathlib.Path(sys.argv[1]), port=0, external=external), quiet=True)
print({told["PORTAL_ENV"] for told in launcher._told.values()})
"""
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "data")],
        cwd=repository,
        text=True,
        capture_output=True,
        check=True,
    )
    assert told.stdout == "{'external'}\n"


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    assert free_port() in FREE_RANGE


def test_no_port_is_promised_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has bound the first yet, so asking the system again would find it free."""
    monkeypatch.setattr("ops.stack.ports.FREE_RANGE", range(20_100, 20_400))
    drawn = [free_port() for _ in range(50)]
    assert len(set(drawn)) == 50


def test_no_port_is_promised_by_two_starts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another checkout's launcher, whose servers have not bound theirs yet either."""
    monkeypatch.setattr("ops.stack.ports.FREE_RANGE", range(20_100, 20_400))
    script = """if True:
        from ops.stack import ports
        ports.FREE_RANGE = range(20_100, 20_400)
        print(*(ports.free_port() for _ in range(100)), flush=True)
        input()"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        mine = {free_port() for _ in range(50)}
        other.communicate("\n")
    assert len(theirs) == 100
    assert mine.isdisjoint(theirs)


def test_taken_port_raises() -> None:
    with listen() as first, pytest.raises(OSError, match="in use"):
        listen(first.getsockname()[1])


def test_child_output_is_kept_behind_its_name(supervisor: Supervisor, console: Console, tmp_path: Path) -> None:
    assert supervisor.complete("talker", program("print('one'); print('two', end='')"), 30) == 0
    assert (tmp_path / "portal.log").read_text() == "talker   | one\ntalker   | two\n"
    assert console.tail("talker", 1) == "talker   | two"


def test_child_that_ends_while_starting_is_reported_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start("server", program("print('no such file'); raise SystemExit(3)"))
    with pytest.raises(StackError, match=r"(?s)server ended while starting \(exit code 3\).*no such file"):
        supervisor.until(lambda: False, 30, "server")


def test_what_is_not_ready_in_time_is_reported(supervisor: Supervisor) -> None:
    supervisor.start("server", program("import time; time.sleep(60)"))
    with pytest.raises(StackError, match="server was not ready after 0 seconds"):
        supervisor.until(lambda: False, 0.2, "server")


def test_ended_child_is_started_again_until_asked_to_stop(supervisor: Supervisor) -> None:
    starts = []
    supervisor.start("server", program("pass"))

    def changed() -> None:
        starts.append(supervisor.pids()["server"])
        if len(starts) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    supervisor.forever(changed)
    assert len(set(starts)) == 3


def test_deaf_child_is_killed_with_its_own(supervisor: Supervisor, console: Console, tmp_path: Path) -> None:
    """As long as a backend of a killed PostgreSQL lives, its files change."""
    deaf = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork();"
        " print('deaf', os.getpid(), flush=True); time.sleep(60)"
    )
    supervisor.start("deaf", program(deaf))

    def pids() -> list[int]:
        return [int(pid) for pid in re.findall(r"deaf (\d+)$", (tmp_path / "portal.log").read_text(), re.MULTILINE)]

    supervisor.until(lambda: len(pids()) == 2, 30, "deaf")
    supervisor.stop(["deaf"], 0.1)
    assert [pid for pid in pids() if runs(pid)] == []


def test_forked_child_returns_its_exit_code_and_never_comes_back() -> None:
    with Path(os.devnull).open("w") as nowhere:
        assert process.wait(process.fork(lambda: 7, nowhere.fileno()), 30) == 7
        assert process.wait(process.fork(lambda: 1 // 0, nowhere.fileno()), 30) == 1


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """Also one that ignores every polite signal."""
    script = f"""
import sys, time
from ops.stack import process
def deaf():
    import signal
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
child = process.fork(deaf, 1)
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)
    child = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_long_log_is_begun_anew_and_the_last_one_kept(console: Console, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("ops.stack.console.LARGEST_LOG", 100)
    for number in range(10):
        console.lines("talker", b"%d %s" % (number, b"." * 40))
    assert "9 " in (tmp_path / "portal.log").read_text()
    assert "8 " in (tmp_path / "portal.log.1").read_text()


def test_state_is_locked_by_one_and_knows_whom(tmp_path: Path) -> None:
    state = State(tmp_path)
    lock = state.lock()
    assert state.launcher() == os.getpid()
    with pytest.raises(StackError, match="already runs"):
        State(tmp_path).lock()
    os.close(lock)
    os.close(State(tmp_path).lock())


def test_dead_launcher_is_not_taken_for_a_live_one_of_the_same_number(tmp_path: Path) -> None:
    """Process ids come round again."""
    (tmp_path / "lock").write_text(str(os.getpid()))
    assert State(tmp_path).launcher() is None


@pytest.mark.parametrize("copied", [shutil.copy2, os.link])
def test_a_copy_of_a_running_folder_is_not_taken_for_it(tmp_path: Path, copied) -> None:
    """Its files name the original's processes; `down` and `reset` there must find nothing to end."""
    original, copy = State(tmp_path / "original"), State(tmp_path / "copy")
    lock = original.lock()
    original.write_run(
        Run(gateway="http://localhost:1", launcher=os.getpid(), services={}, private={}, processes={}, addresses={})
    )
    copy.folder.mkdir()
    for path in original.folder.iterdir():
        copied(path, copy.folder / path.name)
    assert (copy.launcher(), copy.read_run(), copy.holders()) == (None, None, [])
    seen = State(tmp_path / "link")
    seen.folder.symlink_to(original.folder)
    assert seen.launcher() == os.getpid(), "by another way to the same folder it is found"
    os.close(lock)
    assert original.read_run() is None, "nor is the file believed once the lock is free"


def test_full_disk_and_closed_folder_are_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackError, match="cannot be made"):
        check_disk(Path("/proc/nothing/here"))
    monkeypatch.setattr("ops.stack.launcher.NEEDED_MEGABYTES", 10**9)
    with pytest.raises(StackError, match=r"is full: \d+ MB left"):
        check_disk(tmp_path)
    with pytest.raises(OSError, match="No space") as full, Path("/dev/full").open("wb", buffering=0) as device:
        device.write(b"x")
    assert in_words(full.value).startswith("The disk is full.")


def test_keys_are_made_once_and_the_public_half_verifies(tmp_path: Path) -> None:
    folders = (tmp_path, tmp_path / "identity", tmp_path / "notifications", tmp_path / "portal")
    files = keys.ensure_keys(*folders)
    private = (files.claims, files.tokens, files.secrets, files.orders, files.webhook_secrets, files.form_secrets)
    made = [file.read_bytes() for file in (*private, files.jwks)]
    assert len(set(made)) == 7
    assert keys.ensure_keys(*folders) == files
    assert made == [file.read_bytes() for file in (*private, files.jwks)]
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}
    public = files.jwks
    key = OKPKey.import_key(keys.read_key(files.claims))
    token = jwt.encode({"alg": "Ed25519", "kid": key.kid}, {"sub": "x"}, key, algorithms=["Ed25519"])
    published = json.loads(public.read_text())
    assert "d" not in published["keys"][0]
    assert jwt.decode(token, KeySet.import_key_set(published), algorithms=["Ed25519"]).claims == {"sub": "x"}


@pytest.mark.parametrize(
    ("python", "said"),
    [("/nonexistent/python", "is no Python 3.11 or newer"), ("/bin/false", "is no Python 3.11 or newer")],
)
def test_install_names_a_python_that_will_not_do(tmp_path: Path, repository: Path, python: str, said: str) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "install.sh").write_text((repository / "ops" / "install.sh").read_text())
    done = subprocess.run(
        ["sh", "ops/install.sh", "stack"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": python},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "make up PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_install_says_when_the_only_python_is_too_old_or_lacks_ensurepip(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "install.sh").write_text((repository / "ops" / "install.sh").read_text())
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "uname", "head", "cat", "rm"):
        (tools / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    python = tools / "python3"

    def install() -> str:
        return subprocess.run(
            ["sh", "ops/install.sh", "stack"],
            cwd=tmp_path,
            env={"PATH": str(tools)},
            text=True,
            capture_output=True,
            check=False,
        ).stderr

    assert "Python 3.11 or newer is needed" in install()
    python.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac\n')
    python.chmod(0o755)
    assert "python3 here is Python 3.9.2" in install()
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    assert "python3-venv" in install()
