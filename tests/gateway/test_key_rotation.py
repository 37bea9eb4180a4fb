"""G6: the key behind the claims changes while people work, and nobody notices but who holds the old one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.claims import ClaimsSigner
from ops.stack.backing import Backing
from shared import tokens
from shared.claims import ClaimsRefused, Verifier
from shared.tokens import InvalidClaims
from tests.gateway.rig import Rig, Server, answer, new_key

PROJECTS = "/api/client-portal/projects"
SOON = 0.3
"""In place of the half minute between two questions for keys, and of the five minutes a key set counts."""


def key_set(*keys: dict[str, Any]) -> str:
    return msgspec.json.encode({"keys": keys}).decode()


class Published:
    """The address of the keys, whichever gateway answers there."""

    def __init__(self) -> None:
        self.jwks = b""
        self.asked = 0
        self.server = Server(self)

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.asked += 1
        await answer(send, 200, self.jwks)


class Service:
    """Believes a caller's claims, or answers 401, as every service does."""

    def __init__(self, jwks: str) -> None:
        self.verifier = Verifier("projects", jwks)
        self.kids: list[str] = []
        self.server = Server(self)

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        try:
            await self.verifier.verify(token)
        except InvalidClaims:
            await answer(send, 401, b"")
            return
        self.kids.append(tokens.header_of(token)["kid"])
        await answer(send, 200, b"")


class Load:
    """People at work: their requests go to the gateway of the moment."""

    def __init__(self, cookies: list[str]) -> None:
        self.statuses: list[int] = []
        self._cookies = cookies
        self._gateway = ""
        self._over = False

    @contextlib.asynccontextmanager
    async def working(self, gateway: str) -> AsyncIterator[None]:
        self._gateway = gateway
        async with httpx2.AsyncClient(timeout=30) as http:
            work = [asyncio.create_task(self._work(http, cookie)) for cookie in self._cookies]
            yield
            self._over = True
            await asyncio.gather(*work)

    async def _work(self, http: httpx2.AsyncClient, cookie: str) -> None:
        while not self._over:
            answered = await http.get(self._gateway + PROJECTS, headers={"Cookie": f"portal_session={cookie}"})
            self.statuses.append(answered.status_code)

    async def move(self, gateway: str, requests: int = 100) -> None:
        """From now on another gateway; returns when so many requests have been answered since."""
        self._gateway = gateway
        enough = len(self.statuses) + requests
        while len(self.statuses) < enough:
            await asyncio.sleep(0.01)


async def until_refused(verifier: Verifier, token: str) -> None:
    """Keys count for as long as they live, and then until the answer with the next ones is here."""
    with contextlib.suppress(InvalidClaims):
        while await verifier.verify(token):
            await asyncio.sleep(SOON)


@pytest.fixture
def published() -> Any:
    published = Published()
    yield published
    published.server.end()


async def test_rotation_under_load_fails_no_request_and_the_old_key_opens_nothing_afterwards(
    redis: Backing, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of docs/operations.md: publish the new key, wait, sign with it, wait, drop the old one."""
    monkeypatch.setattr(tokens, "REFRESH_SECONDS", SOON)
    monkeypatch.setattr(tokens, "KEYS_LIVE_SECONDS", SOON)
    old, new = new_key("old"), new_key("new")
    steps = [key_set(old), key_set(old, new), key_set(new, old), key_set(new)]
    published.jwks = ClaimsSigner(steps[0]).jwks
    service = Service(published.server.url)
    rig = Rig(redis.addresses.redis_url, claims_key=steps[0], upstream_projects=service.server.url)
    rig.key = {}
    rig.identity.jwks = lambda: published.server.url
    load, running = Load([rig.identity.sign_in()[0] for _ in range(8)]), rig.server
    async with load.working(running.url):
        await load.move(running.url)
        for step in steps[1:]:
            begun = await asyncio.to_thread(rig.again, claims_key=step)
            published.jwks = ClaimsSigner(step).jwks
            await load.move(begun.url)
            if running is not rig.server:
                running.end()
            running = begun
            await asyncio.sleep(2 * SOON)
            await load.move(begun.url)
    assert set(load.statuses) == {200}
    assert (service.kids[0], service.kids[-1]) == ("old", "new")
    stolen = ClaimsSigner(key_set(old)).token(None, ("projects",), "").decode()
    await asyncio.wait_for(until_refused(service.verifier, stolen), 30)
    running.end()
    service.server.end()
    rig.end()


async def test_services_go_on_with_the_keys_they_have_while_nobody_publishes_any(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "KEYS_LIVE_SECONDS", 0)
    monkeypatch.setattr(tokens, "REFRESH_SECONDS", 0)
    signer = ClaimsSigner(key_set(new_key("only")))
    published.jwks = signer.jwks
    verifier = Verifier("projects", published.server.url)
    assert (await verifier.verify(signer.token(None, ("projects",), "1").decode())).ip == "1"
    published.server.stop()
    for number in range(5):
        token = signer.token(None, ("projects",), f"again {number}").decode()
        assert (await verifier.verify(token)).kind == "anonymous"
        await asyncio.sleep(0.05)


async def test_unknown_keys_however_many_are_one_question_in_half_a_minute(published: Published) -> None:
    signer = ClaimsSigner(key_set(new_key("known")))
    published.jwks = signer.jwks
    verifier = Verifier("projects", published.server.url)
    foreign = [ClaimsSigner(key_set(new_key(f"k{number}"))).token(None, ("projects",), "") for number in range(30)]
    refused = await asyncio.gather(*(verifier.verify(each.decode()) for each in foreign), return_exceptions=True)
    assert {type(each) for each in refused} == {ClaimsRefused}
    assert await verifier.verify(signer.token(None, ("projects",), "").decode())
    assert published.asked == 1
