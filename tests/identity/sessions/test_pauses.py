"""Who is allowed no more attempts at an account is published, once, and says nothing about who has one."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from services.identity.second_factors.models import new_recovery_code
from services.identity.sessions.limits import Limit
from services.identity.sessions.pauses import LIMITS, Proof
from shared.actor import Actor
from shared.events import RawEvent
from tests.identity.rig import Browser, Identity, somewhere

PAUSED = "failed_sign_ins_paused"


async def guess(identity: Identity, email: str, place: Actor) -> tuple[int, str]:
    answer = await Browser(identity, place)("POST", "auth/login", json={"email": email, "password": "a wrong guess"})
    return answer.status_code, answer.text


def facts(event: RawEvent) -> dict[str, Any]:
    return msgspec.json.decode(event.data)


async def test_a_pause_is_published_once_whoever_goes_on(identity: Identity) -> None:
    client = await identity.client()
    person = await identity.person(client)
    places = somewhere(), somewhere()
    for place in places:
        statuses = [(await guess(identity, person["email"], place))[0] for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
    [event] = await identity.events(PAUSED, person["id"])
    assert (str(event.clientid), event.actorid, event.actorname) == (client, None, "")
    said = facts(event)
    assert 0 < said.pop("minutes") <= 5
    assert event.time >= datetime.fromisoformat(said.pop("at"))
    assert said == {"reason": "password", "known": True, "name": person["name"], "ip": places[0].ip}
    assert person["email"] not in str(event)


async def test_before_it_is_paused_nothing_is_published(identity: Identity) -> None:
    """Nor where an address has used up what it may try, and no account of those it tried has."""
    person, place = await identity.person(await identity.client()), somewhere()
    before = len(await identity.events(PAUSED))
    for _ in range(5):
        await guess(identity, person["email"], place)
    busy = somewhere()
    statuses = [(await guess(identity, f"{number}@nowhere.example", busy))[0] for number in range(31)]
    assert statuses == [401] * 30 + [429]
    assert len(await identity.events(PAUSED)) == before


async def test_an_unknown_address_is_answered_and_costs_just_the_same(identity: Identity) -> None:
    person, seen = await identity.person(await identity.client()), []
    before = len(await identity.events(PAUSED))
    for email in (person["email"], "nobody@pauses.example"):
        place = somewhere()
        seen.append([await guess(identity, email, place) for _ in range(6)])
    told = (await identity.events(PAUSED))[before:]
    assert [status for status, _ in seen[0]] == [status for status, _ in seen[1]]
    assert [facts(event)["known"] for event in told] == [True, False]
    assert (told[1].clientid, told[1].subject) == (None, told[1].sessionid)


@pytest.mark.parametrize("proof", ["totp", "recovery_code"])
async def test_a_second_factor_is_paused_by_itself(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, proof: Proof
) -> None:
    monkeypatch.setitem(LIMITS, proof, (Limit(f"few-{proof}", 1, 24 * 60, ("account",)),))
    person = await identity.person(await identity.client())
    app, _ = await (await identity.browser(person)).enrol()
    wrong = {"totp": {"code": app.wrong()}, "recovery_code": {"recovery_code": new_recovery_code()}}[proof]
    browser = await identity.browser()
    assert (await browser.sign_in(person["email"])).json()["next"] == "second_factor"
    assert [(await browser.show(**wrong)).status_code for _ in range(3)] == [401, 429, 429]
    assert [facts(event)["reason"] for event in await identity.events(PAUSED, person["id"])] == [proof]


async def test_what_an_outage_kept_back_is_published_afterwards(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, place = await identity.person(await identity.client()), somewhere()
    for _ in range(5):
        await guess(identity, person["email"], place)

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr("services.identity.sessions.queries.find_account", away)
        assert (await guess(identity, person["email"], place))[0] == 503
    assert (await guess(identity, person["email"], place))[0] == 429
    assert len(await identity.events(PAUSED, person["id"])) == 1
