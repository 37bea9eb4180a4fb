"""HTTP as bytes: what no client library would send."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

PROJECTS = b"/api/client-portal/projects"


@dataclass
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Wire:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> "Wire":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read(self) -> Answer:
        """The next answer. Raises `IncompleteReadError` where the connection ends instead."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        if "transfer-encoding" in headers:
            body = b"".join([chunk async for chunk in self.chunks()])
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(line.split()[1]), headers, body)

    async def chunks(self) -> Any:
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self.writer.transport.abort()


async def ask(port: int, request: bytes) -> tuple[Answer, bytes]:
    """One request on a connection of its own, closed after it: the answer and whatever else came."""
    wire = await Wire.open(port)
    try:
        await wire.send(request)
        answer = await wire.read()
        if wire.writer.can_write_eof():
            wire.writer.write_eof()
        return answer, await wire.rest()
    finally:
        wire.close()


def request(*headers: bytes, path: bytes = PROJECTS, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """A request with these header lines, verbatim, and a Host."""
    lines = b"".join(line + b"\r\n" for line in headers)
    return method + b" " + path + b" HTTP/1.1\r\nHost: portal.test\r\n" + lines + b"\r\n" + body
