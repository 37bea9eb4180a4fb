"""A service as bytes: it answers, breaks off, dawdles or talks nonsense exactly as a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.app import Gateway
from gateway.routes import Route
from gateway.server import StrictHttp
from tests.gateway.raw import Answer, Wire
from tests.gateway.rig import Rig, Server

Talk = Callable[["Caller"], Awaitable[None]]
PATIENT = Route(prefix="/patient", upstream="projects", access="public", audience=("projects",), timeout=60)
TABLE = (
    PATIENT,
    Route(prefix="/quick", upstream="projects", access="public", audience=("projects",), timeout=0.4),
    Route(prefix="/steady", upstream="projects", access="public", audience=("projects",), timeout=1),
    Route(prefix="/big", upstream="projects", access="public", audience=("projects",), max_body=100_000),
    Route(prefix="/stream", upstream="projects", access="public", audience=("projects",), timeout=0.4, stream=True),
)
"""By `/quick` a service is asked that is silent on purpose: a busy machine may be silent that long by itself."""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BEGIN = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Hasty(StrictHttp):
    """The same bounds, sooner reached."""

    look_seconds = 0.05
    head_seconds = body_seconds = reader_seconds = 0.4
    pace = 20_000


class Steady(Hasty):
    """For those who keep to the pace: so long may the machine keep them from it."""

    body_seconds = reader_seconds = 1.0


class Caller:
    """The gateway's connection, as the service sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """The next request's head, b"" where there is no further one."""
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Returns when the gateway has hung up."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionResetError:
            pass


class Service:
    """Counts connections and requests; `talk` is what it does with a connection."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.callers: list[Caller] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = Caller(len(self.callers) + 1, reader, writer)
        self.callers.append(caller)
        try:
            await self._talk(caller)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def behind(
    rig: Rig, talk: Talk, *, protocol: Any = Gateway.protocol, **settings: Any
) -> AsyncIterator[tuple[Server, Service]]:
    """A gateway with the routes of `TABLE` in front of a service that talks like this."""
    service = Service(talk)
    listener = await asyncio.start_server(service.serve, "127.0.0.1", 0, backlog=1024)
    port = listener.sockets[0].getsockname()[1]
    gateway = rig.again(TABLE, protocol=protocol, upstream_projects=f"http://127.0.0.1:{port}", **settings)
    try:
        yield gateway, service
    finally:
        gateway.end()
        listener.close()


def asking(path: bytes, *headers: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    lines = b"".join(line + b"\r\n" for line in headers)
    return method + b" " + path + b" HTTP/1.1\r\nHost: portal.test\r\n" + lines + b"\r\n" + body


async def get(
    gateway: Server, path: bytes = PATIENT.prefix.encode(), *headers: bytes, method: bytes = b"GET"
) -> Answer:
    wire = await Wire.open(gateway.port)
    try:
        await wire.send(asking(path, *headers, method=method))
        return await wire.read()
    finally:
        wire.close()
