"""Changing one's own password."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from services.identity.tokens import digest
from shared.clock import now
from tests.identity.rig import PASSWORD, Browser, Identity

NEW = "three quiet herons"


async def change(browser: Browser, password: str = NEW, **more: Any) -> httpx2.Response:
    return await browser("POST", "people/me/password", json={"password": password, **more})


async def test_the_others_end_and_this_session_goes_on_under_a_new_id(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser, other = [await identity.browser(person) for _ in range(2)]
    before = browser.cookies["portal_session"]
    answer = await change(browser, current=PASSWORD)
    assert (answer.status_code, answer.text) == (204, "")
    assert browser.cookies["portal_session"] != before
    assert await browser.record()
    assert await other.record() is None
    assert (await identity.resolve(before)).status_code == 404
    assert any(other.session_hash.encode() in bytes(event.data) for event in await identity.events("session_revoked"))
    assert (await (await identity.browser()).sign_in(person["email"], NEW)).status_code == 200
    (event,) = await identity.events("password_changed", person["id"])
    assert str(event.actorid) == person["id"]
    assert "password" in (await identity.mail_to(person["email"])).message["Subject"]
    assert digest(before) not in {str(row["hash"]) for row in await identity.execute("select hash from sessions")}


async def test_the_present_password_is_needed(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    for wrong in ({}, {"current": "not my password"}):
        answer = await change(browser, **wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "current")
    assert (await (await identity.browser()).sign_in(person["email"])).status_code == 200


async def test_guessing_the_present_password_is_bounded(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    answers = [(await change(browser, current=f"guess number {each}")).status_code for each in range(6)]
    assert answers == [*[422] * 5, 429]


async def test_who_had_none_needs_none(identity: Identity) -> None:
    person = await identity.person(await identity.client(), password=None)
    browser = await identity.browser()
    await browser.ask_for_link(person["email"])
    assert (await browser.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 200
    await browser.refresh()
    assert (await change(browser)).status_code == 204
    assert (await (await identity.browser()).sign_in(person["email"], NEW)).status_code == 200


async def test_it_takes_a_fresh_proof(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    long_ago = now() - timedelta(days=365)
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=long_ago)
    answer = await change(browser, current=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.step_up_required")


async def test_where_nobody_signs_in_with_a_password_there_is_none_to_change(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    await identity.execute(
        "update clients set sign_in_methods = '{magic_link}' where id = $1", UUID(person["client_id"])
    )
    answer = await change(browser, current=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (409, "person.no_passwords")


@pytest.mark.parametrize(
    "password", ["qwertzuiop123", "Anna.Keller1", "aaaaaaaaaaaaaaaa", "abcdefghijklmn", "1234567890123"]
)
async def test_what_is_guessed_first_is_refused(identity: Identity, password: str) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    answer = await change(browser, password, current=PASSWORD)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password")
