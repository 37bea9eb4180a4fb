"""A session's id changes where its rights do, lives as long as it should, and nothing old comes back."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest

from ops.stack.backing import Backing
from services.identity.app import create_app
from services.identity.sessions.commands import renew
from services.identity.settings import IdentitySettings
from services.identity.tokens import digest
from shared.clock import now
from shared.contracts.identity import SessionRotated
from tests.conftest import Cluster, ServiceFactory
from tests.identity.races import one_of_all
from tests.identity.rig import ADMIN, GATEWAY, PUBLIC_URL, Browser, Identity


async def rotate(identity: Identity, token: str) -> httpx2.Response:
    """Ask as the gateway does."""
    return await identity.api(GATEWAY, "POST", "/internal/sessions/rotate", json={"hash": digest(token)})


async def give_roles(identity: Identity, person: dict[str, str], role: str = "viewer") -> None:
    project = await identity.project(person["client_id"])
    path = f"people/{person['id']}/project-roles"
    answer = await identity.api(ADMIN, "PUT", path, json={"roles": {project: role}})
    assert answer.status_code == 200, answer.text


async def due(identity: Identity) -> Browser:
    """A browser whose person has been given another role."""
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    await give_roles(identity, person)
    return browser


def new_id(answer: httpx2.Response) -> str:
    """The token in the line the gateway will send."""
    assert answer.status_code == 200, answer.text
    line = re.sub(r"; expires=[^;]+", "", answer.json()["cookie"])
    found = re.search(r"portal_session=([\w-]{43})", line)
    assert found
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in line.split(";")}
    assert re.search(r"Max-Age=\d+", line)
    return found[1]


async def test_another_role_makes_a_new_id_due_in_every_browser_of_the_person(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browsers = [await identity.browser(person) for _ in range(2)]
    stranger = await identity.browser(await identity.person(person["client_id"]))
    await give_roles(identity, person)
    records = [await browser.record() for browser in (*browsers, stranger)]
    assert [record and record["rotate"] for record in records] == [True, True, False]
    assert [await identity.redis.get(f"session:{browser.session_hash}") for browser in browsers] == [b"old"] * 2


async def test_the_new_id_is_the_same_session_and_the_old_one_counts_a_little_longer(identity: Identity) -> None:
    browser = await due(identity)
    old = browser.cookies["portal_session"]
    fresh = new_id(await rotate(identity, old))
    before, after = (await identity.resolve(old)).json(), (await identity.resolve(fresh)).json()
    until = datetime.fromisoformat(before.pop("usable_until"))
    assert timedelta(0) < until - now() <= timedelta(seconds=10)
    assert after.pop("usable_until") is None
    assert before == after
    assert after["session_id"] == str(browser.actor.session_id)
    assert after["rotate"] is False
    assert await identity.redis.get(f"session:{digest(old)}") == b"old"
    (told,) = await identity.events(SessionRotated.type, str(browser.actor.session_id))
    assert msgspec.json.decode(told.data) == {"session_hash": digest(old)}
    assert await identity.kept(fresh) == []
    await identity.execute("update sessions set rotated_at = rotated_at - interval '10 seconds'")
    assert (await identity.resolve(old)).status_code == 404
    assert (await identity.resolve(fresh)).status_code == 200


async def test_of_many_who_ask_at_once_one_gets_it(identity: Identity) -> None:
    browser = await due(identity)
    answers = await asyncio.gather(*(rotate(identity, browser.cookies["portal_session"]) for _ in range(20)))
    one_of_all(answers, 200, 404)
    assert len(await identity.events(SessionRotated.type, str(browser.actor.session_id))) == 1


async def test_what_is_not_due_or_not_there_gets_none(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert (await rotate(identity, browser.cookies["portal_session"])).status_code == 404
    ended = await due(identity)
    token = ended.cookies["portal_session"]
    await ended("POST", "auth/logout")
    assert (await rotate(identity, token)).status_code == 404
    assert (await rotate(identity, "a" * 43)).status_code == 404
    for actor, status in ((None, 401), (browser.actor, 403), (ADMIN, 403)):
        body = {"hash": browser.session_hash}
        assert (await identity.api(actor, "POST", "/internal/sessions/rotate", json=body)).status_code == status


async def test_ending_a_session_ends_its_replaced_id_with_it(identity: Identity) -> None:
    browser = await due(identity)
    old = browser.cookies["portal_session"]
    fresh = new_id(await rotate(identity, old))
    assert (await browser("POST", "auth/logout")).status_code == 204
    for token in (old, fresh):
        assert (await identity.resolve(token)).status_code == 404
        assert await identity.redis.get(f"session:{digest(token)}") == b"revoked"


async def test_renewing_ends_the_id_before_at_once(identity: Identity) -> None:
    """Step-up and the like: whoever held the id before must not hold what it is worth now."""
    browser = await due(identity)
    older = browser.cookies["portal_session"]
    old = new_id(await rotate(identity, older))
    proven = datetime(2030, 1, 1, tzinfo=UTC)
    async with identity.api.app.state.database.uow(browser.actor) as db:
        entry = await renew(db, browser.actor, proven_at=proven)
    assert set(entry.ended) == {digest(older), digest(old)}
    assert [(await identity.resolve(token)).status_code for token in (older, old, entry.token)] == [404, 404, 200]
    record = (await identity.resolve(entry.token)).json()
    assert datetime.fromisoformat(record["proven_at"]) == proven


@pytest.mark.parametrize("planted", ["a" * 43, "gQ7Yz0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"])
async def test_an_id_planted_before_signing_in_never_counts(identity: Identity, planted: str) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser()
    browser.cookies["portal_session"] = planted
    await browser.sign_in(person["email"])
    assert browser.cookies["portal_session"] != planted
    assert (await identity.resolve(planted)).status_code == 404


LIFETIMES = {"client": (timedelta(days=30), timedelta(days=7)), "staff": (timedelta(hours=12), timedelta(hours=2))}


@pytest.mark.parametrize("kind", LIFETIMES)
async def test_a_session_lives_as_long_as_its_kind(identity: Identity, kind: str) -> None:
    absolute, idle = LIFETIMES[kind]
    person = await identity.person(await identity.client() if kind == "client" else None)
    browser = await identity.browser()
    answer = await browser("POST", "auth/login", json={"email": person["email"], "password": "a good long password"})
    line = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("portal_session="))
    assert f"Max-Age={int(absolute.total_seconds())}" in line
    await browser.refresh()
    (row,) = await identity.execute("select * from sessions where id = $1", browser.actor.session_id)
    assert abs(row["expires_at"] - row["created_at"] - absolute) < timedelta(seconds=5)
    (shown,) = (await browser("GET", "sessions")).json()["items"]
    assert datetime.fromisoformat(shown["ends_at"]) == row["last_seen_at"] + idle
    assert shown["method"] == "password"
    for seconds, status in ((-60, 200), (0, 404)):
        await identity.execute(
            "update sessions set last_seen_at = $2 where id = $1",
            browser.actor.session_id,
            now() - idle - timedelta(seconds=seconds),
        )
        # What is about to end is seen by being asked about: the row is set back each time.
        assert (await identity.resolve(browser.cookies["portal_session"])).status_code == status


async def test_whoever_runs_the_portal_says_how_long(
    run_service: ServiceFactory, servers: Backing, cluster: Cluster
) -> None:
    settings = {"session_staff_hours": 3, "session_staff_idle_hours": 1}
    async with run_service("identity", create_app, IdentitySettings, public_url=PUBLIC_URL, **settings) as api:
        identity = Identity(api, servers, cluster.admin_of(api.database_url))
        browser = await identity.browser(await identity.person())
        (shown,) = (await browser("GET", "sessions")).json()["items"]
        record = await browser.record()
        await identity.close()
    assert datetime.fromisoformat(shown["ends_at"]) - datetime.fromisoformat(shown["last_seen_at"]) == timedelta(
        hours=1
    )
    assert record
    assert timedelta(hours=2.9) < datetime.fromisoformat(record["expires_at"]) - now() <= timedelta(hours=3)


async def test_what_is_left_of_a_session_shortens_its_next_cookie(identity: Identity) -> None:
    browser = await due(identity)
    await identity.execute(
        "update sessions set expires_at = now() + interval '1 hour' where id = $1", browser.actor.session_id
    )
    answer = await rotate(identity, browser.cookies["portal_session"])
    age = re.search(r"Max-Age=(\d+)", answer.json()["cookie"])
    assert age
    assert 3500 < int(age[1]) <= 3600
    shown = (await browser("GET", "sessions")).json()["items"][0]
    assert datetime.fromisoformat(shown["ends_at"]) - now() < timedelta(hours=1)
