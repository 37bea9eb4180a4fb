"""Who is signed in, from where that is known, how fast it is forgotten, and what happens when nobody can say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
import redis.asyncio as aioredis

from gateway.cookies import MOST, Cookies
from gateway.seals import Seal
from gateway.sessions import Sessions
from ops.stack.backing import Backing
from shared.cache import Cache, CacheAway
from shared.clock import now
from tests.gateway.rig import Identity, Rig
from tests.gateway.rig import answer as say

PROJECTS = "/api/client-portal/projects"
Ask = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def ask(http: httpx2.AsyncClient) -> Ask:
    async def get(cookie: str, path: str = PROJECTS) -> httpx2.Response:
        return await http.get(path, headers={"Cookie": f"portal_session={cookie}"})

    return get


@pytest.fixture
async def store(redis: Backing) -> AsyncIterator[aioredis.Redis]:
    client = aioredis.Redis.from_url(redis.addresses.redis_url)
    yield client
    await client.aclose()


async def until(status: int, ask: Ask, cookie: str) -> None:
    """The answer becomes this one. How soon is the benchmarks' business."""
    async with asyncio.timeout(60):
        while (await ask(cookie)).status_code != status:
            await asyncio.sleep(0.01)


async def revoke(store: aioredis.Redis, identity: Identity, digest: str) -> None:
    """What identity does after its commit."""
    identity.records.pop(digest, None)
    await store.set(f"session:{digest}", "revoked", ex=120)
    await store.publish("sessions:revoked", digest)


async def test_identity_is_asked_once_and_redis_keeps_the_answer(rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
    cookie, digest, session = rig.identity.sign_in()
    assert {(await ask(cookie)).status_code for _ in range(5)} == {200}
    assert rig.identity.asked.count(digest) == 1
    assert str(session.session_id).encode() in await store.get(f"session:{digest}")
    assert 0 < await store.ttl(f"session:{digest}") <= 300


async def test_identity_is_asked_in_the_gateways_own_name(rig: Rig, ask: Ask) -> None:
    cookie, *_ = rig.identity.sign_in()
    await ask(cookie)
    caller = rig.identity.callers[-1]
    assert (caller.kind, caller.id) == ("system", None)


async def test_many_at_once_are_one_question(rig: Rig, ask: Ask) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    answers = await asyncio.gather(*(ask(cookie) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert rig.identity.asked.count(digest) == 1


async def test_redis_alone_is_enough_for_another_gateway(rig: Rig, ask: Ask) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    await ask(cookie)
    second = rig.again()
    async with httpx2.AsyncClient(base_url=second.url, cookies={"portal_session": cookie}, timeout=30) as http:
        assert (await http.get(PROJECTS)).status_code == 200
    second.stop()
    assert rig.identity.asked.count(digest) == 1


async def test_only_the_hash_is_kept(rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
    cookie, *_ = rig.identity.sign_in()
    await ask(cookie)
    for key in await store.keys("*"):
        kept = await store.get(key) if await store.type(key) == b"string" else b""
        assert cookie.encode() not in key + kept


@pytest.mark.parametrize("broadcast", [True, False])
async def test_revoked_session_ends(rig: Rig, ask: Ask, store: aioredis.Redis, broadcast: bool) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    await until(200, ask, cookie)
    if broadcast:
        await revoke(store, rig.identity, digest)
    else:
        await store.set(f"session:{digest}", "revoked", ex=120)
    await until(401, ask, cookie)
    assert {(await ask(cookie)).status_code for _ in range(5)} == {401}


async def test_what_identity_could_not_overwrite_in_redis_is_not_believed(
    rig: Rig, ask: Ask, store: aioredis.Redis
) -> None:
    """A Redis that is read and takes no write: the broadcast arrives, and the record of before is still there."""
    cookie, digest, _ = rig.identity.sign_in()
    await until(200, ask, cookie)
    while not await store.get(f"session:{digest}"):
        await asyncio.sleep(0.01)
    rig.identity.records.pop(digest)
    await store.publish("sessions:revoked", digest)
    await until(401, ask, cookie)
    assert {(await ask(cookie)).status_code for _ in range(5)} == {401}
    assert await store.get(f"session:{digest}")


async def test_a_redis_that_refuses_writes_is_read_and_heard(rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
    """Writes of the gateway fail all the time then. Nobody looks away because of them while a broadcast arrives."""
    cookie, digest, _ = rig.identity.sign_in()
    await until(200, ask, cookie)
    while not await store.get(f"session:{digest}"):
        await asyncio.sleep(0.01)
    cache = Cache(str(rig.settings.redis_url))
    await store.config_set("maxmemory", 1)
    try:
        with pytest.raises(CacheAway):
            await cache.ask(lambda: cache.client.set("wanted", 1))
        assert await cache.ask(lambda: cache.client.get(f"session:{digest}"))
        other, *_ = rig.identity.sign_in()
        assert (await ask(other)).status_code == 200
        rig.identity.records.pop(digest)
        while not await store.publish("sessions:revoked", digest):
            await asyncio.sleep(0.01)
        await until(401, ask, cookie)
        assert {(await ask(cookie)).status_code for _ in range(5)} == {401}
        assert await store.get(f"session:{digest}")
    finally:
        await store.config_set("maxmemory", 0)
        await cache.close()


async def test_a_broadcast_while_redis_cannot_be_read_leaves_nothing_to_believe(
    rig: Rig, redis: Backing, store: aioredis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway has turned away from Redis for a moment, and its subscription is still there."""
    monkeypatch.setattr("shared.cache.PAUSE", 0.5)

    async def resolve(digest: str) -> bytes | None:
        return rig.identity.records.get(digest)

    async def reset() -> None:
        raise ConnectionError

    cache = Cache(redis.addresses.redis_url)
    sessions = Sessions(cache, resolve, Seal(b"secret"), remember_seconds=0)
    listening = asyncio.create_task(sessions.listen())
    while (await store.pubsub_numsub("sessions:revoked"))[0][1] < 2:  # the rig's gateway, and this one
        await asyncio.sleep(0.01)
    _, digest, _ = rig.identity.sign_in()
    assert await sessions.find(digest)
    heard = asyncio.Event()
    sessions.on_change = lambda changed: heard.set() if changed == digest else None
    with pytest.raises(CacheAway):
        await cache.ask(reset)
    rig.identity.records.pop(digest)
    await store.publish("sessions:revoked", digest)
    await heard.wait()
    while True:  # until Redis is asked again
        try:
            assert await cache.ask(lambda: cache.client.get(f"session:{digest}"))
            break
        except CacheAway:
            await asyncio.sleep(0.01)
    assert await sessions.find(digest) is None
    listening.cancel()
    await cache.close()


async def test_broadcast_empties_the_memory_of_the_process(rig: Rig, redis: Backing, store: aioredis.Redis) -> None:
    """200 sessions which this process would believe for an hour end when the broadcast arrives."""

    async def resolve(digest: str) -> bytes | None:
        return rig.identity.records.get(digest)

    cache = Cache(redis.addresses.redis_url)
    sessions = Sessions(cache, resolve, Seal(b"secret"), remember_seconds=3600)
    listening = asyncio.create_task(sessions.listen())
    while (await store.pubsub_numsub("sessions:revoked"))[0][1] < 2:  # the rig's gateway, and this one
        await asyncio.sleep(0.01)
    for _ in range(200):
        _, digest, _ = rig.identity.sign_in()
        assert await sessions.find(digest)
        await revoke(store, rig.identity, digest)
        while await sessions.find(digest):
            await asyncio.sleep(0)
    listening.cancel()
    await cache.close()


async def test_tombstone_wins_over_an_answer_on_its_way(rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    rig.identity.hold = asyncio.Event()
    asking = asyncio.create_task(ask(cookie))
    while digest not in rig.identity.asked:
        await asyncio.sleep(0.01)
    await revoke(store, rig.identity, digest)
    rig.identity.server.loop.call_soon_threadsafe(rig.identity.hold.set)
    assert (await asking).status_code == 401
    rig.identity.hold = None
    assert await store.get(f"session:{digest}") == b"revoked"


async def test_no_is_not_remembered(rig: Rig, ask: Ask) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    record = rig.identity.records.pop(digest)
    assert (await ask(cookie)).status_code == 401
    rig.identity.records[digest] = record
    assert (await ask(cookie)).status_code == 200


async def test_expired_session_ends_although_redis_still_has_it(
    rig: Rig, ask: Ask, store: aioredis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie, digest, _ = rig.identity.sign_in(expires_at=now() + timedelta(seconds=60))
    await until(200, ask, cookie)
    monkeypatch.setattr("gateway.sessions.now", lambda: now() + timedelta(seconds=60))
    await until(401, ask, cookie)
    assert await store.get(f"session:{digest}") not in (None, b"revoked")


@pytest.mark.parametrize("cookie", ["", "x", "a" * 42, "a" * 44, "../../etc/passwd", "a" * 42 + "*", "a" * 42 + "%"])
async def test_malformed_cookie_asks_nobody(rig: Rig, ask: Ask, cookie: str) -> None:
    asked = len(rig.identity.asked)
    assert (await ask(cookie)).status_code == 401
    assert len(rig.identity.asked) == asked


@pytest.mark.parametrize("held", [b"old", b'{"person": 1}', b""], ids=["identity's mark", "another release", "nothing"])
async def test_what_is_no_record_is_asked_for_again_and_left_alone(
    rig: Rig, ask: Ask, store: aioredis.Redis, held: bytes
) -> None:
    cookie, digest, _ = rig.identity.sign_in()
    await store.set(f"session:{digest}", held)
    assert (await ask(cookie)).status_code == 200
    assert await store.get(f"session:{digest}") == held


async def test_who_writes_to_redis_signs_nobody_in(rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
    """A record of one's own, somebody else's sealed one, and one's own after it has ended."""
    mine, digest, session = rig.identity.sign_in()
    await ask(mine)
    sealed = await store.get(f"session:{digest}")
    planted, its, _ = rig.identity.sign_in()
    rig.identity.records.pop(its)
    staff = msgspec.structs.replace(session, kind="staff", client_id=None, policies=["managePeople"])
    for record in (msgspec.json.encode(staff), b"\0" * 40 + msgspec.json.encode(staff), sealed):
        await store.set(f"session:{its}", record)
        assert (await ask(planted)).status_code == 401


def test_a_sealed_record_counts_for_its_time_alone() -> None:
    seal = Seal(b"secret")
    assert seal.open("a", seal.close("a", b"record", 300)) == b"record"
    assert seal.open("a", seal.close("a", b"record", 0)) is None
    assert seal.open("b", seal.close("a", b"record", 300)) is None
    assert Seal(b"other").open("a", seal.close("a", b"record", 300)) is None


async def test_two_session_cookies_are_refused(rig: Rig, http: httpx2.AsyncClient) -> None:
    mine, *_ = rig.identity.sign_in()
    planted, *_ = rig.identity.sign_in()
    answer = await http.get(PROJECTS, headers={"Cookie": f"portal_session={planted}; a=b; portal_session={mine}"})
    assert (answer.status_code, answer.json()["code"]) == (400, "gateway.ambiguous_session")


class TestOverHttps:
    """Only the cookie that no other host can have set counts."""

    @pytest.fixture
    def secure(self, redis: Backing) -> Iterator[Rig]:
        rig = Rig(redis.addresses.redis_url, public_url="https://portal.test")
        yield rig
        rig.end()

    @pytest.mark.parametrize(("name", "status"), [("__Host-portal_session", 200), ("portal_session", 401)])
    async def test_cookie_name(self, secure: Rig, name: str, status: int) -> None:
        cookie, *_ = secure.identity.sign_in()
        async with httpx2.AsyncClient(base_url=secure.server.url, timeout=30) as http:
            answer = await http.get(PROJECTS, headers={"Cookie": f"{name}={cookie}"})
        assert answer.status_code == status
        assert "strict-transport-security" in answer.headers

    async def test_every_cookie_is_tied_to_the_host(self, secure: Rig) -> None:
        """What a sibling host may have planted reaches no service; what a service sets no sibling can replace."""

        async def setting(scope: Any, _receive: Any, send: Any) -> None:
            seen.append(dict(scope["headers"]).get(b"cookie"))
            lines = [b"portal_theme=dark; Path=/; HttpOnly; SameSite=lax", b"portal_session=x; Path=/; Secure"]
            await say(send, 200, b"", *((b"set-cookie", line) for line in lines))

        seen: list[bytes | None] = []
        secure.service.special["/sign-in"] = setting
        async with httpx2.AsyncClient(base_url=secure.server.url, timeout=30) as http:
            sent = "portal_flow=planted; __Host-portal_flow=mine; __Host-theirs=1; __Host-portal_form_0=x"
            answer = await http.get("/sign-in", headers={"Cookie": sent})
        assert seen == [b"portal_flow=mine; portal_form_0=x"]
        assert answer.headers.get_list("set-cookie") == [
            "__Host-portal_theme=dark; Path=/; HttpOnly; SameSite=lax; Secure",
            "__Host-portal_session=x; Path=/; Secure",
        ]


def test_only_so_many_cookies_are_looked_at() -> None:
    """A stranger's header costs little more than a browser's."""
    cookies = Cookies("http://portal.test")
    assert cookies.split(b";" * (MOST - 1) + b"portal_zone=E") == (None, b"portal_zone=E")
    assert cookies.split(b";" * MOST + b"portal_zone=E; portal_session=x") == (None, b"")
    assert cookies.split(b";" * (MOST - 1) + b"portal_zone=E; theirs=x") == (None, b"portal_zone=E")


class TestWithoutRedis:
    """F4: identity is asked for every second of every session; nobody becomes anybody else."""

    @pytest.fixture
    def alone(self, redis: Backing) -> Iterator[Rig]:
        rig = Rig(redis.addresses.redis_url)
        redis.kill("redis")
        yield rig
        rig.end()
        redis.start("redis")

    async def test_identity_answers_instead(self, alone: Rig) -> None:
        cookie, _, session = alone.identity.sign_in()
        async with httpx2.AsyncClient(
            base_url=alone.server.url, cookies={"portal_session": cookie}, timeout=30
        ) as http:
            assert {(await http.get(PROJECTS)).status_code for _ in range(5)} == {200}
            assert alone.service.seen[-1].claims()["sub"] == str(session.person_id)
            assert (await http.get(PROJECTS, headers={"Cookie": "portal_session=" + "a" * 43})).status_code == 401
            assert (await http.get("/readyz")).status_code == 200

    @pytest.mark.parametrize("path", [PROJECTS, "/", "/projects", "/api/client-portal/auth/login"])
    async def test_nobody_is_made_anonymous_when_identity_is_away_too(self, alone: Rig, path: str) -> None:
        cookie, *_ = alone.identity.sign_in()
        alone.identity.server.stop()
        async with httpx2.AsyncClient(base_url=alone.server.url, timeout=30) as http:
            answer = await http.get(path, headers={"Cookie": f"portal_session={cookie}"})
            assert (answer.status_code, answer.json()["code"]) == (503, "gateway.sessions_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/projects")).status_code == 200  # nobody, who shows no cookie, stays nobody
        assert [seen.claims()["kind"] for seen in alone.service.seen] == ["anonymous"]

    async def test_flushed_redis_costs_one_question(self, rig: Rig, ask: Ask, store: aioredis.Redis) -> None:
        cookie, digest, _ = rig.identity.sign_in()
        await until(200, ask, cookie)
        await store.flushall()
        second = rig.again()
        async with httpx2.AsyncClient(base_url=second.url, cookies={"portal_session": cookie}, timeout=30) as http:
            assert (await http.get(PROJECTS)).status_code == 200
        second.stop()
        assert rig.identity.asked.count(digest) == 2

    async def test_redis_coming_back_is_used_again(self, redis: Backing, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shared.cache.PAUSE", 0.2)
        rig = Rig(redis.addresses.redis_url)
        cookie, digest, _ = rig.identity.sign_in()
        async with httpx2.AsyncClient(base_url=rig.server.url, cookies={"portal_session": cookie}, timeout=30) as http:
            redis.kill("redis")
            assert (await http.get(PROJECTS)).status_code == 200
            redis.start("redis")
            client = aioredis.Redis.from_url(redis.addresses.redis_url)
            while not await client.exists(f"session:{digest}"):
                assert (await http.get(PROJECTS)).status_code == 200
                await asyncio.sleep(0.02)
            while not (await client.pubsub_numsub("sessions:revoked"))[0][1]:
                await asyncio.sleep(0.02)
            await client.aclose()
        rig.end()


async def test_answer_overtaken_by_a_revocation_is_not_remembered() -> None:
    identity = Identity(lambda: "")
    _, digest, _ = identity.sign_in()
    going_on, asked = asyncio.Event(), 0

    async def resolve(_digest: str) -> bytes | None:
        nonlocal asked
        asked += 1
        await going_on.wait()
        return identity.records.get(digest)

    sessions = Sessions(Cache("redis://127.0.0.1:1"), resolve, Seal(b"secret"), remember_seconds=3600)
    finding = asyncio.create_task(sessions.find(digest))
    while not asked:
        await asyncio.sleep(0)
    sessions.forget(digest)
    going_on.set()
    assert await finding
    identity.records.clear()
    assert await sessions.find(digest) is None
    identity.server.end()
