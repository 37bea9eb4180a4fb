"""The service, and single parts of it, as processes that can be killed and started again."""

import asyncio
import multiprocessing
import os
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx2

from ops.serve import serve
from ops.stack.backing import Backing
from ops.stack.ports import free_port
from shared.testing.claims import Signer

# Forked from a process that has everything imported and no threads: a start takes a moment, not seconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "services.activity.app",
        "services.notifications.app",
        "tests.activity.process",
        "tests.activity.parts",
        "tests.identity.mails.desk",
    ]
)


class Part:
    """A function as a process of its own."""

    def __init__(self, work: Callable[..., None], *arguments: object) -> None:
        self._work = work
        self._arguments = arguments
        self._process: BaseProcess | None = None

    def start(self) -> None:
        self._process = _processes.Process(target=self._work, args=self._arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process
        assert self._process.pid
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._process:
            self._process.kill()
            self._process.join()

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        assert self._process
        self._process.terminate()
        await asyncio.to_thread(self._process.join, 15)
        assert not self.runs


def serve_activity(environ: dict[str, str], log: Path) -> None:
    """Serve, with everything that is said in `log`."""
    write_to(log)
    serve("activity", environ)


def write_to(log: Path) -> None:
    """Have what this process says go there."""
    with log.open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)


class Service(Part):
    """The whole service on a port that stays the same over restarts."""

    def __init__(
        self, environ: dict[str, str], log: Path, work: Callable[[dict[str, str], Path], None] = serve_activity
    ) -> None:
        self.port, self.private_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ports = {"PORTAL_PORT": str(self.port), "PORTAL_PRIVATE_PORT": str(self.private_port)}
        super().__init__(work, environ | ports, log)
        self._log = log

    async def begin(self) -> None:
        """Start it and wait until it is ready."""
        self.start()
        async with asyncio.timeout(30), httpx2.AsyncClient(timeout=30) as http:
            while not await self._ready(http):
                assert self.runs, self.log[-2000:]
                await asyncio.sleep(0.05)

    async def _ready(self, http: httpx2.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    async def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        async with httpx2.AsyncClient(timeout=30) as http:
            text = (await http.get(f"http://127.0.0.1:{self.private_port}/metrics")).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def peak(self) -> int:
        """Bytes of memory it had in use at most so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024

    @property
    def log(self) -> str:
        return self._log.read_text()


@asynccontextmanager
async def service(
    servers: Backing,
    signer: Signer,
    database_url: str,
    directory: Path,
    *,
    work: Callable[[dict[str, str], Path], None] = serve_activity,
    **settings: object,
) -> AsyncGenerator[Service]:
    """The service, or the one that `work` serves, on `database_url`; `settings` as in the environment, without the
    prefix.
    """
    told = {
        "env": "embedded",
        "database_url": database_url,
        "nats_url": servers.addresses.nats_url,
        "redis_url": servers.addresses.redis_url,
        "jwks": str(signer.jwks),
        **settings,
    }
    environ = {f"PORTAL_{name.upper()}": str(value) for name, value in told.items()}
    running = Service(environ, directory / "service.log", work)
    await running.begin()
    try:
        yield running
    finally:
        running.kill()
