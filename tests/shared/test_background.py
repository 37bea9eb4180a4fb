"""Background work goes on after whatever ends it, says so, and ends when it is told to."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from shared import background
from shared.background import ENDED, Background
from tests.clocks import clock_of


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(background, "INSIST_SECONDS", 0.05)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


async def forever() -> None:
    await asyncio.Event().wait()


async def cancels_itself() -> None:
    """What a library leaves behind that cancels and forgets to take it back."""
    task = asyncio.current_task()
    assert task
    task.cancel()
    await asyncio.sleep(0)


async def fails() -> None:
    raise asyncpg.InternalClientError("got result for unknown protocol state 3")


async def returns() -> None:
    return


@pytest.mark.parametrize("end", [fails, cancels_itself, returns])
async def test_whatever_ends_work_it_is_begun_again_and_shown(
    end: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "SETTLED_SECONDS", 60)
    kept, clock = Background(), clock_of(monkeypatch, background)
    before = ENDED.labels("work")._value.get()
    attempts = 0

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 3:
            return await end()
        task = asyncio.current_task()
        assert task
        assert not task.cancelling(), "a cancellation of an earlier attempt reached this one"
        return await forever()

    async with kept.keep("work", work):
        await until(lambda: attempts == 3)
        assert kept.works() == {"work": False}
        await until(lambda: attempts == 4)
        assert kept.works() == {"work": False}, "it only just began again"
        clock.ahead = 61
        assert kept.works() == {"work": True}
    assert kept.works() == {}
    assert ENDED.labels("work")._value.get() == before + 3


async def test_work_ends_when_it_is_told_to_also_where_cancellations_are_lost() -> None:
    kept, heard = Background(), 0

    async def work() -> None:
        nonlocal heard
        while heard < 3:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                heard += 1

    async with kept.keep("work", work):
        await asyncio.sleep(0)
    assert heard == 3


async def test_who_is_told_twice_to_end_still_sees_its_own_work_end() -> None:
    outer, inner = Background(), Background()
    stop = asyncio.Event()
    finished = False

    async def slow_to_end() -> None:
        nonlocal finished
        await stop.wait()
        await asyncio.sleep(0.2)  # the outer one insists meanwhile
        finished = True

    async def work() -> None:
        async with inner.keep("inner", slow_to_end, finish=stop.set):
            await forever()

    async with outer.keep("outer", work):
        await until(lambda: inner.works() == {"inner": True})
    assert finished


async def test_an_error_of_work_that_is_ending_is_no_surprise_to_the_loop() -> None:
    """Python says "Task exception was never retrieved" of what nobody looked at. What others left is found here as well."""

    class OursError(OSError): ...

    surprises: list[dict[str, Any]] = []
    loop, kept, stop = asyncio.get_running_loop(), Background(), asyncio.Event()

    async def work() -> None:
        await stop.wait()
        raise OursError

    loop.set_exception_handler(lambda _, context: surprises.append(context))
    try:
        async with kept.keep("work", work, finish=stop.set):
            await asyncio.sleep(0)
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert [each for each in surprises if isinstance(each.get("exception"), OursError)] == []


async def test_work_that_can_finish_is_asked_to() -> None:
    kept, stop = Background(), asyncio.Event()
    finished = False

    async def work() -> None:
        nonlocal finished
        await stop.wait()
        await asyncio.sleep(0.1)
        finished = True

    async with kept.keep("work", work, finish=stop.set):
        await asyncio.sleep(0)
    assert finished
