"""One's own sessions: seeing them, ending them; and what the gateway is told."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from services.identity.tokens import digest, new_token
from tests.clocks import living_ahead
from tests.identity.races import one_of_all
from tests.identity.rig import ADMIN, GATEWAY, Identity

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.0 Mobile/15E148 Safari/604.1"
)


async def test_one_sees_ones_own_live_sessions_with_their_devices(identity: Identity) -> None:
    client_id = await identity.client()
    anna, felix = await identity.person(client_id), await identity.person(client_id)
    first = await identity.browser(anna)
    phone = await identity.browser()
    phone.user_agent = IPHONE
    await phone.sign_in(anna["email"])
    gone = await identity.browser(anna)
    await gone("POST", "auth/logout")
    await identity.browser(felix)
    items = (await first("GET", "sessions")).json()["items"]
    assert [(each["device"], each["browser"], each["platform"], each["current"]) for each in items] == [
        ("mobile", "Mobile Safari 17", "iOS 17", False),
        ("desktop", "Firefox 140", "Linux", True),
    ]
    assert [each["ip"] for each in items] == [phone.actor.ip, first.actor.ip]
    assert [each["id"] for each in items] == [str(phone.actor.session_id), str(first.actor.session_id)]


async def test_signing_out_ends_the_session_everywhere_and_clears_the_cookie(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser, other = await identity.browser(person), await identity.browser(person)
    token, session_hash, actor = browser.cookies["portal_session"], browser.session_hash, browser.actor
    answer = await browser("POST", "auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "portal_session" not in browser.cookies
    assert (await identity.resolve(token)).status_code == 404
    assert await identity.redis.get(f"session:{session_hash}") == b"revoked"
    assert await identity.redis.ttl(f"session:{session_hash}") > 60
    assert await other.record()
    (out,) = await identity.events("logout", person["id"])
    assert out.sessionid == actor.session_id
    (ended,) = await identity.events("session_revoked", str(actor.session_id))
    assert msgspec.json.decode(ended.data)["reason"] == "signed_out"
    assert (await browser("POST", "auth/logout")).status_code == 204
    assert len(await identity.events("logout", person["id"])) == 1
    assert (await (await identity.browser())("POST", "auth/logout")).status_code == 401


async def test_one_ends_one_of_ones_own(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    assert (await here("DELETE", f"sessions/{there.actor.session_id}")).status_code == 204
    assert await there.record() is None
    assert await identity.redis.get(f"session:{there.session_hash}") == b"revoked"
    assert await here.record()
    again = await here("DELETE", f"sessions/{there.actor.session_id}")
    assert again.status_code == 404


async def test_somebody_elses_session_is_as_good_as_none(identity: Identity) -> None:
    client_id = await identity.client()
    anna, felix = await identity.person(client_id), await identity.person(client_id)
    own, colleagues = await identity.browser(anna), await identity.browser(felix)
    staffs = await identity.browser(await identity.person())
    refused = [
        await own("DELETE", f"sessions/{each}")
        for each in (colleagues.actor.session_id, staffs.actor.session_id, uuid4())
    ]
    refused.append(await identity.api(ADMIN, "DELETE", f"sessions/{colleagues.actor.session_id}"))
    assert {(answer.status_code, answer.text) for answer in refused} == {(404, refused[0].text)}
    assert await colleagues.record()
    assert await staffs.record()
    assert (await own("DELETE", "sessions/1")).status_code == 404


async def test_one_ends_all_others(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    here, *others = [await identity.browser(person) for _ in range(4)]
    assert (await here("POST", "sessions/revoke-others")).json() == {"revoked": 3}
    assert [await other.record() for other in others] == [None, None, None]
    assert await here.record()
    assert (await here("POST", "sessions/revoke-others")).json() == {"revoked": 0}


async def test_a_session_ends_once_however_often_it_is_asked_to(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    path = f"sessions/{there.actor.session_id}"
    answers = await asyncio.gather(*(here("DELETE", path) for _ in range(10)))
    one_of_all(answers, 204, 404)
    assert len(await identity.events("session_revoked", str(there.actor.session_id))) == 1


async def test_the_gateway_learns_who_a_session_is(identity: Identity) -> None:
    client_id = await identity.client()
    project = await identity.project(client_id)
    person = await identity.person(client_id, is_primary_contact=True)
    await identity.api(ADMIN, "PUT", f"people/{person['id']}/project-roles", json={"roles": {project: "approver"}})
    browser = await identity.browser(person)
    record = await browser.record()
    assert record
    expires = datetime.fromisoformat(record.pop("expires_at"))
    (row,) = await identity.execute("select * from sessions where id = $1", browser.actor.session_id)
    assert expires - row["created_at"] >= timedelta(days=29, hours=23)
    assert datetime.fromisoformat(record.pop("proven_at")) == row["proven_at"]
    assert record == {
        "session_id": str(browser.actor.session_id),
        "person_id": person["id"],
        "name": "Anna Keller",
        "kind": "client",
        "client_id": client_id,
        "version": 2,
        "policies": [],
        "project_roles": {project: "approver"},
        "is_primary_contact": True,
        "read_only": False,
        "seen_as": None,
        "assignments": None,
        "networks": [],
        "recorded": False,
        "rotate": False,
        "closed": [],
        "language": "en",
        "usable_until": None,
    }
    clara = await identity.browser(await identity.person(policies=["viewAudit", "manageClients"]))
    record = await clara.record()
    assert record
    assert (record["kind"], record["client_id"], record["policies"]) == ("staff", None, ["manageClients", "viewAudit"])


ENDINGS = {
    "ended": "update sessions set revoked_at = now() where id = $1",
    "too old": "update sessions set expires_at = now() where id = $1",
    "idle": "update sessions set last_seen_at = now() - interval '7 days 1 second' where id = $1",
    "person inactive": "update people set active = false where id = (select person_id from sessions where id = $1)",
    "client inactive": "update clients set active = false where id = (select client_id from sessions where id = $1)",
    "portal closed": "update clients set portal_enabled = false where id = (select client_id from sessions where id = $1)",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_session_that_does_not_count_is_404(identity: Identity, ending: str) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert await browser.record()
    await identity.execute(ENDINGS[ending], browser.actor.session_id)
    answer = await identity.resolve(browser.cookies["portal_session"])
    unknown = await identity.resolve(new_token())
    assert (answer.status_code, answer.text) == (404, unknown.text)
    # The list agrees, as far as its owner can still look at it.
    listed = (await browser("GET", "sessions")).json()["items"]
    assert (listed == []) == (ending in ("ended", "too old", "idle"))


async def test_a_clock_that_is_ahead_ends_what_ends_by_then(identity: Identity) -> None:
    """`PORTAL_CLOCK_OFFSET`: statements go by the portal's clock."""
    browser = await identity.browser(await identity.person(await identity.client()))
    with living_ahead("+8d"):
        answer = await identity.resolve(browser.cookies["portal_session"])
    assert answer.status_code == 404
    assert await browser.record()


async def test_only_the_gateway_may_ask(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    body = {"hash": browser.session_hash}
    for actor, status in ((None, 401), (browser.actor, 403), (ADMIN, 403)):
        assert (await identity.api(actor, "POST", "/internal/sessions/resolve", json=body)).status_code == status
    assert (await identity.api(GATEWAY, "GET", "auth/me")).status_code == 403
    for wrong in ("", "x" * 64, digest("x").upper(), digest("x") + "\n"):
        answer = await identity.api(GATEWAY, "POST", "/internal/sessions/resolve", json={"hash": wrong})
        assert answer.status_code == 422


async def test_use_is_noted_once_a_minute(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    seen = "select last_seen_at from sessions where id = $1"
    (before,) = await identity.execute(seen, browser.actor.session_id)
    await browser.record()
    assert (await identity.execute(seen, browser.actor.session_id))[0] == before
    await identity.execute(
        "update sessions set last_seen_at = last_seen_at - interval '61 seconds' where id = $1",
        browser.actor.session_id,
    )
    await browser.record()
    assert (await identity.execute(seen, browser.actor.session_id))[0] > before
