"""Proving once more who one is: by what, how often, and what becomes of the session."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.tokens import digest
from shared import clock
from shared.actor import Actor
from tests.identity.rig import PASSWORD, Browser, Identity, full_step


async def stale(identity: Identity, browser: Browser) -> Browser:
    """The same browser eleven minutes after its last proof."""
    age = "update sessions set proven_at = now() - interval '11 minutes' where id = $1"
    await identity.execute(age, browser.actor.session_id)
    await browser.refresh()
    return browser


async def signed_in(identity: Identity, **fields: Any) -> tuple[dict[str, Any], Browser]:
    person = await identity.person(await identity.client(), **fields)
    return person, await stale(identity, await identity.browser(person))


async def by_mail_alone(identity: Identity) -> tuple[dict[str, Any], Browser]:
    """Somebody with neither app nor passkey nor password."""
    person = await identity.person(await identity.client(), password=None)
    browser = await identity.browser()
    await browser.ask_for_link(person["email"])
    await browser.redeem(token=(await identity.mail_to(person["email"])).token)
    await browser.refresh()
    return person, browser


async def prove(browser: Browser, **proof: str) -> httpx2.Response:
    return await browser("POST", "auth/step-up", json=proof)


async def test_it_is_fresh_for_ten_minutes(identity: Identity) -> None:
    _, browser = await signed_in(identity)
    answer = (await browser("GET", "auth/step-up")).json()
    assert (answer["fresh"], answer["methods"]) == (False, ["password"])
    assert (await prove(browser, password=PASSWORD)).status_code == 200
    await browser.refresh()
    answer = (await browser("GET", "auth/step-up")).json()
    assert answer["fresh"] is True
    assert browser.actor.proven_at
    proven = browser.actor.proven_at.replace(microsecond=0)
    assert datetime.fromisoformat(answer["fresh_until"]) == proven + timedelta(minutes=10)
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=clock.now() - timedelta(minutes=9, seconds=30))
    assert (await browser("GET", "auth/step-up")).json()["fresh"] is True


async def test_a_proof_gives_the_session_a_new_id_and_ends_the_old_one_at_once(identity: Identity) -> None:
    """S1."""
    person, browser = await signed_in(identity)
    assert (await browser("POST", "two-factor/enrol")).json()["code"] == "auth.step_up_required"
    old, old_hash, session = browser.cookies["portal_session"], browser.session_hash, browser.actor.session_id
    answer = await prove(browser, password=PASSWORD)
    assert (answer.status_code, answer.json()["id"]) == (200, person["id"])
    assert browser.cookies["portal_session"] != old
    assert (await identity.resolve(old)).status_code == 404
    assert await identity.redis.get(f"session:{old_hash}") in (b"revoked", b"old")  # no record of it in any case
    await browser.refresh()
    assert browser.actor.session_id == session
    assert (await browser("GET", "auth/step-up")).json()["fresh"] is True
    assert (await browser("POST", "two-factor/enrol")).status_code == 200
    (event,) = await identity.events("stepped_up", person["id"])
    assert (event.actorid, event.sessionid) == (browser.actor.id, session)
    assert msgspec.json.decode(event.data) == {"method": "password", "ip": ""}
    (rotated,) = await identity.events("session_rotated", str(session))
    assert msgspec.json.decode(rotated.data)["session_hash"] == old_hash


async def test_a_bad_proof_changes_nothing_and_is_told(identity: Identity) -> None:
    person, browser = await signed_in(identity)
    answer = await prove(browser, password="a wrong password")
    assert (answer.status_code, answer.json()["code"]) == (422, "auth.proof_invalid")
    assert "set-cookie" not in answer.headers
    assert await browser.record()
    (event,) = await identity.events("step_up_failed", person["id"])
    assert msgspec.json.decode(event.data) == {"method": "password", "ip": ""}
    assert (await browser("POST", "two-factor/enrol")).status_code == 403


async def test_beside_a_second_factor_nothing_weaker_counts(identity: Identity) -> None:
    person, _ = await signed_in(identity)
    browser = await identity.browser(person)
    app, codes = await browser.enrol()
    await stale(identity, browser)
    assert (await browser("GET", "auth/step-up")).json()["methods"] == ["totp", "recovery_code"]
    for proof in ({"password": PASSWORD}, {"mail_code": "123456"}, {"code": app.wrong()}):
        assert (await prove(browser, **proof)).status_code == 422
    assert (await browser("POST", "auth/step-up/mail")).status_code == 409
    assert (await prove(browser, code=app.code())).status_code == 200
    await browser.refresh()
    assert (await prove(browser, recovery_code=codes[0])).status_code == 200
    await browser.refresh()
    assert (await prove(browser, recovery_code=codes[0])).status_code == 422
    methods = [msgspec.json.decode(each.data)["method"] for each in await identity.events("stepped_up", person["id"])]
    assert methods == ["totp", "recovery_code"]


async def test_a_code_that_signed_in_is_no_proof_any_more(identity: Identity) -> None:
    """A3: one use for both doors."""
    person = await identity.person(await identity.client())
    app, _ = await (await identity.browser(person)).enrol()
    browser = await identity.browser()
    await browser.sign_in(person["email"])
    await full_step()
    code = app.code()
    assert (await browser.show(code=code)).status_code == 200
    assert (await prove(browser, code=code)).status_code == 422
    assert (await prove(browser, code=app.code(1))).status_code == 200


async def test_a_password_the_client_does_not_admit_is_no_proof(identity: Identity) -> None:
    person, browser = await signed_in(identity)
    await identity.execute("update clients set sign_in_methods = '{magic_link}' where id = $1", person["client_id"])
    assert (await browser("GET", "auth/step-up")).json()["methods"] == ["mail_code"]
    assert (await prove(browser, password=PASSWORD)).status_code == 422


class TestMailedCode:
    """For who has nothing else."""

    async def test_it_proves_once_in_the_session_that_asked(self, identity: Identity) -> None:
        person, browser = await by_mail_alone(identity)
        other = await identity.browser()
        await other.ask_for_link(person["email"])
        await other.redeem(token=(await identity.mail_to(person["email"], 2)).token)
        await other.refresh()
        assert (await browser("GET", "auth/step-up")).json()["methods"] == ["mail_code"]
        assert (await browser("POST", "auth/step-up/mail")).status_code == 202
        code = (await identity.mail_to(person["email"], 3)).code
        assert (await prove(other, mail_code=code)).status_code == 422
        assert (await prove(browser, mail_code=code)).status_code == 200
        await browser.refresh()
        assert (await prove(browser, mail_code=code)).status_code == 422
        assert len(await identity.events("step_up_code_requested", person["id"])) == 1
        # Looked for where it could be: six digits stand somewhere among all rows and times by chance.
        rows = "select t::text from one_time_tokens t where person_id = $1"
        mails = "select m::text from mails m where person_id = $1"
        kept = await identity.execute(f"{rows} union all {mails}", person["id"])
        assert kept
        assert [row for row in kept if code in row[0] or digest(code) in row[0]] == []

    async def test_a_newer_code_ends_the_one_before(self, identity: Identity) -> None:
        person, browser = await by_mail_alone(identity)
        await browser("POST", "auth/step-up/mail")
        first = (await identity.mail_to(person["email"], 2)).code
        await browser("POST", "auth/step-up/mail")
        second = (await identity.mail_to(person["email"], 3)).code
        assert (await prove(browser, mail_code=first)).status_code == (200 if first == second else 422)
        assert (await prove(browser, mail_code=second)).status_code == 200

    async def test_of_many_guesses_at_once_five_are_looked_at(self, identity: Identity) -> None:
        """A4: they are counted in a transaction of their own."""
        person, browser = await by_mail_alone(identity)
        await browser("POST", "auth/step-up/mail")
        code = (await identity.mail_to(person["email"], 2)).code
        guesses = [f"{(int(code) + number) % 10**6:06}" for number in range(1, 13)]
        places = [await elsewhere(identity, browser, f"192.0.2.{number}") for number in range(12)]
        answers = await asyncio.gather(
            *(prove(each, mail_code=guess) for each, guess in zip(places, guesses, strict=True))
        )
        assert {answer.status_code for answer in answers} <= {422, 429}
        rows = "select tries from one_time_tokens where person_id = $1 and purpose = 'step_up_code'"
        assert [row["tries"] for row in await identity.execute(rows, person["id"])] == [5]
        assert (await prove(browser, mail_code=code)).status_code in (422, 429)
        assert await browser.record()

    async def test_who_has_a_password_is_asked_for_that(self, identity: Identity) -> None:
        _, browser = await signed_in(identity)
        answer = await browser("POST", "auth/step-up/mail")
        assert (answer.status_code, answer.json()["code"]) == (409, "auth.no_mail_code")


async def elsewhere(identity: Identity, browser: Browser, ip: str) -> Browser:
    """The same session from another address."""
    other = await identity.browser(place=Actor(ip=ip))
    other.actor = msgspec.structs.replace(browser.actor, ip=ip)
    return other


async def test_guessing_a_password_here_counts_as_at_the_door(identity: Identity) -> None:
    person, browser = await signed_in(identity)
    answers = [await prove(browser, password="a wrong guess") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    there = await identity.browser(place=Actor(ip=browser.actor.ip))
    assert (await there.sign_in(person["email"])).status_code == 429


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": PASSWORD, "code": "123456"},
        {"code": "12345"},
        {"code": 123456},
        {"passkey": "x"},
        {"password": ""},
    ],
)
async def test_one_proof_is_asked_for(identity: Identity, body: dict[str, Any]) -> None:
    _, browser = await signed_in(identity)
    assert (await browser("POST", "auth/step-up", json=body)).status_code == 422
    assert await browser.record()


async def test_a_session_that_ended_meanwhile_is_not_brought_back(identity: Identity) -> None:
    _, browser = await signed_in(identity)
    await identity.execute("update sessions set revoked_at = now() where id = $1", browser.actor.session_id)
    answer = await prove(browser, password=PASSWORD)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
