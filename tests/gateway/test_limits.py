"""G5: limits count the real peer, over all gateways together, and stay on when Redis does not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import redis.asyncio as aioredis
from structlog.testing import capture_logs

from gateway import peers
from gateway.flights import SingleFlight
from gateway.peers import is_local, limit_key, parse_networks, real_peer
from ops.stack.backing import Backing
from shared.config import SettingsError
from tests.gateway.rig import Rig, answer, read_body

LOGIN = "/api/client-portal/auth/login"
PROXIES = parse_networks("10.0.0.0/8, 2001:db8::/32")

PEERS = [
    ("203.0.113.5", None, "203.0.113.5"),
    ("203.0.113.5", "198.51.100.1", "203.0.113.5"),  # not from a proxy: what it writes is a story
    ("10.0.0.1", None, "10.0.0.1"),
    ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the left one is the caller's own addition
    ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
    ("10.0.0.1", "nonsense, 198.51.100.1", "198.51.100.1"),
    ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", ",,,", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),  # some proxies write the port as well
    ("10.0.0.1", "1.1.1.1:80, 198.51.100.7:51008, 10.0.0.2:443", "198.51.100.7"),
    ("10.0.0.1", "[2a00:1::1]:4711", "2a00:1::1"),
    ("10.0.0.1", "[2a00:1::1]", "2a00:1::1"),
    ("10.0.0.1", "for=198.51.100.1;proto=https;by=203.0.113.43", "198.51.100.1"),  # RFC 7239, 4
    ("10.0.0.1", 'for=1.1.1.1, proto=https; For="[2A00:1::1]:4711"', "2a00:1::1"),
    ("10.0.0.1", "for=198.51.100.1, for=unknown", "10.0.0.1"),
    ("10.0.0.1", "for=198.51.100.1, for=_hidden", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.1:x:y", "10.0.0.1"),
    ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
    ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ("2001:db8::1", "2001:DB8:0::2, 2a00:1:2:3::4", "2a00:1:2:3::4"),
    ("", "198.51.100.1", ""),
]


@pytest.mark.parametrize(("socket", "forwarded", "peer"), PEERS)
def test_real_peer(socket: str, forwarded: str | None, peer: str) -> None:
    assert real_peer(socket, forwarded.encode() if forwarded is not None else None, PROXIES) == peer


def test_what_cannot_be_read_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_WARNED", [])
    with capture_logs() as logged:
        for told in (b"198.51.100.1, elsewhere", b"nowhere", b"198.51.100.1"):
            real_peer("10.0.0.1", told, PROXIES)
    assert [(line["event"], line["log_level"], line["told"]) for line in logged] == [
        ("gateway.caller_unknown", "error", "elsewhere")
    ]


LOCAL: list[tuple[str, list[tuple[bytes, bytes]], bool]] = [
    ("127.0.0.1", [(b"host", b"localhost")], True),
    ("::1", [], True),
    ("::ffff:127.0.0.1", [], True),
    ("192.0.2.1", [], False),
    ("", [], False),
    *(
        ("127.0.0.1", [(name, b"127.0.0.1")], False)
        for name in (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")
    ),
]


@pytest.mark.parametrize(("socket", "headers", "local"), LOCAL)
def test_who_comes_by_way_of_a_proxy_is_not_at_this_machine(
    socket: str, headers: list[tuple[bytes, bytes]], local: bool
) -> None:
    """Wherever the proxy stands."""
    assert is_local(socket, headers) is local


async def test_the_mailbox_is_there_for_this_machine_alone(rig: Rig) -> None:
    for path in ("/mailbox", "/mailbox/1-1", "/mailbox/1-1/html"):
        assert await statuses(rig.server.url, 1, path, "GET") == [200]
        proxied = {"X-Forwarded-For": "127.0.0.1"}
        assert await statuses(rig.server.url, 1, path, "GET", **proxied) == [404]


@pytest.mark.parametrize("forwarded", [forwarded for _, forwarded, _ in PEERS if forwarded])
def test_without_trusted_proxies_the_socket_is_the_peer(forwarded: str) -> None:
    assert real_peer("10.0.0.1", forwarded.encode(), ()) == "10.0.0.1"


def test_ipv6_customer_is_one_peer() -> None:
    assert len({limit_key(f"2001:db8:1:2::{n:x}") for n in range(50)}) == 1
    assert limit_key("2001:db8:1:3::1") != limit_key("2001:db8:1:2::1")
    assert limit_key("192.0.2.1") != limit_key("192.0.2.2")


def test_what_is_no_network_is_said_so() -> None:
    with pytest.raises(SettingsError, match="PORTAL_TRUSTED_PROXIES"):
        parse_networks("10.0.0.0/8, everybody")


@pytest.fixture
async def rig(redis: Backing) -> AsyncIterator[Rig]:
    """Ten refused sign-ins a minute, and nothing counted yet; who tries has the wrong password."""
    store = aioredis.Redis.from_url(redis.addresses.redis_url)
    await store.flushall()
    await store.aclose()
    rig = Rig(redis.addresses.redis_url, sign_ins_per_minute=10, requests_per_minute=100)
    rig.identity.echo.special[LOGIN] = rig.service.special["/sign-in"] = wrong
    yield rig
    rig.end()


async def wrong(scope: Any, receive: Any, send: Any) -> None:
    """What identity, and the portal's form, answer to a wrong password."""
    await read_body(receive)
    await answer(send, 200 if scope["method"] == "GET" else 401, b"{}")


async def statuses(url: str, count: int, path: str = LOGIN, method: str = "POST", **headers: str) -> list[int]:
    async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
        varied = [{name: value.replace("{n}", str(n)) for name, value in headers.items()} for n in range(count)]
        return [(await http.request(method, path, headers=each)).status_code for each in varied]


def assert_limited(answers: list[int], limit: int, good: int = 401) -> None:
    """`limit` pass and the rest do not. A window that moves on meanwhile lets one more pass, whichever is asking then."""
    assert answers[:limit] == [good] * limit
    assert sorted(answers[limit:]) in (
        [429] * (len(answers) - limit),
        sorted([good, *[429] * (len(answers) - limit - 1)]),
    )


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "Client-IP"],
)
async def test_header_opens_no_new_bucket(rig: Rig, header: str) -> None:
    value = "for=198.51.100.{n}" if header == "Forwarded" else "198.51.100.{n}"
    assert_limited(await statuses(rig.server.url, 13, **{header: value}), 10)


async def test_an_office_that_signs_in_is_not_refused_and_guessing_beside_it_is(rig: Rig) -> None:
    """Sixty people behind one address, three steps each, within the minute: what succeeds does not count."""
    office = rig.again(requests_per_minute=10_000)
    factor, link = "/api/client-portal/auth/second-factor", "/api/client-portal/auth/magic-link/consume"
    for path in (factor, link, "/sign-in/password"):
        assert await statuses(office.url, 60, path) == [200] * 60
    assert_limited(await statuses(office.url, 12), 10)
    office.end()


async def test_what_an_outage_refused_was_no_attempt(rig: Rig) -> None:
    """Whoever tried while nobody could say is let in when somebody can."""

    async def away(_scope: Any, receive: Any, send: Any) -> None:
        await read_body(receive)
        await answer(send, 503, b"{}")

    gone = rig.again(upstream_identity="http://127.0.0.1:9", trusted_proxies="127.0.0.0/8")
    assert await statuses(gone.url, 15, **{"X-Forwarded-For": "198.51.100.1"}) == [503] * 15
    gone.end()
    rig.identity.echo.special[LOGIN] = away
    assert await statuses(rig.server.url, 15) == [503] * 15
    rig.identity.echo.special[LOGIN] = wrong
    assert_limited(await statuses(rig.server.url, 12), 10)


async def test_refusal_says_when_to_come_back(rig: Rig) -> None:
    await statuses(rig.server.url, 12)
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as http:
        answer = await http.post(LOGIN)
    assert (answer.status_code, answer.json()["code"]) == (429, "gateway.too_many_requests")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_session_has_a_limit_of_its_own_from_wherever_it_is_used(rig: Rig) -> None:
    """Requests that write an event for each reading would else be as many as addresses."""
    limits = {"session_requests_per_minute": 100, "requests_per_minute": 1_000_000}
    behind = rig.again(trusted_proxies="127.0.0.1", **limits)
    sessions = [rig.identity.sign_in()[0] for _ in range(2)]
    path = "/api/client-portal/projects"
    for cookie in sessions:
        showing = {"Cookie": f"portal_session={cookie}", "X-Forwarded-For": "198.51.100.{n}"}
        assert_limited(await statuses(behind.url, 110, path, "GET", **showing), 100, good=200)
    behind.end()


async def test_two_gateways_count_together(rig: Rig) -> None:
    second = rig.again()
    answers = await statuses(rig.server.url, 6) + await statuses(second.url, 6)
    second.end()
    assert_limited(answers, 10)


async def test_looking_at_the_form_is_no_attempt(rig: Rig) -> None:
    assert await statuses(rig.server.url, 15, "/sign-in", "GET") == [200] * 15
    assert_limited(await statuses(rig.server.url, 12, "/sign-in"), 10)


async def test_behind_a_trusted_proxy_each_caller_has_a_bucket(rig: Rig) -> None:
    behind = rig.again(trusted_proxies="127.0.0.0/8")
    assert await statuses(behind.url, 25, **{"X-Forwarded-For": "203.0.113.{n}"}) == [401] * 25
    told = {"X-Forwarded-For": "198.51.100.{n}, 203.0.113.200"}
    await statuses(behind.url, 1, "/api/client-portal/auth/invitation", **told)
    same = await statuses(behind.url, 12, **told)
    assert rig.identity.echo.seen[-1].claims()["ip"] == "203.0.113.200"
    behind.end()
    assert_limited(same, 10)


async def test_all_requests_count_known_or_not(rig: Rig) -> None:
    answers = await statuses(rig.server.url, 110, "/nothing/here", "GET")
    assert_limited(answers, 100, good=404)
    assert await statuses(rig.server.url, 1, "/projects", "GET") == [429]


async def test_who_watches_the_gateway_is_answered_over_the_limit_and_costs_nobody_anything(rig: Rig) -> None:
    await statuses(rig.server.url, 101, "/nothing/here", "GET")
    assert await statuses(rig.server.url, 1, "/.well-known/jwks.json", "GET") == [429]
    for path in ("/healthz", "/readyz"):
        cookie = "portal_session=" + "x" * 41 + "{n}"
        assert set(await statuses(rig.server.url, 40, path, "GET", Cookie=cookie)) == {200}
    assert rig.identity.asked == []


async def test_without_redis_the_limit_is_stricter_not_gone(rig: Rig, redis: Backing) -> None:
    redis.kill("redis")
    answers = await statuses(rig.server.url, 8, **{"X-Forwarded-For": "198.51.100.{n}"})
    redis.start("redis")
    assert_limited(answers, 5)


async def test_parallel_sign_ins_are_answered_one_and_all(rig: Rig) -> None:
    """Bursts of twenty from one address: each is answered or refused, and the gateway goes on serving."""
    gateway = rig.again(trusted_proxies="127.0.0.0/8", sign_ins_per_minute=60)  # fetched one by one
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=30) as http:
        for burst in range(30):
            headers = {"X-Forwarded-For": f"203.0.113.{burst % 10}"}
            answers = await asyncio.gather(*(http.post(LOGIN, headers=headers) for _ in range(20)))
            assert {answer.status_code for answer in answers} <= {401, 429}
        assert (await http.get("/healthz")).status_code == 200
    gateway.end()


async def test_work_that_is_done_is_joined_by_nobody() -> None:
    """Its result was for those who waited for it. Joining it would not even yield: a loop around it never ends."""

    async def work(_key: str) -> int:
        if not late:  # it runs between the end of this work and its landing
            late.append(asyncio.ensure_future(flights.join("key")))
            return 1
        return 2

    late: list[asyncio.Task[int]] = []
    flights = SingleFlight(work)
    assert [await flights.join("key"), await late[0]] == [1, 2]
