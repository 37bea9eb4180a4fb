"""Recorded sessions: whose they are, how the switch reaches them, and what is kept of a visit (docs/decisions/0053)."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.recording.commands import MOST
from shared.actor import Actor
from shared.clock import uuid7
from tests.identity.rig import ADMIN, GATEWAY, Browser, Identity, colleague_of, staff

VISITS = "/internal/sessions/visits"


async def switch(identity: Identity, client_id: str, on: bool) -> dict[str, Any]:
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"session_recording": on})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def is_recorded(browser: Browser) -> bool:
    record = await browser.record()
    assert record
    return record["recorded"]


def visit(browser: Browser, path: str = "/projects", **different: Any) -> dict[str, Any]:
    """A visit as the gateway tells it."""
    actor = browser.actor
    known = {
        "session_id": str(actor.session_id), "person_id": str(actor.id), "name": actor.name, "by": actor.kind,
        "client_id": str(actor.client_id), "read_only": actor.read_only, "method": "GET", "path": path, "kind": "page",
        "request_id": "ab" * 16,
    }  # fmt: skip
    return known | different


async def tell(identity: Identity, *visits: dict[str, Any], actor: Actor = GATEWAY) -> httpx2.Response:
    return await identity.api(actor, "POST", VISITS, json={"visits": list(visits)})


async def test_the_switch_reaches_open_sessions_both_ways(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    other = await identity.browser(await identity.person(await identity.client()))
    assert not await is_recorded(browser)
    await switch(identity, client_id, True)
    assert await is_recorded(browser)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    assert not await is_recorded(other)
    assert await identity.redis.get(f"session:{other.session_hash}") is None
    await switch(identity, client_id, False)
    assert not await is_recorded(browser)


async def test_the_switch_reaches_sessions_also_when_redis_was_away(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    async with identity.without("redis"):
        await switch(identity, client_id, True)
    async with asyncio.timeout(60):
        while await identity.redis.get(f"session:{browser.session_hash}") != b"old":
            await asyncio.sleep(0.05)


async def test_staff_are_recorded_while_they_view_as_the_client(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(policies=["viewAsClient"]))
    await switch(identity, client_id, True)
    assert not await is_recorded(browser)
    answer = await browser("POST", "auth/view-as", json={"client_id": client_id})
    assert (await is_recorded(browser), answer.json()["session_recording"]) == (True, True)
    await switch(identity, client_id, False)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    assert not await is_recorded(browser)
    await switch(identity, client_id, True)
    await browser.refresh()
    answer = await browser("POST", "auth/view-as/end")
    assert (await is_recorded(browser), answer.json()["session_recording"]) == (False, False)


async def test_people_are_told_and_since_when_is_for_staff(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    before = await identity.api(ADMIN, "GET", f"clients/{client_id}")
    assert (before.json()["session_recording"], before.json()["recorded_since"]) == (False, None)
    since = (await switch(identity, client_id, True))["recorded_since"]
    assert since
    assert (await browser("GET", "auth/me")).json()["session_recording"] is True
    assert (await switch(identity, client_id, False))["recorded_since"] == since
    assert (await switch(identity, client_id, True))["recorded_since"] == since


async def test_turning_it_is_an_event_of_its_own_each_time(identity: Identity) -> None:
    client_id = await identity.client()
    for on in (True, True, False):
        await switch(identity, client_id, on)
    told = [each.type for each in await identity.api.published() if str(each.subject) == client_id]
    switched = [each for each in told if each.startswith("session_recording")]
    assert switched == ["session_recording_enabled", "session_recording_disabled"]
    fields = [msgspec.json.decode(each.data)["fields"] for each in await identity.events("client_updated", client_id)]
    assert fields == [["session_recording"], ["session_recording"]]


async def test_a_visit_is_told_in_order_in_the_name_of_who_asked(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    paths = [f"/projects/{uuid7()}" for _ in range(3)]
    assert (await tell(identity, *(visit(browser, path) for path in paths))).status_code == 204
    told = await identity.events("session_visited", str(browser.actor.session_id))
    assert [msgspec.json.decode(each.data)["path"] for each in told] == paths
    who = {(each.actorid, each.actorname, each.actorkind, each.sessionid, each.clientid) for each in told}
    actor = browser.actor
    assert who == {(actor.id, actor.name, "client", actor.session_id, actor.client_id)}
    assert msgspec.json.decode(told[0].data) == {
        "method": "GET", "path": paths[0], "kind": "page", "request_id": "ab" * 16,
    }  # fmt: skip


async def test_staff_who_view_are_told_as_that(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(policies=["viewAsClient"]))
    await browser("POST", "auth/view-as", json={"client_id": client_id})
    await browser.refresh()
    await tell(identity, visit(browser))
    [told] = await identity.events("session_visited", str(browser.actor.session_id))
    assert (told.actorid, told.actorkind, str(told.clientid)) == (browser.actor.id, "viewing", client_id)


async def test_one_bad_visit_and_none_is_kept(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    for wrong in ({"kind": "film"}, {"client_id": None}, {"query": "a=1"}, {"request_id": "mine"}):
        answer = await tell(identity, visit(browser), visit(browser, **wrong))
        assert answer.status_code == 422, wrong
    assert (await tell(identity)).status_code == 422
    assert (await tell(identity, *[visit(browser)] * (MOST + 1))).status_code == 422
    assert await identity.events("session_visited", str(browser.actor.session_id)) == []


@pytest.mark.parametrize("who", ["staff", "client", "anonymous"])
async def test_only_the_gateway_says_what_was_visited(identity: Identity, who: str) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    actor = {"staff": ADMIN, "client": browser.actor, "anonymous": Actor()}[who]
    assert (await tell(identity, visit(browser), actor=actor)).status_code in (401, 403)
    assert await identity.events("session_visited", str(browser.actor.session_id)) == []


async def test_who_may_turn_it(identity: Identity) -> None:
    client_id = await identity.client()
    for actor in (staff("viewAudit", "managePortalAccess"), colleague_of(client_id, is_primary_contact=True)):
        answer = await identity.api(actor, "PATCH", f"clients/{client_id}", json={"session_recording": True})
        assert answer.status_code == 403
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"session_recording": "yes"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "session_recording")


async def test_with_the_broker_away_visits_wait_and_arrive(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    session = str(browser.actor.session_id)
    async with identity.without("nats"):
        assert (await tell(identity, visit(browser))).status_code == 204
        waiting = "select 1 from outbox where event->>'subject' = $1 and event->>'type' = 'session_visited'"
        assert await identity.execute(f"{waiting} and published_at is null", session)
    await identity.until(f"{waiting} and published_at is not null", session)
