"""Runs Schemathesis, which asks an API what its description promises, with what fits and what does not (decision 0113).

Run as `python -m tests.isolation.asked`: each line it reads is a `Run`, and it answers with the exit code.
"""

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from ops.serve import COLLECT_AFTER
from ops.stack import process
from shared.actor import Actor
from tests.portal_stack import ROOT, Portal

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("PORTAL_FUZZ_EXAMPLES", "2")
"""How many made-up requests each operation gets, beside those that its description calls for."""
LOADED = ["tests.isolation.asking", "schemathesis.cli.commands.run.executor", "schemathesis.specs.openapi.schemas"]
"""What every run needs, beside what the first of them brings along."""
SECONDS = 800


class Run(msgspec.Struct):
    """What Schemathesis is told."""

    words: list[str]
    environ: dict[str, str]
    output: str
    """The file for all that it prints."""


class Schemathesis:
    """Asks a portal. Every run is a copy of one process that has loaded Schemathesis, which took a second each time."""

    def __init__(self, portal: Portal, ids: dict[str, str], folder: Path, runs: subprocess.Popen[bytes]) -> None:
        self._portal = portal
        self._output = folder / "said.txt"
        self._runs = runs
        self._config = folder / "schemathesis.toml"
        known = [f'"path.{name}" = "{value}"' for name, value in ids.items()]
        self._config.write_text("\n".join([CONFIG.read_text(), "[parameters]", *known, ""]))

    def findings_in_service(self, service: str, actor: Actor) -> str:
        """What it has to say of a service, asked at its own port as `actor`; "" for nothing."""
        asked_as = {"ASKED_AS": msgspec.json.encode(actor).decode(), "ASKED_SERVICE": service}
        return self._run(f"{self._portal.run.services[service]}/schema/openapi.json", asked_as)

    def findings_at_gateway(self) -> str:
        """What it has to say of what all services answer through the gateway, asked by a partner system of all clients."""
        token = self._portal.token(self._portal.api_client(None))
        address = f"{self._portal.gateway}/docs/openapi.json"
        return self._run(address, {"ASKED_WITH": token}, "--include-method=GET", "--phases=fuzzing")

    def _run(self, address: str, told: dict[str, str], *more: str) -> str:
        assert self._runs.stdin
        assert self._runs.stdout
        words = ["--config-file", str(self._config), "run", address, f"--max-examples={EXAMPLES}", *more]
        told |= {"ASKED_FOLDER": str(self._portal.folder)}
        self._runs.stdin.write(msgspec.json.encode(Run(words, told, str(self._output))) + b"\n")
        self._runs.stdin.flush()
        return "" if self._runs.stdout.readline() == b"0\n" else self._output.read_text()


@contextmanager
def schemathesis(portal: Portal, ids: dict[str, str], folder: Path) -> Generator[Schemathesis]:
    """Schemathesis, loaded."""
    # The order of a set is part of what is made up. Which characters Unicode has is worked out once, and kept.
    same = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "HYPOTHESIS_STORAGE_DIRECTORY": str(folder)}
    words = [sys.executable, "-m", "tests.isolation.asked"]
    with subprocess.Popen(
        words, cwd=folder, env=os.environ | same, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as runs:
        yield Schemathesis(portal, ids, folder, runs)
        runs.communicate()  # it ends when nobody orders any more


def ask(run: Run) -> None:
    """In the copy."""
    os.environ.update(run.environ)
    importlib.import_module("schemathesis.cli").schemathesis(run.words)


def main() -> None:
    """Run what is ordered, one after the other."""
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    for line in sys.stdin.buffer:
        run = msgspec.json.decode(line, type=Run)
        with Path(run.output).open("wb") as output:
            code = process.wait(process.fork(partial(ask, run), output.fileno()), SECONDS)
        print(code, flush=True)


if __name__ == "__main__":
    main()
