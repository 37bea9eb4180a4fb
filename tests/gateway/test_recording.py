"""Recorded sessions: what is not written down is not served, and who is not recorded notices nothing (docs/decisions/0053)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import msgspec
import pytest
import redis.asyncio as aioredis

from gateway.recording import _kind, written
from gateway.routes import API, ROUTES, RouteTable
from ops.stack.backing import Backing
from services.identity.recording import commands
from shared.clock import uuid7
from tests.gateway.raw import Wire, request
from tests.gateway.rig import ORIGIN, Rig

PROJECTS = "/api/client-portal/projects"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def rig(redis: Backing) -> Any:
    """Of its own: its identity is stopped for a while."""
    rig = Rig(redis.addresses.redis_url)
    yield rig
    rig.end()


@pytest.fixture(autouse=True)
def afresh(rig: Rig) -> None:
    rig.identity.visits.clear()
    rig.identity.visits_told = 0
    rig.identity.visits_status = 204
    rig.identity.hold = None
    rig.service.seen.clear()


@pytest.fixture
async def store(redis: Backing) -> AsyncIterator[aioredis.Redis]:
    client = aioredis.Redis.from_url(redis.addresses.redis_url)
    yield client
    await client.aclose()


def showing(cookie: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"portal_session={cookie}", **more}


async def until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not told():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/people/pictures", "/people/pictures/0"])
def test_pictures_are_what_a_page_asks_for_by_itself(path: str) -> None:
    """Nobody opened them."""
    route = RouteTable(ROUTES).find(f"{API}{path}".encode())
    assert route
    assert _kind("GET", route) == "refresh"


async def test_each_request_is_told_in_order_with_who_asked(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, _, session = rig.identity.sign_in(recorded=True)
    project = uuid7()
    asked = [
        ("GET", "/", "page"),
        ("GET", f"/projects/{project}", "page"),
        ("POST", f"/projects/{project}/status", "action"),
        ("GET", "/widgets/dashboard/kpis", "refresh"),
        ("GET", PROJECTS, "api"),
        ("DELETE", f"{PROJECTS}/{project}", "action"),
        ("HEAD", "/security", "page"),
        ("GET", "/oauth/jwks.json", "api"),
    ]
    for method, path, _ in asked:
        answered = await http.request(method, f"{path}?secret=hidden", headers=showing(cookie), follow_redirects=False)
        assert answered.status_code == 200
    told = rig.identity.visits
    assert [(each["method"], each["path"], each["kind"]) for each in told] == asked
    [who] = {
        (each["session_id"], each["person_id"], each["client_id"], each["name"], each["by"], each["read_only"])
        for each in told
    }
    known = (session.session_id, session.person_id, session.client_id)
    assert who == (*(str(each) for each in known), "Anna Keller", "client", False)
    assert "hidden" not in str(told)
    served = [seen.all("x-request-id")[0] for seen in rig.service.seen]
    assert [each["request_id"] for each in told if each["path"] != "/oauth/jwks.json"] == served


async def test_the_portal_is_told_and_nobody_else_can_say_so(rig: Rig, http: httpx2.AsyncClient) -> None:
    recorded, *_ = rig.identity.sign_in(recorded=True)
    free, *_ = rig.identity.sign_in()
    for cookie in (recorded, free):
        await http.get("/projects", headers=showing(cookie, **{"X-Portal-Recorded": "1"}))
    assert [seen.all("x-portal-recorded") for seen in rig.service.seen] == [["1"], []]
    assert len(rig.identity.visits) == 1


@pytest.mark.parametrize("status", [400, 403, 500, 503])
async def test_what_is_not_stored_is_not_served(rig: Rig, http: httpx2.AsyncClient, status: int) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    free, *_ = rig.identity.sign_in()
    rig.identity.visits_status = status
    refused = await http.get(PROJECTS, headers=showing(cookie))
    assert (refused.status_code, refused.json()["code"]) == (503, "gateway.not_recorded")
    assert refused.headers["retry-after"] == "2"
    page = await http.get("/projects", headers=showing(cookie) | PAGE)
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    form = await http.post("/projects/new", headers=showing(cookie) | PAGE | {"Origin": ORIGIN})
    assert ["reload this page to send it again" in each.text for each in (page, form)] == [False, True]
    assert rig.service.seen == []
    assert (await http.get(PROJECTS, headers=showing(free))).status_code == 200


async def test_with_identity_gone_only_the_recorded_wait(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    free, *_ = rig.identity.sign_in()
    for each in (cookie, free):
        assert (await http.get(PROJECTS, headers=showing(each))).status_code == 200
    rig.service.seen.clear()
    port = rig.identity.server.port
    await asyncio.to_thread(rig.identity.server.stop)
    try:
        refused = await http.get(PROJECTS, headers=showing(cookie))
        assert (refused.status_code, refused.json()["code"]) == (503, "gateway.not_recorded")
        assert rig.service.seen == []
        assert (await http.get(PROJECTS, headers=showing(free))).status_code == 200
    finally:
        rig.identity.server = type(rig.identity.server)(rig.identity.echo, port=port)
    assert (await http.get(PROJECTS, headers=showing(cookie))).status_code == 200
    assert len(rig.identity.visits) == 2


async def test_nothing_is_forwarded_before_it_is_stored_and_those_who_wait_share_a_call(
    rig: Rig, http: httpx2.AsyncClient
) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    assert (await http.get(PROJECTS, headers=showing(cookie))).status_code == 200
    rig.service.seen.clear()
    rig.identity.hold = hold = asyncio.Event()
    asking = [asyncio.create_task(http.get(PROJECTS, headers=showing(cookie))) for _ in range(30)]
    await until(lambda: rig.identity.visits_told == 2 and rig.server.connections >= len(asking))
    for _ in range(5):  # others come and go meanwhile
        assert (await http.get("/sign-in")).status_code == 200
    assert {seen.target for seen in rig.service.seen} == {"/sign-in"}
    rig.identity.hold = None
    rig.identity.server.loop.call_soon_threadsafe(hold.set)
    assert {each.status_code for each in await asyncio.gather(*asking)} == {200}
    assert len(rig.identity.visits) == 31
    assert rig.identity.visits_told < 10


async def test_nobody_spoils_the_call_others_share(rig: Rig, http: httpx2.AsyncClient) -> None:
    """However long an address is, what identity is told of it is no longer than identity takes."""
    cookie, *_ = rig.identity.sign_in(recorded=True)
    assert (await http.get("/projects" + "/a" * 3900, headers=showing(cookie))).status_code == 200
    [visit] = rig.identity.visits
    msgspec.convert(visit, commands.Visit)
    assert visit["path"] == ("/projects" + "/a" * 3900)[:500]


async def test_a_reader_who_leaves_takes_nobody_else_s_visit_along(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    assert (await http.get(PROJECTS, headers=showing(cookie))).status_code == 200
    rig.identity.hold = hold = asyncio.Event()
    wire = await Wire.open(rig.server.port)
    await wire.send(request(b"Cookie: portal_session=" + cookie.encode()))
    await until(lambda: rig.identity.visits_told == 2)
    staying = asyncio.create_task(http.get(PROJECTS, headers=showing(cookie)))
    wire.close()
    rig.identity.hold = None
    rig.identity.server.loop.call_soon_threadsafe(hold.set)
    assert (await staying).status_code == 200
    assert len(rig.identity.visits) == 3


async def test_what_is_refused_for_its_reader_is_recorded_too(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    assert (await http.get("/api/client-portal/audit", headers=showing(cookie))).status_code == 403
    assert [each["path"] for each in rig.identity.visits] == ["/api/client-portal/audit"]


async def test_files_and_the_gateway_s_own_pages_are_not_visits(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(recorded=True)
    for path in ("/static/current/portal.css", "/healthz", "/docs", "/.well-known/jwks.json"):
        assert (await http.get(path, headers=showing(cookie))).status_code == 200
    assert rig.identity.visits == []


async def test_a_stream_is_opened_anew_once_it_is_to_be_recorded(rig: Rig, store: aioredis.Redis) -> None:
    cookie, digest, session = rig.identity.sign_in()
    path = f"/api/events/{session.client_id}"
    ended = asyncio.Event()

    async def stream(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    rig.service.special[path] = stream
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=20) as http:
        async with http.stream("GET", path, headers=showing(cookie)) as answered:
            chunks = answered.aiter_bytes()
            assert await anext(chunks) == b"hello"
            assert rig.identity.visits == []
            rig.identity.become(digest, {"recorded": True})
            await store.set(f"session:{digest}", "old", ex=15)
            await store.publish("sessions:revoked", digest)
            async with asyncio.timeout(60):
                assert [chunk async for chunk in chunks] == []
        async with http.stream("GET", path, headers=showing(cookie)) as answered:
            assert answered.status_code == 200
    [visit] = rig.identity.visits
    assert (visit["path"], visit["kind"]) == (path, "stream")


ID = "01935f3c-7a00-7000-8000-000000000020"


@pytest.mark.parametrize(
    ("path", "prefix", "kept"),
    [
        ("/", "/", "/"),
        ("/projects", "/projects", "/projects"),
        ("/projects/", "/projects", "/projects/"),
        (f"/projects/{ID}/milestones/new", "/projects", f"/projects/{ID}/milestones/new"),
        ("/api/client-portal/auth/me", "/api/client-portal/auth/me", "/api/client-portal/auth/me"),
        (f"/api/client-portal/clients/{ID}/contacts.csv", "/api/client-portal/clients", f"/api/client-portal/clients/{ID}/contacts.csv"),
        ("/projects/anna.keller@acme.example", "/projects", "/projects/*"),
        ("/projects/Anna%20Keller/x", "/projects", "/projects/*/x"),
        ("/reset-password/q7Xk2LmPz0aVb9cD3eF4gH5iJ6kL7mN8oP9qR0sT1uV", "/reset-password", "/reset-password/*"),
        (f"/projects/{ID.upper()}", "/projects", "/projects/*"),
        ("/mailbox/20260202-093000", "/mailbox", "/mailbox/*"),
        ("/people/" + "a" * 41, "/people", "/people/*"),
    ],
)  # fmt: skip
def test_of_an_address_words_and_ids_are_kept(path: str, prefix: str, kept: str) -> None:
    assert written(path, prefix) == kept
