"""The commands of the embedded stack: `portal stack up`, `down`, `reset`, `status`, `logs`."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ops.stack.addresses import Addresses
from ops.stack.errors import StackError, in_words
from ops.stack.ports import LOOPBACK
from ops.stack.process import die_with_parent, end_process
from ops.stack.state import State

DEFAULT_PORT = 8080
LARGEST_PORT = 65_535
DOWN_SECONDS = 10.0
NOTHING_RUNS = 3
READY = "ready\n"
END = b"\0"
PASSWORD = "demo-portal-2026"  # noqa: S105  (the demo's, printed for everybody)
ACCOUNTS = (
    ("admin@northwind.example", "Northwind Studio, admin"),
    ("member@northwind.example", "Northwind Studio, team member"),
    ("approver@acme.example", "Acme GmbH, approver"),
    ("viewer@acme.example", "Acme GmbH, viewer"),
    ("feedback@acme.example", "Acme GmbH, feedback only"),
    ("approver@birch.example", "Birch Ltd, approver"),
)


def folder() -> Path:
    """Where the stack keeps its data."""
    return Path(os.environ.get("PORTAL_DATA") or ".portal").absolute()


def up(*, detach: bool, with_parent: bool) -> None:
    """Start everything; returns when it was stopped, or, detached, when it is ready."""
    if detach:
        _detached()
    else:
        if with_parent:
            die_with_parent(signal.SIGTERM)
        _launch()


def down() -> None:
    """Stop the launcher, and with it everything. Quietly does nothing when nothing runs."""
    state = State(folder())
    if launcher := state.launcher():
        end_process(launcher, signal.SIGTERM, DOWN_SECONDS)
    state.end_leftovers()
    state.remove_run()
    print("The portal is stopped." if launcher else "The portal was not running.")


def reset() -> None:
    """Stop, and delete the data."""
    down()
    State(folder()).erase()
    print(f"The data in {folder()} is deleted.")


def status() -> None:
    """Print what runs. Exits with `NOTHING_RUNS` when nothing does."""
    run = State(folder()).read_run()
    if run is None:
        print("The portal is not running.")
        sys.exit(NOTHING_RUNS)
    print(f"{run.gateway}\n")
    if run.mailbox:
        print(f"Its mails stay here:  {run.mailbox}\n")
    for name, pid in run.processes.items():
        print(f"{name:<10}{pid:>8}  {run.services.get(name, '')}")


def logs(*, follow: bool) -> None:
    """Become `tail` on the log."""
    path = State(folder()).log
    if not path.exists():
        raise StackError("There is no log yet.", "Start the portal with `make up`.")
    os.execvp("tail", ["tail", "-n", "200", *(["-F"] if follow else []), str(path)])  # noqa: S606, S607


def _launch(ready: Callable[[str], None] | None = None) -> None:
    """Run the stack the environment asks for; `ready` hears what to open, else the terminal. Raises `StackError`."""
    external = os.environ.get("PORTAL_STACK", "embedded")
    if external not in ("embedded", "external"):
        raise StackError(f"PORTAL_STACK is '{external}'.", "It may be 'embedded' or 'external'.")
    port = os.environ.get("PORTAL_PORT") or str(DEFAULT_PORT)
    if not port.isdecimal() or int(port) > LARGEST_PORT:
        raise StackError(f"PORTAL_PORT is '{port}'.", f"It may be 0 (any free port) to {LARGEST_PORT}.")
    addresses = Addresses.from_environment(os.environ) if external == "external" else None

    from ops.stack.launcher import Launcher, Plan  # whatever is refused before is refused at once

    plan = Plan(
        folder=folder(),
        host=os.environ.get("PORTAL_HOST") or LOOPBACK,
        port=int(port),
        public_url=os.environ.get("PORTAL_PUBLIC_URL", ""),
        external=addresses,
        demo=os.environ.get("PORTAL_DEMO", "1") != "0",
    )
    launcher = Launcher(plan, quiet=ready is not None)
    tell = ready or launcher.show
    launcher.run(lambda address: tell(summary(address, launcher.mailbox, demo=plan.demo)))


def summary(address: str, mailbox: str, *, demo: bool) -> str:
    """What to open, and whom to sign in as."""
    lines = ["", f"The portal is ready: {address}", ""]
    if mailbox:
        lines += [f"Its mails stay here:  {mailbox}", ""]
    if demo:
        lines += [f"Demo accounts, password {PASSWORD}:"]
        lines += [f"  {mail:<27} {who}" for mail, who in ACCOUNTS]
        lines += [""]
    return "\n".join(lines)


def _detached() -> None:
    """Launch in a session of its own and wait for its word: ready, or why not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _become_background(writing)
    os.close(writing)
    said = b""
    while not said.endswith(END) and (more := os.read(reading, 4096)):
        said += more
    text = said.removesuffix(END).decode()
    if not text.startswith(READY):
        sys.exit(text or "portal: The launcher ended without a word.")
    print(text.removeprefix(READY))


def _become_background(answer: int) -> None:
    """The launcher behind `--detach`; never returns."""

    def say(text: str) -> None:
        os.write(answer, text.encode() + END)  # children hold copies of the pipe, so its end says nothing
        os.close(answer)

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        _launch(lambda text: say(READY + text))
    except (StackError, OSError) as error:
        say(f"portal: {in_words(error)}")
    except BaseException:  # noqa: BLE001  (nobody else would print it)
        say(traceback.format_exc())
    os._exit(0)
