"""Verifying an address, and signing in with another one."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from shared.clock import now
from tests.identity.rig import Browser, Identity


def fresh_address() -> str:
    return f"{uuid4().hex[:16]}@acme.example"


async def use(browser: Browser, page: str, token: str) -> httpx2.Response:
    return await browser("POST", f"auth/{page}", json={"token": token})


async def asked(identity: Identity, new: str) -> tuple[dict[str, Any], Browser, str, str]:
    """Somebody who asked for another address, and the two links: to the old and to the new one."""
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    answer = await browser("POST", "people/me/email", json={"email": new})
    assert answer.status_code == 202
    old = await identity.mail_to(person["email"])
    return person, browser, old.token, (await identity.mail_to(new.lower())).token


async def stored(identity: Identity, person: dict[str, Any]) -> str:
    (row,) = await identity.execute("select email from people where id = $1", UUID(person["id"]))
    return row["email"]


@pytest.mark.parametrize("old_first", [True, False])
async def test_both_addresses_confirm_and_then_it_counts(identity: Identity, old_first: bool) -> None:
    new = fresh_address()
    person, browser, to_old, to_new = await asked(identity, new.upper())
    tokens = (to_old, to_new) if old_first else (to_new, to_old)
    first = await use(await identity.browser(), "confirm-email", tokens[0])
    assert first.json() == {"done": False, "waiting_for": "new" if old_first else "old"}
    assert await stored(identity, person) == person["email"]
    assert (await use(await identity.browser(), "confirm-email", tokens[0])).status_code == 401
    second = await use(await identity.browser(), "confirm-email", tokens[1])
    assert second.json() == {"done": True, "waiting_for": None}
    assert await stored(identity, person) == new
    assert (await (await identity.browser()).sign_in(person["email"])).status_code == 401
    assert (await (await identity.browser()).sign_in(new)).status_code == 200
    assert await browser.record()
    for kind in ("email_change_requested", "email_changed"):
        (event,) = await identity.events(kind, person["id"])
        assert (str(event.actorid), str(event.clientid)) == (person["id"], person["client_id"])


async def test_both_at_once_are_enough(identity: Identity) -> None:
    new = fresh_address()
    person, _, *tokens = await asked(identity, new)
    answers = await asyncio.gather(*[use(await identity.browser(), "confirm-email", token) for token in tokens])
    assert sorted(answer.json()["done"] for answer in answers) == [False, True]
    assert await stored(identity, person) == new


async def test_a_newer_request_replaces_both_links(identity: Identity) -> None:
    newer = fresh_address()
    person, browser, to_old, to_new = await asked(identity, fresh_address())
    await use(await identity.browser(), "confirm-email", to_old)
    await browser("POST", "people/me/email", json={"email": newer})
    assert (await use(await identity.browser(), "confirm-email", to_new)).status_code == 401
    token = (await identity.mail_to(newer)).token
    assert (await use(await identity.browser(), "confirm-email", token)).json()["waiting_for"] == "old"
    assert await stored(identity, person) == person["email"]


async def test_an_address_of_somebody_else_is_not_told_and_never_comes_true(identity: Identity) -> None:
    other = await identity.person(await identity.client())
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    answer = await browser("POST", "people/me/email", json={"email": other["email"]})
    assert answer.status_code == 202
    old = await identity.mail_to(person["email"])
    await identity.until("select 1 from mails where address = $1 and failure = 'closed'", other["email"])
    assert identity.mails_to(other["email"]) == []
    assert (await use(await identity.browser(), "confirm-email", old.token)).json()["waiting_for"] == "new"
    assert await stored(identity, person) == person["email"]


async def test_an_address_that_became_somebodys_meanwhile(identity: Identity) -> None:
    new = fresh_address()
    person, _, to_old, to_new = await asked(identity, new)
    await identity.person(await identity.client(), email=new)
    await use(await identity.browser(), "confirm-email", to_old)
    answer = await use(await identity.browser(), "confirm-email", to_new)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    assert await stored(identity, person) == person["email"]


async def test_what_was_mailed_to_the_old_address_is_void(identity: Identity) -> None:
    person, _, to_old, to_new = await asked(identity, fresh_address())
    thief = await identity.browser()
    await thief.ask_for_link(person["email"])
    link = (await identity.mail_to(person["email"], 2)).token
    await thief("POST", "auth/forgot-password", json={"email": person["email"]})
    password = (await identity.mail_to(person["email"], 3)).token
    for token in (to_old, to_new):
        assert (await use(await identity.browser(), "confirm-email", token)).status_code == 200
    assert (await thief.redeem(token=link)).status_code == 401
    body = {"token": password, "password": "three quiet herons"}
    assert (await thief("POST", "auth/reset-password", json=body)).status_code == 401


async def test_it_takes_a_fresh_proof_and_an_address(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert (await browser("POST", "people/me/email", json={"email": "nobody"})).status_code == 422
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=now().replace(year=2020))
    answer = await browser("POST", "people/me/email", json={"email": fresh_address()})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.step_up_required")


async def test_an_address_is_verified_by_its_link(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    assert (await browser("POST", "people/me/email/verification")).status_code == 202
    token = (await identity.mail_to(person["email"])).token
    elsewhere = await identity.browser()
    assert [(await use(elsewhere, "verify-email", token)).status_code for _ in range(2)] == [204, 401]
    (row,) = await identity.execute("select * from people where id = $1", UUID(person["id"]))
    assert row["email_verified_at"]
    assert len(await identity.events("email_verified", person["id"])) == 1
    assert (await browser("POST", "people/me/email/verification")).status_code == 202
    assert not await identity.execute("select 1 from mails where address = $1 and due_at is not null", person["email"])


@pytest.mark.parametrize("page", ["verify-email", "confirm-email", "invitation"])
async def test_a_link_is_good_for_its_own_purpose_only(identity: Identity, page: str) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    await browser("POST", "auth/forgot-password", json={"email": person["email"]})
    token = (await identity.mail_to(person["email"])).token
    answer = await use(await identity.browser(), page, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    body = {"token": token, "password": "three quiet herons"}
    assert (await browser("POST", "auth/reset-password", json=body)).status_code == 204


async def test_strangers_get_five_mails_a_day_of_somebody_who_types_their_addresses(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    answers = [await browser("POST", "people/me/email", json={"email": fresh_address()}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
