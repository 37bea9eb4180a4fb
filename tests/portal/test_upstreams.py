"""A service that has gone silent, as its pages see it: few wait, and it is asked again once it answers."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.portal import services
from services.portal.services import Service, ServiceProblem, Upstream
from shared.breaker import SILENCES


class Frozen:
    """Takes connections and says nothing until `awake`."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split()[1].decode())
        await self.awake.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()


@pytest.fixture
def frozen() -> Frozen:
    return Frozen()


async def once() -> dict[str, str]:
    """Nobody sent a form."""
    return {}


def wait(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for name in ("READING", "WRITING"):
        monkeypatch.setattr(services, name, aiohttp.ClientTimeout(total=seconds))


@pytest.fixture
async def service(frozen: Frozen, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    wait(monkeypatch, 0.5)
    listener = await asyncio.start_server(frozen.serve, "127.0.0.1", 0)
    upstream = Upstream(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    async with aiohttp.ClientSession() as http:
        yield Service(http, upstream, {}, once)
    listener.close()


async def test_three_wait_then_nobody_and_it_comes_back_by_itself(service: Service, frozen: Frozen) -> None:
    for _ in range(SILENCES + 20):
        with pytest.raises(ServiceProblem) as problem:
            await service.get("projects", dict)
        assert (problem.value.status, problem.value.code) == (503, "unavailable")
    assert frozen.asked.count("/api/client-portal/projects") == SILENCES
    frozen.awake.set()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await service.get("projects", dict) == {}
            except ServiceProblem:
                await asyncio.sleep(0.05)
            else:
                break


async def test_a_change_that_nobody_answered_may_have_been_made_and_its_page_asks_no_more(
    service: Service, frozen: Frozen
) -> None:
    """The gateway waits for one such call and not for another: the page could say nothing after it."""
    for ask in (service.post("projects", dict, {}), service.get("projects", dict)):
        with pytest.raises(ServiceProblem) as problem:
            await ask
        assert (problem.value.status, problem.value.code) == (504, "timeout")
    assert frozen.asked == ["/api/client-portal/projects"]


async def test_errors_and_answers_are_no_silence(
    service: Service, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        frozen.awake.clear()
        wait(monkeypatch, 0.5)
        for _ in range(SILENCES - 1):
            with pytest.raises(ServiceProblem):
                await service.get("projects", dict)
        frozen.awake.set()
        wait(monkeypatch, 60)
        assert await service.get("projects", dict) == {}
