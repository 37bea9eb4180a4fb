"""What one caller can hold of what the gateway has only so many of, and for how long without getting on."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from gateway import transfer
from gateway.app import LOOK_UPS_EACH
from gateway.proxy import MAX_IN_FLIGHT, SHARE
from gateway.server import StrictHttp
from gateway.shares import Shares
from gateway.streams import MOST_EACH
from gateway.transfer import FIRST_PART
from ops.serve import MOST_AT_ONCE, _config
from shared.breaker import SILENCES
from shared.config import Settings
from shared.server import BoundedHttp
from tests.gateway.raw import Wire
from tests.gateway.rig import Echo, Rig, Server, answer, read_body
from tests.gateway.services import BEGIN, OK, Caller, Hasty, Steady, asking, behind, get

CHUNKED = b"Transfer-Encoding: chunked"
MAX_SHARE = MAX_IN_FLIGHT // SHARE


async def quickly(caller: Caller) -> None:
    while await caller.head():
        await caller.say(OK)


async def until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not told():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def wires(gateway: Server, count: int) -> AsyncIterator[list[Wire]]:
    async with AsyncExitStack() as stack:
        opened = [await Wire.open(gateway.port) for _ in range(count)]
        for wire in opened:
            stack.callback(wire.close)
        yield opened


@pytest.mark.parametrize(
    "beginning",
    [(b"Content-Length: 9", b""), (b"Content-Length: 9", b"x"), (CHUNKED, b""), (CHUNKED, b"1\r\nx\r\n"), (b"Content-Length: 60000", b"x" * 50_000)],
    ids=["no body", "one byte", "no chunk", "one chunk", "most of it"],
)  # fmt: skip
async def test_bodies_that_do_not_come_hold_no_place(rig: Rig, beginning: tuple[bytes, bytes]) -> None:
    header, body = beginning
    async with behind(rig, quickly) as (gateway, service), wires(gateway, MAX_IN_FLIGHT + 3) as slow:
        for wire in slow:
            await wire.send(asking(b"/patient", header, method=b"POST", body=body))
        assert [(await get(gateway)).status for _ in range(5)] == [200] * 5
        assert len(service.callers) == 1


async def test_body_that_slows_down_ends_the_exchange(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.gone()
        gone.set()

    gone = asyncio.Event()
    async with behind(rig, talk, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(b"/patient", b"Content-Length: 900000", method=b"POST", body=b"x" * FIRST_PART))
        trickle = asyncio.create_task(drip(wire, b"x"))
        answer = await wire.read()
        assert (answer.status, answer.json()["code"]) == (408, "gateway.slow_body")
        await gone.wait()
        assert await wire.rest() == b""
        trickle.cancel()


async def test_body_that_comes_at_its_pace_arrives(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.reader.readexactly(200_000)
        await caller.say(OK)

    async with behind(rig, talk, protocol=Steady) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(b"/patient", b"Content-Length: 200000", method=b"POST"))
        for _ in range(20):  # twice the time in which a body must get on
            await wire.send(b"x" * 10_000)
            await asyncio.sleep(0.1)
        assert (await wire.read()).status == 200


async def test_a_body_that_comes_with_the_end_of_its_head_is_none_of_it(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.reader.readexactly(60_000)
        await caller.say(OK)

    request = asking(b"/patient", b"Content-Length: 60000", method=b"POST", body=b"x" * 60_000)
    async with behind(rig, talk) as (gateway, _), wires(gateway, 5) as slow:
        for wire in slow:
            await wire.send(request[:40])
        await asyncio.sleep(0.2)
        for wire in slow:
            await wire.send(request[40:])
        assert [(await wire.read()).status for wire in slow] == [200] * 5


async def test_body_that_its_service_does_not_take_is_not_the_clients_fault(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await asyncio.sleep(1.5)
        await caller.reader.readexactly(900_000)
        await caller.say(OK)

    async with behind(rig, talk, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(b"/patient", b"Content-Length: 900000", method=b"POST", body=b"x" * 900_000))
        assert (await wire.read()).status == 200


async def test_long_body_is_its_clients_slowness_and_not_the_services_silence(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that has gone silent is asked by nobody (`shared.breaker`); no caller brings that about."""
    monkeypatch.setattr(transfer, "BODY_SECONDS", 0.5)

    async def talk(caller: Caller) -> None:
        if b"content-length" in await caller.head():
            await caller.gone()
        await caller.say(OK)

    async with behind(rig, talk) as (gateway, _), wires(gateway, SILENCES) as long:
        for wire in long:
            await wire.send(asking(b"/patient", b"Content-Length: 900000", method=b"POST", body=b"x" * FIRST_PART))
        answers = [await wire.read() for wire in long]
        assert [(answer.status, answer.json()["code"]) for answer in answers] == [(408, "gateway.slow_body")] * SILENCES
        assert (await get(gateway)).status == 200


class Frozen(Hasty):
    """Bounds that nobody here reaches who is read."""

    head_seconds = body_seconds = 2.0
    frozen_seconds = 0.4


@pytest.mark.parametrize("afterwards", [False, True], ids=["meanwhile", "afterwards"])
async def test_nobody_pays_for_the_time_in_which_the_gateway_stood_still(rig: Rig, afterwards: bool) -> None:
    """Its clock went on without it: people were cut off who had sent all of it, and would be who send it when it goes on."""

    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.reader.readexactly(100_000)
            await caller.say(OK)

    standing, resume, looked = threading.Event(), threading.Event(), threading.Event()

    def stand_still() -> None:
        standing.set()
        time.sleep(2.5)
        resume.wait(20)
        gateway.loop.call_later(0.05, looked.set)

    request = asking(b"/patient", b"Content-Length: 100000", method=b"POST", body=b"x" * 100_000)
    parts = (0, 40, 200)  # nothing, half a head, a bit of the body
    async with behind(rig, talk, protocol=Frozen) as (gateway, _), wires(gateway, len(parts)) as slow:
        for wire, part in zip(slow, parts, strict=True):
            await wire.send(request[:part])
        await asyncio.sleep(0.1)  # in which that is read
        gateway.loop.call_soon_threadsafe(stand_still)
        await until(standing.is_set)
        if afterwards:
            resume.set()
            await until(looked.is_set)
        for wire, part in zip(slow, parts, strict=True):
            await wire.send(request[part:])
        resume.set()
        assert [(await wire.read()).status for wire in slow] == [200] * len(parts)


async def drip(wire: Wire, data: bytes) -> None:
    """Send `data` again and again, for as long as somebody takes it."""
    try:
        while True:
            await wire.send(data)
            await asyncio.sleep(0.02)
    except ConnectionError:
        return


@pytest.mark.parametrize("path", [b"/big", b"/nothing", b"/patient"], ids=["too large", "no route", "answered early"])
async def test_rest_of_a_body_that_was_answered_keeps_no_connection(rig: Rig, path: bytes) -> None:
    async with behind(rig, quickly, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(path, b"Content-Length: 900000", method=b"POST", body=b"x" * FIRST_PART))
        answer = await wire.read()
        assert answer.status in (413, 404, 200)
        await asyncio.wait_for(drip(wire, b"x" * 1_000), 10)  # quicker than the pace


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: portal.test\r\nX-A: "], ids=["nothing", "half a head"])
async def test_head_that_does_not_come_keeps_no_connection(rig: Rig, said: bytes) -> None:
    async with behind(rig, quickly, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(said)
        assert (b"http.slow_head" in await wire.rest()) == bool(said)


class Idle(StrictHttp):
    """A connection that nobody uses ends soon."""

    look_seconds = 0.2

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = 0.4


async def test_line_feeds_between_requests_keep_no_connection(rig: Rig) -> None:
    async with behind(rig, quickly, protocol=Idle) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(b"/patient") + b"\r\n")
        assert (await wire.read()).status == 200
        await asyncio.wait_for(drip(wire, b"\r\n"), 10)


async def test_a_request_that_began_behind_another_is_not_idle(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(OK)
        await caller.head()
        await asyncio.sleep(1.5)
        await caller.say(OK)

    async with behind(rig, talk, protocol=Idle) as (gateway, _), wires(gateway, 1) as [wire]:
        request = asking(b"/patient")
        await wire.send(request + request[:9])
        assert (await wire.read()).status == 200
        await wire.send(request[9:])
        assert (await wire.read()).status == 200


async def test_an_answer_that_is_ready_leaves_though_its_reader_says_no_more() -> None:
    """To a client that closes its own side behind the request (RFC 1122, 4.2.2.13)."""

    async def at_once(_scope: object, _receive: object, send: Any) -> None:
        await answer(send, 200, b"ready")

    server = Server(at_once, protocol=BoundedHttp)
    async with wires(server, 20) as opened:
        for wire in opened:
            wire.writer.write(asking(b"/"))
            wire.writer.write_eof()
        assert [(await wire.read()).body for wire in opened] == [b"ready"] * 20
    server.end()


async def test_who_leaves_before_the_answers_is_no_error(rig: Rig) -> None:
    faults: list[object] = []
    async with behind(rig, quickly) as (gateway, _):
        gateway.loop.set_exception_handler(lambda _loop, told: faults.append(told))
        for _ in range(20):
            wire = await Wire.open(gateway.port)
            reset = struct.pack("ii", 1, 0)
            wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            wire.writer.write(asking(b"/nothing") * 2)
            wire.writer.transport.abort()
        assert (await get(gateway)).status == 200
    assert faults == []


async def endless(caller: Caller) -> None:
    await caller.head()
    await caller.say(BEGIN)
    while True:
        await caller.say(b"10000\r\n" + b"x" * 65536 + b"\r\n")


@pytest.mark.parametrize("path", [b"/patient", b"/stream"])
async def test_reader_that_takes_nothing_is_let_go(rig: Rig, path: bytes) -> None:
    async def talk(caller: Caller) -> None:
        try:
            await endless(caller)
        finally:
            gone.set()

    gone = asyncio.Event()
    async with behind(rig, talk, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        wire.writer.transport.pause_reading()
        await wire.send(asking(path))
        await asyncio.wait_for(gone.wait(), 20)


async def test_answers_that_nobody_reads_are_let_go(rig: Rig) -> None:
    """Each was handed over long ago, so that no exchange waits for its reader any more."""

    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.say(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000)

    async with behind(rig, talk, protocol=Hasty) as (gateway, _), wires(gateway, 1) as [wire]:
        await until(lambda: gateway.connections == 1)
        wire.writer.transport.pause_reading()
        await wire.send(asking(b"/patient") * 120)
        await until(lambda: not gateway.connections)


async def test_reader_at_its_pace_gets_all_of_a_long_answer(rig: Rig) -> None:
    size = 8_000_000

    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
        await caller.gone()

    async with behind(rig, talk, protocol=Steady) as (gateway, _), wires(gateway, 1) as [wire]:
        wire.writer.transport.pause_reading()
        await wire.send(asking(b"/patient"))
        for _ in range(20):  # twice the time in which an answer must be taken on
            wire.writer.transport.resume_reading()
            await asyncio.sleep(0.01)
            wire.writer.transport.pause_reading()
            await asyncio.sleep(0.1)
        wire.writer.transport.resume_reading()
        assert len((await wire.read()).body) == size


async def test_requests_behind_one_another_are_so_many_at_most(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        held.set()
        await going_on.wait()
        await caller.say(OK)
        await quickly(caller)

    held, going_on = asyncio.Event(), asyncio.Event()
    async with behind(rig, talk) as (gateway, _), wires(gateway, 1) as [wire]:
        await wire.send(asking(b"/patient") * (StrictHttp.most_pipelined + 50))
        await held.wait()
        going_on.set()
        statuses = [(await wire.read()).status for _ in range(StrictHttp.most_pipelined + 2)]
        assert statuses == [200] * (StrictHttp.most_pipelined + 1) + [429]
        assert await wire.rest() == b""


class TestShares:
    """One caller cannot take what all the others need."""

    async def test_person_has_a_share_and_others_theirs(self, rig: Rig) -> None:
        """With all its sessions together; who is not signed in counts apart, by address."""

        async def talk(caller: Caller) -> None:
            if b"held" not in await caller.head():
                await caller.say(OK)
                await quickly(caller)
            await caller.gone()

        _, _, person = rig.identity.sign_in()
        mine = [rig.identity.sign_in(person_id=person.person_id)[0] for _ in range(2)]
        another, *_ = rig.identity.sign_in()
        async with behind(rig, talk) as (gateway, service), wires(gateway, MAX_SHARE) as held:
            for number, wire in enumerate(held):
                await wire.send(asking(b"/patient/held", signed_in(mine[number % 2]), method=b"POST"))
            await until(lambda: len(service.callers) == len(held))
            answer = await get(gateway, b"/patient", signed_in(mine[0]))
            assert (answer.status, answer.json()["code"]) == (429, "gateway.too_many_at_once")
            assert int(answer.headers["retry-after"]) > 0
            assert (await get(gateway, b"/patient", signed_in(another))).status == 200
            assert (await get(gateway, b"/patient")).status == 200
            held[0].close()
            while (await get(gateway, b"/patient", signed_in(mine[0]))).status != 200:
                await asyncio.sleep(0.05)

    async def test_strangers_together_never_stand_in_the_way_of_who_signed_in(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            if b"held" not in await caller.head():
                await caller.say(OK)
            await caller.gone()

        cookie, *_ = rig.identity.sign_in()
        proxied = {"trusted_proxies": "127.0.0.0/8"}
        async with behind(rig, talk, **proxied) as (gateway, service), wires(gateway, MAX_IN_FLIGHT // 2) as held:
            for number, wire in enumerate(held):
                address = b"X-Forwarded-For: 203.0.113.%d" % (number % 32)
                await wire.send(asking(b"/patient/held", address, method=b"POST"))
                if number % 16 == 15:  # connecting has a limit, which all of them at once might miss
                    await until(lambda sent=number + 1: len(service.callers) == sent)
            answer = await get(gateway, b"/patient", b"X-Forwarded-For: 198.51.100.1")
            assert (answer.status, answer.json()["code"]) == (503, "gateway.busy")
            assert (await get(gateway, b"/patient", signed_in(cookie))).status == 200

    async def test_person_has_so_many_streams(self, rig: Rig) -> None:
        async def talk(caller: Caller) -> None:
            await caller.head()
            await caller.say(BEGIN)
            await caller.gone()

        cookie, *_ = rig.identity.sign_in()
        another, *_ = rig.identity.sign_in()
        async with behind(rig, talk) as (gateway, _), wires(gateway, MOST_EACH + 2) as streams:
            for wire in streams[: MOST_EACH + 1]:
                await wire.send(asking(b"/stream", signed_in(cookie)))
            begun = [await wire.reader.readuntil(b"\r\n") for wire in streams[: MOST_EACH + 1]]
            assert sorted(begun) == [b"HTTP/1.1 200 OK\r\n"] * MOST_EACH + [b"HTTP/1.1 429 Too Many Requests\r\n"]
            await streams[-1].send(asking(b"/stream", signed_in(another)))
            assert await streams[-1].reader.readuntil(b"\r\n") == b"HTTP/1.1 200 OK\r\n"

    async def test_address_has_so_many_connections(self, rig: Rig) -> None:
        async with behind(rig, quickly) as (gateway, _):
            gateway.app.connections = Shares(100, 3)
            async with wires(gateway, 3):
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await get(gateway)
                elsewhere = Wire(*await asyncio.open_connection("127.0.0.1", gateway.port, local_addr=("127.0.0.2", 0)))
                await elsewhere.send(asking(b"/patient"))
                assert (await elsewhere.read()).status == 200
                elsewhere.close()
            await until(lambda: not gateway.connections)
            assert (await get(gateway)).status == 200

    async def test_trusted_proxy_carries_many_callers(self, rig: Rig) -> None:
        async with behind(rig, quickly, trusted_proxies="127.0.0.0/8") as (gateway, _):
            gateway.app.connections = Shares(100, 3)
            async with wires(gateway, 10):
                assert (await get(gateway)).status == 200

    async def test_cookies_of_one_address_are_looked_up_in_turns(self, rig: Rig) -> None:
        """What one address calls sessions does not flood identity."""

        async def resolve(_scope: object, receive: object, send: object) -> None:
            await read_body(receive)
            asking_now.add(task := asyncio.current_task())
            most.append(len(asking_now))
            if len(asking_now) == LOOK_UPS_EACH:
                all_there.set()
            await all_there.wait()
            await asyncio.sleep(0.05)
            asking_now.remove(task)
            await answer(send, 404, b"{}")

        asking_now, most, all_there = set[object](), list[int](), asyncio.Event()
        identity = Echo({"/internal/sessions/resolve": resolve})
        async with (
            behind(rig, quickly, upstream_identity=identity.server.url) as (gateway, _),
            wires(gateway, 200) as many,
        ):
            for number, wire in enumerate(many):
                await wire.send(asking(b"/patient", signed_in(f"{number:043}")))
            assert {(await wire.read()).status for wire in many} <= {200, 429}
        assert (len(most), max(most)) == (200, LOOK_UPS_EACH)
        identity.server.end()


def signed_in(cookie: str) -> bytes:
    return f"Cookie: portal_session={cookie}".encode()


class TestServices:
    """A service's own port, reached past the gateway."""

    class Hasty(BoundedHttp):
        look_seconds = 0.05
        head_seconds = body_seconds = reader_seconds = 0.4

    @pytest.mark.parametrize(
        "said",
        [b"", b"GET / HTTP/1.1\r\nX-A: ", b"GET / HTTP/1.1\r\nX-A: " + b"x" * 3 * BoundedHttp.head_bytes, asking(b"/", b"Content-Length: 9", method=b"POST")],
        ids=["nothing", "half a head", "endless head", "no body"],
    )  # fmt: skip
    async def test_nobody_is_waited_for_without_end(self, said: bytes) -> None:
        echo = Echo()
        server = Server(echo, protocol=self.Hasty)
        wire = await Wire.open(server.port)
        await wire.send(said)
        assert await asyncio.wait_for(wire.rest(), 10) == b""
        await until(lambda: echo.begun == echo.broken_off)
        server.end()
        echo.server.end()

    async def test_head_has_an_end_however_quickly_it_comes(self) -> None:
        class Patient(BoundedHttp):
            head_seconds = 300.0

        echo = Echo()
        server = Server(echo, protocol=Patient)
        wire = await Wire.open(server.port)
        await wire.send(b"GET / HTTP/1.1\r\nX-A: " + b"x" * 3 * BoundedHttp.head_bytes)
        assert await asyncio.wait_for(wire.rest(), 60) == b""
        server.end()
        echo.server.end()

    def test_every_service_is_served_so(self) -> None:
        """The one place where processes are given their server."""
        config = _config(object(), Settings(public_url="http://portal.test"))
        assert (config.http, config.limit_concurrency) == (BoundedHttp, MOST_AT_ONCE)
