"""Run one service: `python -m ops.serve identity` in a container, or after a fork in the embedded stack."""

import asyncio
import gc
import importlib
import os
import resource
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import uvicorn

from ops.watchdog import watching
from shared import clock
from shared.config import Settings, SettingsError, load
from shared.server import BoundedHttp
from shared.telemetry import OUTPUT

SERVICES = (*sorted(path.parent.name for path in (Path(__file__).parents[1] / "services").glob("*/app.py")), "gateway")
"""Everything that runs as a process of its own: a folder of `services` with an `app.py` is one."""
GRACEFUL_SECONDS = 3
OPEN_FILES = 65_536
MOST_AT_ONCE = 8_192
"""Connections, and requests, of a service; one more request is a 503. The gateway asks for no more than 768 answers and
6,144 streams at a time (docs/decisions/0076).
"""
LAST_WORDS_SECONDS = 0.5
COLLECT_AFTER = (10_000, 20, 50)
"""Objects, passes and passes of the collector until its next pass. Python's own 700 are fewer than what 64 requests
under way hold, and have it look at them again and again.
"""


def module(service: str) -> str:
    """Where a service's `create_app` is."""
    return "gateway.app" if service == "gateway" else f"services.{service}.app"


def serve(service: str, environ: Mapping[str, str], sockets: Sequence[socket.socket] = ()) -> None:
    """Serve until SIGTERM, on `sockets` or on PORTAL_HOST and PORTAL_PORT. Raises `SettingsError`."""
    app, settings = application(service, environ)
    # Each open stream holds two connections of the gateway and one of activity: the usual soft limit ends at 500.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, OPEN_FILES), most))
    # What exists now stays: out of the collector's sight, its full passes no longer show in the slowest answers.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    _Server(_config(app, settings)).run(sockets=list(sockets) or None)


class _Server(uvicorn.Server):
    """One that is ended where its event loop is silent, and says its last words."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        with watching(asyncio.get_running_loop()):
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        OUTPUT.drain(LAST_WORDS_SECONDS)


def application(service: str, environ: Mapping[str, str]) -> tuple[Any, Settings]:
    """A service's application and what it was told. Raises `SettingsError`."""
    create_app: Callable[[Any], Any] = importlib.import_module(module(service)).create_app
    kind: type[Settings] = get_type_hints(create_app)["settings"]
    settings = load(kind, environ)
    _run_ahead(settings)
    return create_app(settings), settings


def _run_ahead(settings: Settings) -> None:
    if settings.clock_offset and settings.env != "embedded":
        raise SettingsError("PORTAL_CLOCK_OFFSET: only the embedded stack may live in the future")
    try:
        clock.run_ahead(settings.clock_offset)
    except ValueError as error:
        raise SettingsError(f"PORTAL_CLOCK_OFFSET: {error} is no time ahead, such as +8d, +36h or +90m") from error


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    protocol = getattr(app, "protocol", None)  # the gateway brings its own, stricter one, and bounds each caller
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol or BoundedHttp,
        interface="asgi3",
        limit_concurrency=None if protocol else MOST_AT_ONCE,
        ws="none",
        lifespan="on",
        proxy_headers=False,  # anybody may send them; the peer's address travels in the signed claims
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,  # an open stream would else hold the shutdown for ever
    )


def main() -> None:
    """The command line: one service's name; everything else is in the environment."""
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        sys.exit(f"usage: python -m ops.serve {{{','.join(SERVICES)}}}")
    try:
        serve(sys.argv[1], os.environ)
    except SettingsError as error:
        sys.exit(f"{sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
