"""Forgotten passwords: by mail, and by a link that staff hand over."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from services.identity.tokens import new_token
from tests.identity.races import one_of_all
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity, colleague_of, staff

NEW = "three quiet herons"


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    return answer.status_code, sorted(answer.headers.items()), answer.text


async def forgot(browser: Browser, email: str) -> httpx2.Response:
    return await browser("POST", "auth/forgot-password", json={"email": email})


async def reset(browser: Browser, token: str, password: str = NEW) -> httpx2.Response:
    return await browser("POST", "auth/reset-password", json={"token": token, "password": password})


async def link_for(identity: Identity, **fields: Any) -> tuple[dict[str, Any], Browser, str]:
    person, browser = await identity.person(await identity.client(), **fields), await identity.browser()
    assert (await forgot(browser, person["email"])).status_code == 202
    return person, browser, (await identity.mail_to(person["email"])).token


async def test_a_new_password_ends_every_session(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    at_home, at_work = [await identity.browser(person) for _ in range(2)]
    browser = await identity.browser()
    await forgot(browser, person["email"].upper())
    token = (await identity.mail_to(person["email"])).token
    answer = await reset(browser, token)
    assert (answer.status_code, answer.text) == (204, "")
    assert [await each.record() for each in (at_home, at_work)] == [None, None]
    assert (await (await identity.browser()).sign_in(person["email"], PASSWORD)).status_code == 401
    assert (await (await identity.browser()).sign_in(person["email"], NEW)).status_code == 200
    for kind in ("password_reset_requested", "password_reset"):
        (event,) = await identity.events(kind, person["id"])
        assert str(event.clientid) == person["client_id"]
    assert "has changed" in (await identity.mail_to(person["email"], 2)).message["Subject"]
    (row,) = await identity.execute("select * from people where id = $1", UUID(person["id"]))
    assert row["email_verified_at"]


async def test_asking_looks_the_same_for_every_address(identity: Identity) -> None:
    client_id, closed, by_link = [await identity.client() for _ in range(3)]
    known, inactive = await identity.person(client_id), await identity.person(client_id)
    shut_out, linked = await identity.person(closed), await identity.person(by_link)
    await identity.execute("update people set active = false where id = $1", UUID(inactive["id"]))
    await identity.execute("update clients set portal_enabled = false where id = $1", UUID(closed))
    await identity.execute("update clients set sign_in_methods = '{magic_link}' where id = $1", UUID(by_link))
    others = [inactive["email"], shut_out["email"], linked["email"], f"{uuid4().hex}@nowhere.example"]
    answers = [await forgot(await identity.browser(), email) for email in [known["email"], *others]]
    assert {str(seen(answer)) for answer in answers} == {str(seen(answers[0]))}
    await identity.mail_to(known["email"])
    for email in others:
        await identity.until("select 1 where not exists (select 1 from mails where address = $1)", email)
        assert identity.mails_to(email) == []


@pytest.mark.parametrize(
    "change",
    [
        "update one_time_tokens set expires_at = now() where person_id = $1",
        "update one_time_tokens set purpose = 'invitation' where person_id = $1",
        "update people set email = 'moved-' || email where id = $1",
        "update people set active = false where id = $1",
        "update clients set sign_in_methods = '{magic_link}' where id = (select client_id from people where id = $1)",
    ],
)
async def test_whatever_is_wrong_with_the_link_looks_the_same(identity: Identity, change: str) -> None:
    person, browser, token = await link_for(identity)
    await identity.execute(change, UUID(person["id"]))
    answer, never = await reset(browser, token), await reset(await identity.browser(), new_token())
    assert seen(answer) == seen(never)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    (event,) = [
        e
        for e in await identity.events("failed_login")
        if e.sessionid and msgspec.json.decode(e.data)["ip"] == browser.actor.ip
    ]
    assert msgspec.json.decode(event.data)["method"] == "password_reset"
    assert not await identity.events("password_reset", person["id"])
    assert not await identity.execute(
        "select 1 from one_time_tokens where person_id = $1 and used_at is not null", UUID(person["id"])
    )


async def test_a_link_works_once_and_the_newer_one_replaces_it(identity: Identity) -> None:
    person, browser, first = await link_for(identity)
    await forgot(browser, person["email"])
    second = (await identity.mail_to(person["email"], 2)).token
    assert [(await reset(browser, token)).status_code for token in (first, second, second)] == [401, 204, 401]


async def test_of_many_at_once_one_is_used(identity: Identity) -> None:
    person, _, token = await link_for(identity)
    browsers = [await identity.browser() for _ in range(8)]
    passwords = [f"{NEW} {number}" for number in range(8)]
    answers = await asyncio.gather(*(reset(*each) for each in zip(browsers, [token] * 8, passwords, strict=True)))
    one_of_all(answers, 204, 401)
    (right,) = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 204]
    assert (await (await identity.browser()).sign_in(person["email"], right)).status_code == 200


@pytest.mark.parametrize("password", ["password1234", "anna keller anna", "short", "x" * 201, "northwind studio"])
async def test_a_password_that_is_no_good_leaves_the_link_good(identity: Identity, password: str) -> None:
    person, browser, token = await link_for(identity)
    refused = await reset(browser, token, password)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "password")
    assert (await reset(browser, token, NEW)).status_code == 204
    assert (await (await identity.browser()).sign_in(person["email"], NEW)).status_code == 200


async def test_a_reset_ends_a_sign_in_that_waits_for_its_second_step(identity: Identity) -> None:
    person, browser, token = await link_for(identity)
    await identity.execute("update clients set second_factor = 'required' where id = $1", UUID(person["client_id"]))
    thief = await identity.browser()
    assert (await thief("POST", "auth/login", json={"email": person["email"], "password": PASSWORD})).json()[
        "next"
    ] == "enrol"
    assert (await reset(browser, token)).status_code == 204
    assert (await thief("POST", "auth/second-factor/enrol", json={})).status_code == 401


async def test_asking_is_bounded_for_each_address(identity: Identity) -> None:
    browser = await identity.browser()
    assert [(await forgot(browser, "lots@nowhere.example")).status_code for _ in range(7)] == [*[202] * 6, 429]


class TestLinkByStaff:
    async def make(self, identity: Identity, person: dict[str, Any], by: Any = ADMIN) -> httpx2.Response:
        return await identity.api(by, "POST", f"people/{person['id']}/reset-link")

    async def test_it_does_what_the_mail_would(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        at_home = await identity.browser(person)
        answer = await self.make(identity, person)
        assert answer.status_code == 201, answer.text
        address, _, token = answer.json()["link"].partition("?token=")
        assert address == "http://portal.test:8080/reset-password"
        assert await identity.kept(token) == []
        assert (await reset(await identity.browser(), token)).status_code == 204
        assert await at_home.record() is None
        assert not await identity.events("email_verified", person["id"])
        (event,) = await identity.events("password_reset_requested", person["id"])
        assert (event.actorid, msgspec.json.decode(event.data)["by"]) == (ADMIN.id, "staff")

    async def test_it_is_for_others_and_for_who_may_manage_people(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        no_policy, stale = staff("manageClients"), msgspec.structs.replace(ADMIN, proven_at=None)
        myself = msgspec.structs.replace(ADMIN, id=UUID(person["id"]))
        refusals = [
            await self.make(identity, person, by)
            for by in (no_policy, stale, colleague_of(person["client_id"]), myself)
        ]
        assert [answer.status_code for answer in refusals] == [403] * 4
        assert [answer.json()["code"] for answer in refusals[1::2]] == ["auth.step_up_required", "person.not_your_own"]
        assert (await self.make(identity, {"id": uuid4()})).status_code == 404

    async def test_nobody_gets_at_who_holds_more(self, identity: Identity) -> None:
        boss = await identity.person(policies=["managePeople", "viewAudit"])
        assert (await self.make(identity, boss, staff("managePeople"))).status_code == 403
        assert (await self.make(identity, boss, staff("managePeople", "viewAudit"))).status_code == 201

    async def test_there_must_be_a_password_to_sign_in_with(self, identity: Identity) -> None:
        person = await identity.person(await identity.client(sign_in_methods=["magic_link"]))
        answer = await self.make(identity, person)
        assert (answer.status_code, answer.json()["code"]) == (409, "person.no_passwords")
