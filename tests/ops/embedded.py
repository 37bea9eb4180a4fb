"""A whole embedded stack in a process of its own, as `make up` starts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from ops.stack.state import Run, State

PATIENCE = 120.0


class Stack:
    """`portal stack ...` on one data folder."""

    def __init__(self, folder: Path, root: Path, **environ: str) -> None:
        self.state = State(folder)
        self._root = root
        self._environ = {**os.environ, "PORTAL_DATA": str(folder), "PORTAL_PORT": "0", "PORTAL_DEMO": "0", **environ}
        self._launcher: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `portal stack WORDS` to its end."""
        return self.portal("stack", *words, **environ)

    def portal(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `portal WORDS` to its end, with nothing to read."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *words],
            cwd=self._root,
            env=self._environ | environ,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def up(self, terminal: int = subprocess.DEVNULL) -> Run:
        """Start in the foreground of a process of its own and wait until everything answers."""
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "ops", "stack", "up"],
            cwd=self._root,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.PIPE,
        )
        eventually(lambda: self._launcher.poll() is not None or self.state.read_run())
        if self._launcher.poll() is not None:
            raise AssertionError(self._launcher.stderr.read().decode())
        return self.run

    @property
    def run(self) -> Run:
        """What run.json says."""
        run = self.state.read_run()
        assert run, "nothing runs"
        return run

    def end(self, number: signal.Signals) -> int:
        """Send the launcher a signal; its exit code."""
        assert self._launcher
        self._launcher.send_signal(number)
        return self._launcher.wait(PATIENCE)


def eventually(done, seconds: float = PATIENCE):
    """Wait for a true answer and return it; whatever fails to connect meanwhile counts as no."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while True:
        try:
            if answer := done():
                return answer
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(pause)
        pause = min(pause * 1.3, 0.25)
