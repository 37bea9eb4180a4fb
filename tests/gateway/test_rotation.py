"""A new id where rights changed, handed out once, to a browser that opens a page; and no use from elsewhere."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
import redis.asyncio as aioredis

from gateway import streams
from ops.stack.backing import Backing
from shared.actor import Reader
from tests.gateway.raw import Wire, request
from tests.gateway.rig import Identity, Rig, answer

PROJECTS = "/api/client-portal/projects"
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def store(redis: Backing) -> AsyncIterator[aioredis.Redis]:
    client = aioredis.Redis.from_url(redis.addresses.redis_url)
    yield client
    await client.aclose()


def showing(cookie: str, **more: str) -> dict[str, str]:
    return {"Cookie": f"portal_session={cookie}", **more}


async def changed(store: aioredis.Redis, digest: str) -> None:
    """What identity does after its commit."""
    await store.set(f"session:{digest}", "old", ex=15)
    await store.publish("sessions:revoked", digest)


async def until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not told():
            await asyncio.sleep(0.02)


async def test_page_brings_the_new_id_and_the_old_one_ends_after_its_grace(rig: Rig, store: aioredis.Redis) -> None:
    """Whether identity's clock is the gateway's, is behind, or ahead."""
    await asyncio.gather(*(replaced_and_ended(rig, store, apart) for apart in (0, -25, 25)))


async def replaced_and_ended(rig: Rig, store: aioredis.Redis, apart: int) -> None:
    identity = Identity(rig.identity.jwks, grace=60, clock=timedelta(seconds=apart))
    gateway = await asyncio.to_thread(rig.again, upstream_identity=identity.server.url)
    cookie, digest, session = identity.sign_in(rotate=True)
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=30) as http:
        first = await http.get(f"/projects/{apart}", headers=showing(cookie) | PAGE)
        found = re.fullmatch(
            r"portal_session=([\w-]{43}); Path=/; HttpOnly; SameSite=lax; Max-Age=60", first.headers["set-cookie"]
        )
        assert found
        await changed(store, digest)
        for id_ in (cookie, found[1]):
            assert (await http.get(f"{PROJECTS}/{apart}", headers=showing(id_))).status_code == 200
        asked_by = [seen.claims()["sid"] for seen in rig.service.seen if seen.target.endswith(f"/projects/{apart}")]
        assert asked_by == [str(session.session_id)] * 3
        identity.clock += timedelta(seconds=60)
        async with asyncio.timeout(30):
            while (await http.get(PROJECTS, headers=showing(cookie))).status_code != 401:
                await asyncio.sleep(0.1)
        assert (await http.get(PROJECTS, headers=showing(found[1]))).status_code == 200
    for server in (gateway, identity.server):
        await asyncio.to_thread(server.stop)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", PROJECTS, {}),
        ("GET", PROJECTS, PAGE),
        ("GET", "/static/current/portal.css", {"Accept": "text/css,*/*;q=0.1"}),
        ("GET", "/static/current/portal.css", PAGE),
        ("GET", "/projects", PAGE | {"HX-Request": "true"}),
        ("GET", "/widgets/dashboard/projects", {"Accept": "*/*"}),
        ("POST", "/projects/new", PAGE),
        ("HEAD", "/projects", PAGE),
    ],
)
async def test_nothing_but_an_opened_page_brings_one(
    rig: Rig, http: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    cookie, digest, _ = rig.identity.sign_in(rotate=True)
    answered = await http.request(method, path, headers=showing(cookie) | headers)
    assert answered.status_code == 200
    assert "set-cookie" not in answered.headers
    assert digest not in rig.identity.rotated


async def test_session_that_is_due_nothing_asks_nobody(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    assert "set-cookie" not in (await http.get("/projects", headers=showing(cookie) | PAGE)).headers
    assert digest not in rig.identity.rotated


async def test_of_many_pages_at_once_one_brings_it(rig: Rig, http: httpx2.AsyncClient) -> None:
    cookie, *_ = rig.identity.sign_in(rotate=True)
    answers = await asyncio.gather(*(http.get("/projects", headers=showing(cookie) | PAGE) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert sum("set-cookie" in each.headers for each in answers) == 1


async def test_page_is_shown_although_no_id_can_be_had(rig: Rig, http: httpx2.AsyncClient) -> None:
    async def fail(_scope: object, _receive: object, send: object) -> None:
        await answer(send, 503, b"{}")

    special, rotates = rig.identity.echo.special, rig.identity.echo.special["/internal/sessions/rotate"]
    special["/internal/sessions/rotate"] = fail
    cookie, *_ = rig.identity.sign_in(rotate=True)
    answered = await http.get("/projects", headers=showing(cookie) | PAGE)
    special["/internal/sessions/rotate"] = rotates
    assert (answered.status_code, answered.headers.get("set-cookie")) == (200, None)
    assert "set-cookie" in (await http.get("/projects", headers=showing(cookie) | PAGE)).headers


class TestNetworks:
    """A client may say from where its people come in."""

    @pytest.mark.parametrize("path", [PROJECTS, "/", "/api/client-portal/auth/logout", "/api/events/1", "/docs"])
    async def test_session_is_refused_from_elsewhere(self, rig: Rig, http: httpx2.AsyncClient, path: str) -> None:
        cookie, *_ = rig.identity.sign_in(networks=("192.0.2.0/24", "2001:db8::/32"))
        seen = len(rig.service.seen)
        answered = await http.get(path, headers=showing(cookie))
        assert (answered.status_code, answered.json()["code"]) == (403, "gateway.network")
        assert len(rig.service.seen) == seen

    async def test_people_see_a_calm_page_in_the_portals_look(self, rig: Rig, http: httpx2.AsyncClient) -> None:
        cookie, *_ = rig.identity.sign_in(networks=("192.0.2.0/24",))
        answered = await http.get("/projects", headers=showing(cookie) | PAGE)
        assert (answered.status_code, answered.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "its own networks" in answered.text
        sheet = re.search(r'href="(/static/[^"]+)"', answered.text)
        assert sheet
        assert (await http.get(sheet[1], headers=showing(cookie))).status_code == 200

    @pytest.mark.parametrize("networks", [(), ("127.0.0.0/8",), ("192.0.2.7/24", "127.0.0.1/32")])
    async def test_session_is_good_within(self, rig: Rig, http: httpx2.AsyncClient, networks: tuple[str, ...]) -> None:
        cookie, *_ = rig.identity.sign_in(networks=networks)
        assert (await http.get(PROJECTS, headers=showing(cookie))).status_code == 200

    async def test_address_is_the_real_peers(self, rig: Rig) -> None:
        """Not what the caller writes, but what a trusted proxy saw."""
        cookie, *_ = rig.identity.sign_in(networks=("203.0.113.0/24",))
        forwarded = showing(cookie, **{"X-Forwarded-For": "203.0.113.9"})
        behind = rig.again(trusted_proxies="127.0.0.0/8")
        async with httpx2.AsyncClient(timeout=30) as anyone:
            assert (await anyone.get(rig.server.url + PROJECTS, headers=forwarded)).status_code == 403
            assert (await anyone.get(behind.url + PROJECTS, headers=forwarded)).status_code == 200
        await asyncio.to_thread(behind.stop)


class TestOpenStreams:
    """What changes for a session reaches its open streams, and no others."""

    CHANGES = (
        ({"networks": ("192.0.2.0/24",)}, True),
        ({"client_id": None, "kind": "staff"}, True),
        ({"read_only": True}, True),
        ({"seen_as": Reader(uuid4(), "Mira Sand")}, True),
        ({"name": "Anne Keller", "version": 2}, False),
        (None, True),
    )

    @pytest.fixture
    async def stream(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
        monkeypatch.setattr(streams, "LOOK_AFTER", 0.1)

        async def events(_scope: object, receive: Callable[..., object], send: Callable[..., object]) -> None:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[misc]
            await send({"type": "http.response.body", "body": b": here\n\n", "more_body": True})  # type: ignore[misc]
            while (await receive())["type"] != "http.disconnect":  # type: ignore[misc,index]
                pass

        rig.service.special["/api/events/2"] = events
        wire = await Wire.open(rig.server.port)
        yield wire
        wire.close()

    @pytest.mark.parametrize(("change", "ends"), CHANGES)
    async def test_stream_ends_with_what_it_was_opened_for(
        self, rig: Rig, stream: Wire, store: aioredis.Redis, change: dict[str, object] | None, ends: bool
    ) -> None:
        cookie, digest, _ = rig.identity.sign_in()
        await stream.send(request(b"Cookie: portal_session=" + cookie.encode(), path=b"/api/events/2"))
        await stream.reader.readuntil(b": here\n\n\r\n")
        rig.identity.become(digest, change)
        asked = rig.identity.asked.count(digest)
        await changed(store, digest)
        if ends:
            async with asyncio.timeout(60):
                assert await stream.reader.readexactly(5) == b"0\r\n\r\n"
        else:
            await until(lambda: rig.identity.asked.count(digest) > asked)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await stream.reader.readexactly(1)

    async def test_stream_ends_though_nobody_could_be_told(self, rig: Rig, stream: Wire, redis: Backing) -> None:
        """Redis was away when it changed: the gateway looks for itself meanwhile."""
        cookie, digest, _ = rig.identity.sign_in()
        await stream.send(request(b"Cookie: portal_session=" + cookie.encode(), path=b"/api/events/2"))
        await stream.reader.readuntil(b": here\n\n\r\n")
        redis.kill("redis")
        rig.identity.become(digest, {"networks": ("192.0.2.0/24",)})
        async with asyncio.timeout(60):
            assert await stream.reader.readexactly(5) == b"0\r\n\r\n"
        redis.start("redis")
