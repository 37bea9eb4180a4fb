"""The private port: metrics, health and keys, for the operator and the services, never for the internet."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import make_asgi_app
from uvicorn.server import ServerState

from shared.server import BoundedHttp


@asynccontextmanager
async def private_port(pages: ASGIApp, host: str, port: int) -> AsyncGenerator[None]:
    """Serve `/metrics` and the gateway's own pages on `port` while the context is open; 0 means not at all."""
    if not port:
        yield
        return
    metrics: Any = make_asgi_app()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (metrics if scope["path"] == "/metrics" else pages)(scope, receive, send)

    config = uvicorn.Config(app, ws="none", access_log=False, log_config=None, server_header=False, proxy_headers=False)
    config.load()
    # A second `uvicorn.Server` would fight the first one for the signals: this is its listening part alone.
    state = ServerState()
    listener = await asyncio.get_running_loop().create_server(lambda: BoundedHttp(config, state, {}), host, port)
    try:
        yield
    finally:
        listener.close()
        for connection in list(state.connections):
            connection.shutdown()
