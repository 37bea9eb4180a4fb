"""Services that are away, break off, dawdle or talk nonsense: a clear answer, no hang, and never somebody else's."""

import asyncio
from typing import Any

import pytest

from gateway import proxy
from gateway.cookies import Cookies
from gateway.problems import Refused
from gateway.proxy import Proxy
from gateway.request import Request
from gateway.streams import Streams
from shared.breaker import SILENCES
from shared.claims import ClaimsRefused
from tests.gateway.raw import Wire
from tests.gateway.rig import Echo, Rig, read_body
from tests.gateway.rig import answer as say
from tests.gateway.services import BEGIN, OK, PATIENT, Caller, Service, asking, behind, get


def code(body: bytes) -> str:
    return body.decode().split('"code":"')[1].split('"')[0]


async def test_service_that_is_away_is_503(rig: Rig) -> None:
    gateway = rig.again(upstream_portal="http://127.0.0.1:1")
    answer = await get(gateway, b"/projects")
    assert (answer.status, code(answer.body)) == (503, "gateway.unreachable")
    assert int(answer.headers["retry-after"]) > 0
    gateway.end()


NONSENSE = {
    "hangs up": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nx: y",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    "folded header": b"HTTP/1.1 200 OK\r\nx: y\r\n z\r\ncontent-length: 2\r\n\r\nok",
    "switches protocols": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    "a status that means nothing": b"HTTP/1.1 999 What\r\ncontent-length: 2\r\n\r\nok",
    "only interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_502(rig: Rig, said: bytes) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(said)

    async with behind(rig, talk) as (gateway, service):
        answer = await get(gateway)
        assert (answer.status, code(answer.body)) == (502, "gateway.broken_answer")
        assert len(service.callers) == 1  # a new connection that dies is not tried again


@pytest.mark.parametrize("accept", [b"", b"Accept: text/html"], ids=["program", "person"])
async def test_claims_that_a_service_does_not_believe_are_nobodys_sign_out(rig: Rig, accept: bytes) -> None:
    """A clock or a key is wrong here, not the caller's session. Any other 401 is the service's own to say."""

    async def talk(caller: Caller) -> None:
        while head := await caller.head():
            challenge = ClaimsRefused.challenge.encode() if b" /patient?ours" in head else b"Bearer"
            await caller.say(b"HTTP/1.1 401 No\r\nwww-authenticate: " + challenge + b"\r\ncontent-length: 2\r\n\r\nno")

    async with behind(rig, talk) as (gateway, _):
        answer = await get(gateway, b"/patient?ours", *([accept] if accept else []))
        assert (answer.status, "www-authenticate" in answer.headers) == (503, False)
        assert int(answer.headers["retry-after"]) > 0
        assert (b"<h1>" in answer.body) if accept else (code(answer.body) == "gateway.claims_refused")
        assert (await get(gateway, b"/patient?theirs")).status == 401


async def test_slow_answer_is_504_and_given_up(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.gone()
        gone.set()

    gone = asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        answer = await get(gateway, b"/quick")
        assert (answer.status, code(answer.body)) == (504, "gateway.timeout")
        await gone.wait()


async def test_a_change_is_waited_for_longer_than_a_question(rig: Rig) -> None:
    """Who asked a question asks again; who changed something would have to find out first whether it was done."""

    async def talk(caller: Caller) -> None:
        while await caller.head():
            await asyncio.sleep(0.8)
            await caller.say(OK)

    async with behind(rig, talk) as (gateway, _):
        assert (await get(gateway, b"/quick", method=b"GET")).status == 504
        assert (await get(gateway, b"/quick", method=b"POST")).status == 200


async def test_what_finding_out_who_asks_has_taken_is_not_there_for_the_service(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(_scope: object, receive: Any, send: Any) -> None:
        await read_body(receive)
        await asyncio.sleep(1)
        await say(send, 404, b"{}")

    async def talk(caller: Caller) -> None:
        while await caller.head():
            await asyncio.sleep(0.2)
            await caller.say(OK)

    monkeypatch.setattr(proxy, "TOTAL_SECONDS", 0.5)
    identity = Echo({"/internal/sessions/resolve": resolve})
    async with behind(rig, talk, upstream_identity=identity.server.url) as (gateway, _):
        answer = await get(gateway, b"/quick", b"Cookie: portal_session=" + b"x" * 43)
        assert (answer.status, code(answer.body)) == (504, "gateway.timeout")
    identity.server.end()


async def test_a_silent_service_is_waited_for_by_three_and_comes_back_by_itself(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        while head := await caller.head():
            asked.append(head.split()[1])
            await awake.wait()
            await caller.say(OK)

    asked, awake = list[bytes](), asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        assert [(await get(gateway, b"/quick")).status for _ in range(SILENCES)] == [504] * SILENCES
        refused = [await get(gateway, b"/quick") for _ in range(20)]
        assert {(answer.status, code(answer.body)) for answer in refused} == {(503, "gateway.unreachable")}
        assert asked.count(b"/quick") == SILENCES
        awake.set()
        async with asyncio.timeout(60):
            while (await get(gateway)).status != 200:
                await asyncio.sleep(0.05)
        assert {(await get(gateway)).status for _ in range(20)} == {200}


@pytest.mark.parametrize("dawdles", [True, False], ids=["dawdles", "hangs up"])
async def test_answer_that_stops_half_way_is_torn_not_shortened(rig: Rig, dawdles: bool) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(BEGIN + b"4\r\nhalf\r\n")
        if dawdles:
            await caller.gone()

    async with behind(rig, talk) as (gateway, _):
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/quick"))
        rest = await wire.rest()
        assert rest.endswith(b"4\r\nhalf\r\n")


async def test_connection_is_used_again(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.say(OK)

    async with behind(rig, talk) as (gateway, service):
        assert {(await get(gateway)).body for _ in range(10)} == {b"ok"}
        assert len(service.callers) == 1


@pytest.mark.parametrize(
    ("method", "tries", "status"), [(b"GET", 2, 200), (b"HEAD", 2, 200), (b"POST", 1, 502), (b"DELETE", 1, 502)]
)
async def test_idle_connection_that_dies_is_replaced_for_a_request_that_changes_nothing(
    rig: Rig, method: bytes, tries: int, status: int
) -> None:
    async def talk(caller: Caller) -> None:
        head = await caller.head()
        heads.append(head)
        await caller.say(OK if not head.startswith(b"HEAD") else OK[:-2])
        if caller.number == 1:
            heads.append(await caller.head())  # and hang up without a word

    heads: list[bytes] = []
    async with behind(rig, talk) as (gateway, service):
        await get(gateway)
        wire = await Wire.open(gateway.port)
        await wire.send(asking(b"/patient", method=method))
        answered = await wire.reader.readuntil(b"\r\n\r\n")
        assert int(answered.split()[1]) == status
        assert len([head for head in heads[1:] if head]) == tries
        assert len(service.callers) == tries
        wire.close()


async def test_answer_that_had_begun_is_not_asked_for_again(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(OK)
        await caller.head()
        await caller.say(b"HTTP/1.1 2")

    async with behind(rig, talk) as (gateway, service):
        await get(gateway)
        assert (await get(gateway)).status == 502
        assert len(service.callers) == 1


SURPLUS = {
    "a second answer": OK + b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
    "bytes": OK + b"surplus",
    "an answer later": OK,
}


@pytest.mark.parametrize(("how", "said"), SURPLUS.items(), ids=SURPLUS.keys())
async def test_surplus_reaches_nobody(rig: Rig, how: str, said: bytes) -> None:
    """What a service says too much, together with its answer or while the connection is idle, is thrown away with it."""

    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.say(said)
            if how == "an answer later":
                await had.wait()
                await caller.say(OK.replace(b"ok", b"no"))
                await caller.gone()
                gone.set()

    had, gone = asyncio.Event(), asyncio.Event()
    async with behind(rig, talk) as (gateway, _):
        for _ in range(5):
            answer = await get(gateway)
            assert (answer.status, answer.body) == (200, b"ok")
            if how == "an answer later":
                had.set()
                await asyncio.wait_for(gone.wait(), 30)
                had.clear()
                gone.clear()


@pytest.mark.parametrize("hint", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"])
async def test_interim_answers_are_passed_over(rig: Rig, hint: bytes) -> None:
    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.say(hint + hint + OK)

    async with behind(rig, talk) as (gateway, _):
        answer = await get(gateway)
        assert (answer.status, answer.body, "link" in answer.headers) == (200, b"ok", False)


async def test_body_that_ends_with_the_connection_is_whole(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        await caller.head()
        await caller.say(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil ")
        await asyncio.sleep(0.05)
        await caller.say(b"the end")

    async with behind(rig, talk) as (gateway, service):
        assert {(await get(gateway)).body for _ in range(3)} == {b"until the end"}
        assert len(service.callers) == 3


async def test_trailer_of_an_answer_is_no_header(rig: Rig) -> None:
    async def talk(caller: Caller) -> None:
        while await caller.head():
            await caller.say(BEGIN + b"2\r\nok\r\n0\r\nset-cookie: portal_session=forged\r\n\r\n")

    async with behind(rig, talk) as (gateway, _):
        answer = await get(gateway)
        assert (answer.body, "set-cookie" in answer.headers) == (b"ok", False)


async def test_one_more_than_a_service_can_bear_is_told_so_at_once() -> None:
    async def hold(caller: Caller) -> None:
        await caller.head()
        held.set()
        await going_on.wait()
        await caller.say(OK)

    async def never(*_: object) -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    held, going_on, sent = asyncio.Event(), asyncio.Event(), list[Any]()
    listener = await asyncio.start_server(Service(hold).serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    proxy = Proxy({"projects": url}, [], Streams(), Cookies("http://portal.test"), max_in_flight=1)
    scope: Any = {"type": "http", "method": "GET", "raw_path": b"/quick", "query_string": b"", "state": {}}
    first = asyncio.create_task(proxy.forward(Request(scope), PATIENT, b"t", never, send))
    await held.wait()
    another = Request(scope)
    another.peer = "192.0.2.1"
    with pytest.raises(Refused) as refusal:
        await proxy.forward(another, PATIENT, b"t", never, send)
    assert (refusal.value.status, refusal.value.code) == (503, "gateway.busy")
    going_on.set()
    await first
    assert [message.get("status") or message["body"] for message in sent] == [200, b"ok"]
    await proxy.forward(Request(scope), PATIENT, b"t", never, send)
    proxy.close()
    listener.close()
