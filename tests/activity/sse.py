"""A reader of server-sent events, as a browser is one (WHATWG HTML, 9.2)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from shared.actor import Actor
from shared.testing.claims import Signer


@dataclass
class Message:
    """One dispatched event; `data` decoded."""

    event: str
    id: str
    data: Any


class EventSource:
    """One connection. Remembers the last id as a browser does, also of blocks without data."""

    def __init__(self, response: aiohttp.ClientResponse, last_id: str | None) -> None:
        self.response = response
        self.last_id = last_id
        self.retry: int | None = None
        self.comments = 0
        self.torn = False

    async def next(self) -> Message:
        """The next event; raises `EOFError` when the server has closed."""
        async with asyncio.timeout(60):
            while True:
                message = await self.read_block()
                if message:
                    return message

    async def take(self, count: int) -> list[Message]:
        return [await self.next() for _ in range(count)]

    async def begun(self) -> None:
        """Wait for the first block: from here on nothing can be missed."""
        await self.read_block()

    def tear(self) -> None:
        """Go without saying so: the server gets a reset instead of an end."""
        connection = self.response.connection
        if connection and connection.transport:
            connection.transport.abort()

    async def read_block(self) -> Message | None:
        """Read up to the next empty line; the event it dispatches, if it does."""
        event, data = "message", ""
        for line in (await self._block()).split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "":
                    self.comments += 1
                case "id":
                    self.last_id = value
                case "event":
                    event = value
                case "data":
                    data += value
                case "retry":
                    self.retry = int(value)
        return Message(event, self.last_id or "", msgspec.json.decode(data)) if data else None

    async def _block(self) -> str:
        try:
            block = await self.response.content.readuntil(b"\n\n")
        except aiohttp.ClientPayloadError as error:
            self.torn = True
            raise EOFError from error
        if not block.endswith(b"\n\n"):
            raise EOFError
        return block[:-2].decode()


class Browser:
    """Opens event sources at one address, as whom you like."""

    def __init__(self, url: str, signer: Signer, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._signer = signer
        self._http = http

    @asynccontextmanager
    async def open(
        self, actor: Actor, client_id: UUID | str | None = None, last_id: str | None = None, language: str = ""
    ) -> AsyncGenerator[EventSource]:
        headers = self._signer.headers(actor, "activity") | {"Accept-Language": language}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        async with self._http.get(f"{self.url}/api/events/{client_id or actor.client_id}", headers=headers) as response:
            yield EventSource(response, last_id)
