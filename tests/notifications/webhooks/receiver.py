"""A partner system that is told: a real HTTP server, with a check of its own whether it was us."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web


class Told(msgspec.Struct, frozen=True):
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def is_signed(secret: str, told: Told, *, now: float | None = None) -> bool:
    """The check of the Standard Webhooks specification, written from its text ("Verifying webhook authenticity")."""
    sent = int(told.headers["webhook-timestamp"])
    if abs((time.time() if now is None else now) - sent) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join([told.headers["webhook-id"].encode(), str(sent).encode(), told.body])
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
    versions = (each.partition(",") for each in told.headers["webhook-signature"].split(" "))
    return any(v == "v1" and hmac.compare_digest(expected, signature.encode()) for v, _, signature in versions)


class Receiver:
    """Each path is a receiver of its own: what it was told, and what it answers (200 unless said otherwise).

    `hold` has a path wait before it answers, until `release`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.answers: dict[str, web.Response | int] = {}
        self.told: defaultdict[str, list[Told]] = defaultdict(list)
        self._held: dict[str, asyncio.Event] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        [(_, self.port)] = self._runner.addresses
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Be away: connections are refused."""
        for held in self._held.values():
            held.set()
        if self._runner:
            await self._runner.cleanup()

    def hold(self, path: str) -> None:
        self._held[path] = asyncio.Event()

    def release(self, path: str) -> None:
        self._held.pop(path).set()

    async def wait_for(self, path: str, count: int = 1) -> list[Told]:
        """Everything `path` was told, once it is as much."""
        async with asyncio.timeout(30):
            while len(self.told[path]) < count:
                await asyncio.sleep(0.01)
        return self.told[path]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        body = await request.read()
        self.told[path].append(Told({name.lower(): value for name, value in request.headers.items()}, body))
        if held := self._held.get(path):
            await held.wait()
        answer = self.answers.get(path, 200)
        return web.Response(status=answer) if isinstance(answer, int) else answer


@asynccontextmanager
async def receiving() -> AsyncGenerator[Receiver]:
    """A receiver that is there."""
    receiver = Receiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()
