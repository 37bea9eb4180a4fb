"""`/readyz` is red whenever work is not being done, and says which."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from asyncpg import CannotConnectNowError
from litestar import Litestar
from litestar.testing import AsyncTestClient

from shared.background import Background
from shared.http import readyz


def on_time() -> dict[str, bool]:
    return {"outbox": True, "inbox things": True}


def late() -> dict[str, bool]:
    return {"outbox": True, "inbox things": False}


def away() -> dict[str, bool]:
    raise CannotConnectNowError("the database system is starting up")


class Traffic:
    def __init__(self, found: Callable[[], dict[str, bool]]) -> None:
        self._found = found

    async def look(self) -> dict[str, bool]:
        return self._found()


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise RuntimeError


WELL = {"relay": "ok", "database": "ok", "outbox": "ok", "inbox things": "ok"}


@pytest.mark.parametrize(
    ("work", "found", "status", "said"),
    [
        (forever, on_time, 200, WELL),
        (fails, on_time, 503, WELL | {"relay": "down"}),
        (forever, late, 503, WELL | {"inbox things": "late"}),
        (forever, away, 503, {"relay": "ok", "database": "down"}),
    ],
)
async def test_a_service_is_ready_while_all_of_its_work_is_done(
    work: Callable[[], Any], found: Callable[[], dict[str, bool]], status: int, said: dict[str, str]
) -> None:
    app = Litestar([readyz])
    background = Background()
    app.state.update({"database": object(), "background": background, "traffic": Traffic(found)})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(background.keep("relay", work))
        async with asyncio.timeout(30):
            while background.works()["relay"] is (work is fails):
                await asyncio.sleep(0.01)
        http = await stack.enter_async_context(AsyncTestClient(app))
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (status, said)
