"""The service as a process of its own, which can be killed and started again; and its relay's."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from ops.stack.backing import Backing
from shared.testing.claims import Signer

ROOT = Path(__file__).parents[2]


class Service:
    """`python -m ops.serve activity` on a port that stays the same over restarts."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.port, self.private_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environ = environ | {"PORTAL_PORT": str(self.port), "PORTAL_PRIVATE_PORT": str(self.private_port)}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = self._run()
        async with asyncio.timeout(30), httpx2.AsyncClient() as http:
            while not await self._ready(http):
                assert self._process.poll() is None, self._log.read_text()[-2000:]
                await asyncio.sleep(0.05)

    def _run(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ops.serve", "activity"]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=os.environ | self._environ, cwd=ROOT, stdout=log, stderr=log)

    async def _ready(self, http: httpx2.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, 15)

    async def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        async with httpx2.AsyncClient() as http:
            text = (await http.get(f"http://127.0.0.1:{self.private_port}/metrics")).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def resident(self) -> int:
        """Bytes of memory in use."""
        assert self._process
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def log(self) -> str:
        return self._log.read_text()


@asynccontextmanager
async def service(
    servers: Backing, signer: Signer, database_url: str, directory: Path, **settings: object
) -> AsyncGenerator[Service]:
    """The service running on `database_url`; `settings` as in the environment, without the prefix."""
    told = {
        "env": "embedded",
        "database_url": database_url,
        "nats_url": servers.addresses.nats_url,
        "redis_url": servers.addresses.redis_url,
        "jwks": str(signer.jwks),
        **settings,
    }
    running = Service(
        {f"PORTAL_{name.upper()}": str(value) for name, value in told.items()}, directory / "activity.log"
    )
    await running.start()
    try:
        yield running
    finally:
        running.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
