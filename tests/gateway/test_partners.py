"""Partner systems at the door: an access token instead of a session, on services' routes alone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import msgspec
import pytest

import shared.partners
from ops.stack.backing import Backing
from shared import tokens
from shared.actor import Actor
from shared.clock import uuid7
from shared.partners import JWKS_PATH, LIVE_SECONDS, WHOAMI_PATH
from tests.gateway.rig import Rig, Seen
from tests.gateway.rig import answer as say
from tests.partners import ISSUER, PartnerSigner, new_key

PROJECTS = "/api/client-portal/projects"
ERP = Actor(id=uuid7(), kind="partner", client_id=uuid7(), scopes=frozenset({"projects:read", "activity:read"}))


class Partners:
    """A gateway whose identity publishes keys for partner tokens, and says who is still live."""

    def __init__(self, redis: Backing, **settings: Any) -> None:
        self.rig = Rig(redis.addresses.redis_url, **settings)
        assert self.rig.settings.public_url == ISSUER
        self.keys = PartnerSigner()
        self.status = 200
        self.asked = 0
        self.rig.identity.echo.special |= {JWKS_PATH: self._jwks, WHOAMI_PATH: self._whoami}

    async def _jwks(self, _scope: Any, _receive: Any, send: Any) -> None:
        published = {"keys": [key.as_dict(private=False) for key in self.keys.keys]}
        await say(send, 200, msgspec.json.encode(published))

    async def _whoami(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.asked += 1
        await say(send, self.status, b'{"name":"Acme ERP"}')

    def bearer(self, partner: Actor = ERP, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys.token(partner, **claims)}"}

    @property
    def last(self) -> Seen:
        return self.rig.service.seen[-1]


@pytest.fixture(scope="module")
def partners(redis: Backing) -> Iterator[Partners]:
    running = Partners(redis)
    yield running
    running.rig.end()


@pytest.fixture(scope="module")
async def http(partners: Partners) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=partners.rig.server.url, timeout=30) as client:
        yield client


async def test_a_service_sees_claims_of_the_gateway_and_never_the_token(
    partners: Partners, http: httpx2.AsyncClient
) -> None:
    sent = partners.bearer()
    answer = await http.get(PROJECTS, headers=sent)
    assert answer.status_code == 200
    told = partners.last.claims()
    assert (told["kind"], told["sub"], told["cid"]) == ("partner", str(ERP.id), str(ERP.client_id))
    assert (told["name"], told["scp"], told["ip"]) == (
        "Acme ERP",
        ["activity:read", "projects:read"],
        "127.0.0.1",
    )
    assert (told["iss"], told["aud"]) == ("portal-gateway", ["projects"])
    assert not {"pol", "roles"} & set(told)
    assert sent["Authorization"] not in str(partners.last.headers)


async def test_who_has_a_session_is_that_session(partners: Partners, http: httpx2.AsyncClient) -> None:
    cookie, _, session = partners.rig.identity.sign_in()
    await http.get(PROJECTS, headers=partners.bearer() | {"Cookie": f"portal_session={cookie}"})
    assert partners.last.claims()["sub"] == str(session.person_id)
    over = await http.get(PROJECTS, headers=partners.bearer() | {"Cookie": f"portal_session={'x' * 43}"})
    assert over.status_code == 401


async def test_pages_are_for_people(partners: Partners, http: httpx2.AsyncClient) -> None:
    for path in ("/", "/projects", "/sign-in", "/static/x"):
        assert (await http.get(path, headers=partners.bearer())).status_code == 200
        assert partners.last.claims()["kind"] == "anonymous"


async def test_what_does_not_count_is_refused_here(partners: Partners, http: httpx2.AsyncClient) -> None:
    before, good = len(partners.rig.service.seen), partners.bearer()["Authorization"]
    stranger = PartnerSigner()
    for authorization in (
        f"Bearer {stranger.token(ERP)}",
        f"Bearer {partners.keys.token(ERP, aud='projects')}",
        f"Bearer {partners.keys.token(ERP, exp=1)}",
        good + "x",
        f"{good}, {good}",
        "Bearer",
        "bearer x.y.z",
    ):
        answer = await http.get(PROJECTS, headers={"Authorization": authorization})
        assert answer.status_code == 401, authorization
        if authorization.lower().startswith("bearer "):
            assert answer.json()["code"] in ("auth.invalid_token", "auth.required")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert len(partners.rig.service.seen) == before


async def test_a_revoked_one_is_out_within_a_second(partners: Partners, http: httpx2.AsyncClient) -> None:
    sent = partners.bearer()
    assert (await http.get(PROJECTS, headers=sent)).status_code == 200
    partners.status = 401
    try:
        await asyncio.sleep(LIVE_SECONDS)
        answer = await http.get(PROJECTS, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid_token")
    finally:
        partners.status = 200


async def test_nobody_can_say_is_503(partners: Partners, http: httpx2.AsyncClient) -> None:
    partners.status = 500
    try:
        answer = await http.get(PROJECTS, headers=partners.bearer())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    finally:
        partners.status = 200


async def test_identity_is_asked_once_however_many_come(
    partners: Partners, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.partners, "LIVE_SECONDS", 60)
    sent, before = partners.bearer(), partners.asked
    answers = await asyncio.gather(*(http.get(PROJECTS, headers=sent) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert partners.asked == before + 1


async def test_a_name_and_password_go_to_the_token_endpoint_alone(partners: Partners, http: httpx2.AsyncClient) -> None:
    basic = "Basic eDp5"
    await http.post("/oauth/token", headers={"Authorization": basic})
    [seen] = [each for each in partners.rig.identity.echo.seen if each.target == "/oauth/token"]
    assert seen.all("x-oauth-authorization") == [basic]
    assert seen.claims()["kind"] == "anonymous"
    refused = await http.get(PROJECTS, headers={"Authorization": basic})
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.required")
    await http.get(PROJECTS, headers=partners.bearer() | {"X-OAuth-Authorization": basic})
    assert partners.last.all("x-oauth-authorization") == []


async def test_an_api_client_has_one_limit_wherever_it_comes_from(redis: Backing) -> None:
    limited = Partners(redis, requests_per_minute=100, trusted_proxies="127.0.0.0/8")
    other = msgspec.structs.replace(ERP, id=uuid7())
    try:
        async with httpx2.AsyncClient(base_url=limited.rig.server.url, timeout=30) as http:
            token = limited.bearer()
            statuses = [
                (await http.get(PROJECTS, headers=token | {"X-Forwarded-For": f"198.51.100.{number}"})).status_code
                for number in range(120)
            ]
            assert (statuses[:100], set(statuses[100:])) == ([200] * 100, {429})
            place = {"X-Forwarded-For": "198.51.100.250"}
            assert (await http.get(PROJECTS, headers=limited.bearer(other) | place)).status_code == 200
    finally:
        limited.rig.end()


async def test_keys_rotate_under_load_without_a_refusal(
    partners: Partners, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G6: the new key published; then it signs; then the old one is withdrawn, once what it signed has expired."""
    monkeypatch.setattr(tokens, "REFRESH_SECONDS", 0.05)
    statuses: list[int] = []
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            answers = [await http.get(PROJECTS, headers=headers) for headers in (held, partners.bearer())]
            statuses.extend(answer.status_code for answer in answers)

    async def load_goes_on() -> None:
        """For so long that whoever has the old keys asks for them again, and for so many requests at least."""
        enough = len(statuses) + 20
        await asyncio.sleep(0.3)
        async with asyncio.timeout(30):
            while len(statuses) < enough:
                await asyncio.sleep(0.01)

    held = partners.bearer()
    loading = [asyncio.create_task(load()) for _ in range(4)]
    for rotated in ([partners.keys.keys[0], new_key("next")], ["next", "first"], ["next"]):
        await load_goes_on()
        partners.keys.keys[:] = [partners.keys.named(key) if isinstance(key, str) else key for key in rotated]
    await load_goes_on()
    stop.set()
    await asyncio.gather(*loading)
    assert set(statuses) == {200}
