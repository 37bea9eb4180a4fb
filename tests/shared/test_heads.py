"""HEAD wherever GET is: the same status and headers, no body; OPTIONS says what a resource takes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar, Router, get, post
from litestar.response import Stream
from litestar.testing import AsyncTestClient

from shared.heads import with_heads


@get("/thing", sync_to_thread=False)
def thing() -> dict[str, str]:
    return {"name": "Shop"}


@post("/thing", sync_to_thread=False)
def change_thing() -> None:
    return None


@post("/made", sync_to_thread=False)
def made() -> None:
    return None


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x"


@get("/stream", sync_to_thread=False)
def stream() -> Stream:
    return Stream(_endless())


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient[Litestar]]:
    app = Litestar([Router("/", route_handlers=[thing, change_thing]), made, stream])
    app.asgi_handler = with_heads(app.asgi_handler)
    async with AsyncTestClient(app) as client:
        yield client


async def test_head_is_get_without_its_body(client: AsyncTestClient[Litestar]) -> None:
    whole, head = await client.get("/thing"), await client.head("/thing")
    assert (head.status_code, dict(head.headers), head.content) == (200, dict(whole.headers), b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (await client.head("/nothing")).status_code == 404


async def test_what_is_allowed_agrees(client: AsyncTestClient[Litestar]) -> None:
    """Also of a resource whose methods are answered by several handlers."""
    asked, refused = await client.options("/thing"), await client.put("/thing")
    assert (asked.status_code, asked.content, asked.headers["allow"]) == (204, b"", "GET, HEAD, OPTIONS, POST")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert "HEAD" not in (await client.options("/made")).headers["allow"]
    assert (await client.head("/made")).status_code == 405
    assert (await client.options("/nothing")).status_code == 404


async def test_an_answer_without_end_has_a_head_that_ends(client: AsyncTestClient[Litestar]) -> None:
    async with asyncio.timeout(30):
        assert (await client.head("/stream")).status_code == 200


async def test_no_byte_of_the_body_is_sent() -> None:
    """Asked without a client, which would drop it by itself."""
    sent: list[Any] = []

    async def whole(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole", "more_body": False})

    async def hear() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asked: Any = {"type": "http", "method": "HEAD"}
    await with_heads(whole)(asked, hear, send)
    assert [each.get("body") for each in sent] == [None, b""]
