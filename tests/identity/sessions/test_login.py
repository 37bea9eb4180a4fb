"""Signing in with a password."""

from datetime import timedelta
from uuid import uuid4

import httpx2
import msgspec
import pytest

from services.identity.app import create_app
from services.identity.people.bootstrap import create_first_admin
from services.identity.sessions.cookies import Cookies
from services.identity.settings import IdentitySettings
from shared.actor import Actor
from tests.conftest import ServiceFactory
from tests.identity.rig import FIREFOX, PASSWORD, Identity, hashes_done, somewhere


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Everything of an answer that somebody could tell apart."""
    return answer.status_code, sorted(answer.headers.items()), answer.text


async def test_the_right_password_opens_a_session_and_tells_it(identity: Identity) -> None:
    client_id = await identity.client("Acme GmbH")
    person = await identity.person(client_id, is_primary_contact=True)
    browser = await identity.browser()
    answer = await browser.sign_in(person["email"])
    assert answer.status_code == 200
    assert answer.json() == {
        "person": {
            "id": person["id"],
            "email": person["email"],
            "first_name": "Anna",
            "last_name": "Keller",
            "name": "Anna Keller",
            "kind": "client",
            "client_id": client_id,
            "client_name": "Acme GmbH",
            "policies": [],
            "project_roles": {},
            "is_primary_contact": True,
            "two_factor": False,
            "phone": "",
            "title": "",
            "language": "en",
            "limited": False,
            "email_verified": False,
            "closed": [],
            "session_recording": False,
            "viewing_as": None,
        },
        "next": None,
        "methods": [],
    }
    assert (await browser("GET", "auth/me")).json() == answer.json()["person"]
    (event,) = await identity.events("login", person["id"])
    assert (str(event.clientid), event.actorid, event.sessionid, event.actorname) == (
        client_id,
        browser.actor.id,
        browser.actor.session_id,
        "Anna Keller",
    )
    assert msgspec.json.decode(event.data) == {
        "method": "password",
        "ip": browser.actor.ip,
        "user_agent": FIREFOX,
        "second_factor": "",
        "standing": {"kind": "client", "may_enter": True, "is_primary_contact": True},
    }


async def test_the_cookie_is_out_of_reach_and_only_its_hash_is_kept(identity: Identity) -> None:
    """S3."""
    person = await identity.person(await identity.client())
    browser = await identity.browser()
    answer = await browser.sign_in(person["email"])
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("portal_session="))
    token = browser.cookies["portal_session"]
    assert len(token) == 43
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert attributes == {"httponly", "samesite=lax", "path=/", "max-age=2592000"}
    assert await identity.kept(browser.session_hash, token) == [browser.session_hash]


async def test_over_https_the_cookies_are_secure_and_tied_to_the_host(run_service: ServiceFactory) -> None:
    async with run_service("identity", create_app, IdentitySettings, public_url="https://portal.example") as api:
        await create_first_admin(
            api.database_url, email="a@b.example", first_name="A", last_name="B", password=PASSWORD
        )
        answer = await api(somewhere(), "POST", "auth/login", json={"email": "a@b.example", "password": PASSWORD})
        asked = await api(somewhere(), "POST", "auth/magic-link", json={"email": "a@b.example"})
        for each, name in ((answer, "portal_session"), (asked, "portal_flow")):
            (line,) = each.headers.get_list("set-cookie")
            assert line.startswith(f"{name}=")
            assert "Secure" in line
            assert "Domain" not in line
    jar = Cookies("https://portal.example")
    for cookie in (jar.pending("token", 600), jar.nothing_pending(), jar.no_session()):
        assert (cookie.secure, cookie.httponly, cookie.domain, cookie.path) == (True, True, None, "/")


async def test_whatever_is_wrong_the_answer_is_the_same(identity: Identity) -> None:
    """A5: no answer tells whether an address is known."""
    client_id, closed, disabled = [await identity.client() for _ in range(3)]
    right = await identity.person(client_id)
    inactive, no_password = await identity.person(client_id), await identity.person(client_id, password=None)
    of_closed, of_disabled = await identity.person(closed), await identity.person(disabled)
    await identity.execute("update people set active = false where id = $1", inactive["id"])
    await identity.execute("update clients set active = false where id = $1", closed)
    await identity.execute("update clients set portal_enabled = false where id = $1", disabled)
    tried = [
        (right["email"], "a wrong password"),
        (right["email"], PASSWORD + " "),
        ("nobody@nowhere.example", PASSWORD),
        (inactive["email"], PASSWORD),
        (no_password["email"], "nobody has this password"),
        (of_closed["email"], PASSWORD),
        (of_disabled["email"], PASSWORD),
    ]
    answers = [await (await identity.browser()).sign_in(*each) for each in tried]
    assert {str(seen(answer)) for answer in answers} == {str(seen(answers[0]))}
    assert (answers[0].status_code, answers[0].json()["code"]) == (401, "auth.invalid_credentials")
    assert "set-cookie" not in answers[0].headers
    people = (right, inactive, no_password, of_closed, of_disabled)
    assert await identity.execute("select 1 from sessions where person_id = any($1)", [p["id"] for p in people]) == []


async def test_an_unknown_address_costs_the_same_work(identity: Identity) -> None:
    """The hash is what takes time; somebody without one, or without an account, has it done all the same."""
    client_id = await identity.client()
    for email in (
        (await identity.person(client_id))["email"],
        (await identity.person(client_id, password=None))["email"],
        "nobody@nowhere.example",
    ):
        before = hashes_done()
        assert (await (await identity.browser()).sign_in(email, "a wrong password")).status_code == 401
        assert hashes_done() - before == 1


async def test_a_failure_is_told_with_its_reason_and_no_address(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    await identity.execute("update clients set active = true where id = $1", person["client_id"])
    browser = await identity.browser()
    await browser.sign_in(person["email"], "a wrong password")
    (event,) = await identity.events("failed_login", person["id"])
    assert (str(event.clientid), event.actorid, event.actorkind) == (person["client_id"], None, "anonymous")
    assert event.sessionid is not None
    said = msgspec.json.decode(event.data)
    assert said == {"method": "password", "reason": "wrong", "ip": browser.actor.ip, "user_agent": FIREFOX}
    stranger = await identity.browser()
    await stranger.sign_in("stranger@nowhere.example", "a wrong password")
    unknown = (await identity.events("failed_login"))[-1]
    assert (unknown.clientid, unknown.subject) == (None, unknown.sessionid)
    assert msgspec.json.decode(unknown.data)["reason"] == "unknown"
    published = await identity.execute("select string_agg(event::text, '') from outbox")
    assert "stranger@nowhere.example" not in published[0][0]
    assert "a wrong password" not in published[0][0]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.example"},
        {"email": "a@b.example", "password": ""},
        {"email": "a@b.example", "password": "x" * 201},
        {"email": "a" * 250 + "@b.example", "password": PASSWORD},
        {"email": "a", "password": PASSWORD},
        {"email": "a@b.example", "password": PASSWORD, "remember": True},
        {"email": ["a@b.example"], "password": PASSWORD},
        "a@b.example",
    ],
)
async def test_a_login_that_is_none_is_422(identity: Identity, body: object) -> None:
    answer = await (await identity.browser())("POST", "auth/login", json=body)
    assert answer.status_code == 422, answer.text
    assert "a@b.example" not in answer.text


async def test_broken_json_is_400(identity: Identity) -> None:
    for content in (b"{", b'{"email": "\\ud800"}', b"\xff\xfe"):
        answer = await (await identity.browser())(
            "POST", "auth/login", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text


async def test_signing_in_again_replaces_the_session_the_browser_had(identity: Identity) -> None:
    """S1: a planted or old session is worth nothing after sign-in."""
    client_id = await identity.client()
    anna, felix = await identity.person(client_id), await identity.person(client_id)
    browser = await identity.browser(anna)
    old_cookie, old_hash, old = browser.cookies["portal_session"], browser.session_hash, browser.actor
    assert (await browser.sign_in(felix["email"])).status_code == 200
    assert browser.cookies["portal_session"] != old_cookie
    assert browser.actor.id != old.id
    assert (await identity.resolve(old_cookie)).status_code == 404
    assert await identity.redis.get(f"session:{old_hash}") == b"revoked"
    (event,) = await identity.events("session_revoked", str(old.session_id))
    assert msgspec.json.decode(event.data) == {"session_hash": old_hash, "reason": "signed_in_again"}


async def test_a_refused_sign_in_leaves_the_session_the_browser_had(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert (await browser.sign_in("nobody@nowhere.example")).status_code == 401
    assert await browser.record()


async def test_what_a_browser_claims_in_headers_is_not_believed(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    lies = {"X-Portal-Person": str(uuid4()), "X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    answer = await browser("GET", "sessions", headers=lies)
    assert [each["ip"] for each in answer.json()["items"]] == [browser.actor.ip]
    assert (await identity.api(Actor(), "GET", "auth/me", headers=lies)).status_code == 401


async def test_who_is_viewing_as_a_client_cannot_end_other_sessions(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    browser.actor = msgspec.structs.replace(browser.actor, read_only=True)
    assert (await browser("POST", "sessions/revoke-others")).status_code == 403


async def test_sessions_that_ended_long_ago_are_forgotten_at_the_next_sign_in(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    old, recent = await identity.browser(person), await identity.browser(person)
    age = "update sessions set expires_at = now() - $1::interval where id = $2"
    await identity.execute(age, timedelta(days=31), old.actor.session_id)
    await identity.execute(age, timedelta(days=29), recent.actor.session_id)
    new = await identity.browser(person)
    rows = await identity.execute("select id from sessions where person_id = $1", person["id"])
    assert {row["id"] for row in rows} == {recent.actor.session_id, new.actor.session_id}
