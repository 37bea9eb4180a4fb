"""The health check: healthy is 200, and nothing else is."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ops.stack.ports import free_port
from tests.deploy.composition import ROOT


class Service(BaseHTTPRequestHandler):
    """Answers the number that is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def probe(port: int, path: str) -> int:
    argv = [sys.executable, "-IS", ROOT / "ops" / "probe.py", path]
    return subprocess.run(argv, env={"PORTAL_PORT": str(port)}, check=False).returncode


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (404, 1), (500, 1), (503, 1)])
def test_healthy_is_200(port: int, status: int, exit_code: int) -> None:
    assert probe(port, f"/{status}") == exit_code


def test_nobody_there_is_not_healthy() -> None:
    assert probe(free_port(), "/200") == 1
