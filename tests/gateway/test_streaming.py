"""Bodies both ways, streams, and people who leave: nothing is buffered whole, nothing goes on for nobody."""

import asyncio

import pytest

from gateway.transfer import FIRST_PART
from tests.gateway.raw import Wire
from tests.gateway.rig import Rig
from tests.gateway.services import BEGIN, OK, Caller, Hasty, asking, behind, get

CHUNKED = b"Transfer-Encoding: chunked"
LARGE = b"x" * FIRST_PART
"""So much of a body that its service is asked to take it before the rest is there."""
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b"id: 1\nevent: milestone_completed\ndata: {}\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def read_chunks(caller: Caller) -> bytes:
    body = b""
    while size := int(await caller.reader.readuntil(b"\r\n"), 16):
        body += (await caller.reader.readexactly(size + 2))[:-2]
    await caller.reader.readuntil(b"\r\n")
    return body


@pytest.mark.parametrize("size", [100_001, 10_000_000])
async def test_body_that_says_it_is_too_large_is_refused_unread(rig: Rig, size: int) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()

    async with behind(rig, talk) as (gateway, service):
        answer = await get(gateway, b"/big", b"Content-Length: %d" % size, method=b"POST")
        assert (answer.status, answer.json()["code"]) == (413, "gateway.body_too_large")
        assert service.callers == []


async def test_ten_megabytes_sent_anyway_get_the_answer_too(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()

    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        length = b"Content-Length: 10000000"
        await wire.send(asking(b"/big", length, method=b"POST", body=b"x" * 10_000_000) + asking(b"/nothing"))
        assert [(await wire.read()).status, (await wire.read()).status] == [413, 404]
        wire.close()


async def test_chunks_that_add_up_to_too_much_are_refused_half_way(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.gone()
        gone.set()

    gone = asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/big", CHUNKED, method=b"POST", body=chunk(LARGE)))
        await asyncio.sleep(0.05)
        await wire.send(chunk(b"x" * 60_000))
        assert (await wire.read()).status == 413
        await gone.wait()
        wire.close()


async def test_largest_body_passes(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        while head := await caller.head():
            sizes.append(len(await (read_chunks(caller) if b"chunked" in head else caller.reader.readexactly(100_000))))
            await caller.say(OK)

    sizes: list[int] = []
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        body = b"x" * 100_000
        await wire.send(asking(b"/big", b"Content-Length: 100000", method=b"POST", body=body))
        assert (await wire.read()).status == 200
        halves = chunk(body[:50_000]) + chunk(body[50_000:])
        await wire.send(asking(b"/big", CHUNKED, method=b"POST", body=halves + b"0\r\n\r\n"))
        assert (await wire.read()).status == 200
        assert sizes == [100_000, 100_000]
        wire.close()


async def test_body_streams_up(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.reader.readexactly(FIRST_PART)
        arrived.set()
        await caller.reader.readuntil(b"0\r\n\r\n")
        await caller.say(OK)

    arrived = asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/patient", CHUNKED, method=b"POST", body=chunk(LARGE)))
        await arrived.wait()
        await wire.send(chunk(b"second") + b"0\r\n\r\n")
        assert (await wire.read()).status == 200
        wire.close()


async def test_answer_may_come_before_the_body_has_gone(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(OK)
        await caller.gone()
        gone.set()

    gone = asyncio.Event()
    async with behind(rig, talk) as (gateway, service):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/patient", b"Content-Length: 100000", method=b"POST", body=LARGE))
        assert (await wire.read()).status == 200
        await gone.wait()  # a connection on which half a body hangs is used by nobody else
        assert len(service.callers) == 1
        wire.close()


async def test_body_that_never_comes_is_408(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()

    async with behind(rig, talk, protocol=Hasty) as (gateway, service):
        answer = await get(gateway, b"/quick", b"Content-Length: 5", method=b"POST")
        assert (answer.status, answer.json()["code"]) == (408, "gateway.slow_body")
        assert service.callers == []


async def test_answer_streams_down(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(BEGIN + chunk(b"first"))
        await read.wait()
        await caller.say(chunk(b"second") + b"0\r\n\r\n")

    read = asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/patient"))
        await wire.reader.readuntil(b"first")
        read.set()
        assert (await wire.reader.readuntil(b"0\r\n\r\n")).endswith(b"second\r\n0\r\n\r\n")
        wire.close()


async def test_client_that_does_not_read_stops_the_service(rig: Rig) -> None:
    """200 MB wait at their source, not in the gateway's memory."""

    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        for _ in range(2000):
            try:
                await asyncio.wait_for(caller.say(b"x" * 100_000), 1)
            except TimeoutError:
                blocked.set()
                return
            passed.append(100_000)

    passed: list[int] = []
    blocked = asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        wire.reader._limit = 2**16
        wire.writer.transport.pause_reading()
        await wire.send(asking(b"/patient"))
        await blocked.wait()
        assert sum(passed) < 40_000_000  # what the kernel's buffers on both sides hold
        wire.close()


async def test_an_answer_lasts_as_long_as_its_service_goes_on(rig: Rig) -> None:
    """A download takes what it takes; the route's limit (1 s) is about silence."""

    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(BEGIN)
        for _ in range(12):
            await asyncio.sleep(0.1)
            await caller.say(chunk(b"part"))
        await caller.say(b"0\r\n\r\n")

    async with behind(rig, talk) as (gateway, _):
        assert (await get(gateway, b"/steady")).body == b"part" * 12


async def test_a_client_that_reads_slowly_is_not_a_service_that_is_silent(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(b"HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n")
        for _ in range(400):
            await caller.say(b"x" * 100_000)

    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        wire.writer.transport.pause_reading()
        await wire.send(asking(b"/steady"))
        await asyncio.sleep(1.2)
        wire.writer.transport.resume_reading()
        assert len((await wire.read()).body) == 40_000_000
        wire.close()


@pytest.mark.parametrize("said", [b"", BEGIN + chunk(b"first")], ids=["before the answer", "in the middle of it"])
async def test_client_that_leaves_ends_the_exchange(rig: Rig, said: bytes) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(said)
        asked.set()
        await caller.gone()
        gone.set()

    asked, gone = asyncio.Event(), asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/patient"))
        await asked.wait()
        wire.close()
        await gone.wait()


class TestEventStreams:
    """SSE: unbuffered, without a time limit, and not a moment longer than somebody listens."""

    async def open(self, gateway_port: int) -> Wire:
        wire = await Wire.open(gateway_port)
        await wire.send(asking(b"/stream"))
        await wire.reader.readuntil(b"\r\n\r\n")
        return wire

    async def test_each_event_comes_at_once_and_the_route_s_limit_ends_nothing(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            await caller.head()
            await caller.say(EVENTS)
            for _ in range(3):
                await caller.say(chunk(EVENT))
                await read.get()
                await asyncio.sleep(0.3)  # three times: longer than the route's 0.4 s
            await caller.say(chunk(EVENT))
            await caller.gone()

        read: asyncio.Queue[None] = asyncio.Queue()
        async with behind(rig, talk) as (gateway, _):
            wire = await self.open(gateway.port)
            for _ in range(4):
                assert await wire.reader.readexactly(len(chunk(EVENT))) == chunk(EVENT)
                read.put_nowait(None)
            wire.close()

    async def test_reader_that_leaves_ends_the_stream(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            await caller.head()
            await caller.say(EVENTS + chunk(EVENT))
            await caller.gone()
            gone.set()

        gone = asyncio.Event()
        async with behind(rig, talk) as (gateway, _):
            wire = await self.open(gateway.port)
            wire.close()
            await gone.wait()

    async def test_reader_with_a_request_behind_it_leaves_nothing_open(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            await caller.head()
            await caller.say(EVENTS + chunk(EVENT))
            await caller.gone()
            gone.set()

        gone = asyncio.Event()
        async with behind(rig, talk) as (gateway, _):
            wire = await Wire.open(gateway.port)
            await wire.send(asking(b"/stream") + asking(b"/quick"))
            await wire.reader.readuntil(EVENT)
            wire.close()
            await gone.wait()

    async def test_service_that_dies_ends_the_stream_in_good_order(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            await caller.head()
            await caller.say(EVENTS + chunk(EVENT))

        async with behind(rig, talk) as (gateway, _):
            wire = await self.open(gateway.port)
            assert await wire.reader.readuntil(b"0\r\n\r\n") == chunk(EVENT) + b"0\r\n\r\n"
            wire.close()

    async def test_stopping_gateway_ends_streams_and_lets_answers_finish(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            stream = b"/stream" in await caller.head()
            await caller.say(EVENTS + chunk(EVENT) if stream else BEGIN + chunk(b"first"))
            if not stream:
                await stopping.wait()
                await caller.say(chunk(b"second") + b"0\r\n\r\n")
            await caller.gone()

        stopping = asyncio.Event()
        async with behind(rig, talk) as (gateway, _):
            readers = [await self.open(gateway.port) for _ in range(20)]
            waiting = await Wire.open(gateway.port)
            await waiting.send(asking(b"/patient"))
            await waiting.reader.readuntil(b"first\r\n")
            stop = asyncio.create_task(asyncio.to_thread(gateway.stop))
            ends = [await wire.rest() for wire in readers]
            stopping.set()
            assert ends == [chunk(EVENT) + b"0\r\n\r\n"] * 20
            assert await waiting.rest() == b"6\r\nsecond\r\n0\r\n\r\n"
            await stop
