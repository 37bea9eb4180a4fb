"""Being invited and coming in: who gets a mail, and what its link is good for."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from services.identity.invitations.commands import invite
from services.identity.invitations.queries import states_of
from services.identity.one_time_tokens.commands import withdraw
from services.identity.people.models import Person
from services.identity.tokens import digest, new_token
from shared.actor import Actor
from shared.clock import now
from tests.identity.races import one_of_all
from tests.identity.rig import ADMIN, FIREFOX, PASSWORD, Browser, Identity

NAMES = {"first_name": "Änne", "last_name": "Keller"}


async def invited(identity: Identity, client_id: str | None, by: Actor = ADMIN, **fields: Any) -> dict[str, Any]:
    """Somebody without a password, and an invitation for them on its way."""
    person = await identity.person(client_id, password=None, **fields)
    await send_to(identity, person, by)
    return person


async def send_to(identity: Identity, person: dict[str, Any], by: Actor = ADMIN) -> UUID:
    async with identity.api.app.state.database.uow(by) as db:
        found = await db.get(Person, UUID(person["id"]))
        assert found
        return (await invite(db, by, found)).id


async def state(identity: Identity, person: dict[str, Any]) -> str:
    async with identity.api.app.state.database.read(ADMIN) as connection:
        found = await states_of(connection, [UUID(person["id"])])
    return found[UUID(person["id"])].status if found else "none"


async def look(browser: Browser, token: str) -> httpx2.Response:
    return await browser("POST", "auth/invitation", json={"token": token})


async def accept(browser: Browser, token: str, **more: Any) -> httpx2.Response:
    return await browser("POST", "auth/register", json={"token": token, **NAMES, **more})


async def test_the_invited_come_in(identity: Identity) -> None:
    client_id = await identity.client("Acme GmbH", sign_in_methods=["magic_link", "password"])
    person, browser = await invited(identity, client_id), await identity.browser()
    mail = await identity.mail_to(person["email"])
    assert "for Acme GmbH" in mail.text
    seen = (await look(browser, mail.token)).json()
    assert seen.pop("expires_at")
    assert seen == {
        "email": person["email"],
        "first_name": "Anna",
        "last_name": "Keller",
        "client_name": "Acme GmbH",
        "company_name": "Northwind <Studio>",
        "sign_in_methods": ["magic_link", "password"],
        "joins_account": False,
        "password_needed": False,
        "invited_by": "",
        "ahead": {"projects": [], "more": 0, "every_project": False},
    }
    answer = await accept(browser, mail.token, password="three quiet herons")
    assert answer.status_code == 200, answer.text
    assert answer.json()["person"]["name"] == "Änne Keller"
    await browser.refresh()
    assert (await browser("GET", "auth/me")).json()["id"] == person["id"]
    (row,) = await identity.execute("select * from people where id = $1", person["id"])
    assert row["email_verified_at"]
    (event,) = await identity.events("invitation_accepted", person["id"])
    assert (str(event.actorid), str(event.clientid)) == (person["id"], client_id)
    assert msgspec.json.decode(event.data) == {"registered": False, "ip": browser.actor.ip, "user_agent": FIREFOX}
    assert (await (await identity.browser()).sign_in(person["email"], "three quiet herons")).status_code == 200
    assert await state(identity, person) == "accepted"


async def test_lists_of_people_and_of_contacts_say_the_same_of_who_has_not_accepted(identity: Identity) -> None:
    client_id = await identity.client("Acme GmbH")
    person = await identity.person(client_id, password=None)
    async with identity.api.app.state.database.uow(ADMIN) as db:  # held until both lists have been read
        row = await db.get(Person, UUID(person["id"]))
        assert row
        mail = await invite(db, ADMIN, row)
        mail.due_at = now() + timedelta(minutes=5)
    for status in ("waiting", "sent"):
        for path in (f"people?client_id={client_id}", f"clients/{client_id}/contacts"):
            [found] = (await identity.api(ADMIN, "GET", path)).json()["items"]
            assert (found["has_account"], found["invitation"]["status"]) == (False, status), path
        await identity.execute("update mails set due_at = now() where id = $1 and due_at is not null", mail.id)
        await identity.until("select 1 from mails where id = $1 and sent_at is not null", mail.id)


async def test_what_became_of_an_invitation_outlives_its_mail(identity: Identity) -> None:
    client_id, browser = await identity.client(), await identity.browser()
    came, stayed = await invited(identity, client_id), await invited(identity, client_id)
    await identity.mail_to(stayed["email"])
    assert (await accept(browser, (await identity.mail_to(came["email"])).token)).status_code == 200
    await identity.execute("delete from mails where client_id = $1", client_id)
    assert (await state(identity, came), await state(identity, stayed)) == ("accepted", "expired")


async def test_staff_are_invited_like_anybody(identity: Identity) -> None:
    person, browser = await invited(identity, None), await identity.browser()
    mail = await identity.mail_to(person["email"])
    assert "Northwind <Studio> invites you to its portal." in mail.text
    assert (await look(browser, mail.token)).json()["client_name"] is None
    assert (await accept(browser, mail.token)).status_code == 200


async def test_looking_uses_nothing_up_and_coming_in_does(identity: Identity) -> None:
    person, browser = await invited(identity, await identity.client()), await identity.browser()
    token = (await identity.mail_to(person["email"])).token
    before = await identity.execute("select t::text from one_time_tokens t where person_id = $1", person["id"])
    for _ in range(5):
        assert (await look(browser, token)).status_code == 200
    assert before == await identity.execute("select t::text from one_time_tokens t where person_id = $1", person["id"])
    assert (await accept(browser, token)).status_code == 200
    assert (await accept(await identity.browser(), token)).status_code == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("select $1::uuid", "auth.invitation_accepted"),
        ("update people set email = 'moved-' || email where id = $1", "auth.token_invalid"),
        ("update people set active = false where id = $1", "auth.token_invalid"),
        ("update people set portal_access = false where id = $1", "auth.token_invalid"),
        ("update one_time_tokens set purpose = 'password_reset' where person_id = $1", "auth.token_invalid"),
    ],
)
async def test_an_accepted_invitation_says_so_while_its_person_signs_in_with_that_address(
    identity: Identity, change: str, code: str
) -> None:
    """Whoever holds the link has its secret; whoever guesses learns nothing."""
    person, browser = await invited(identity, await identity.client()), await identity.browser()
    token = (await identity.mail_to(person["email"])).token
    assert (await accept(browser, token)).status_code == 200
    await identity.execute(change, UUID(person["id"]))
    again = [await look(browser, token), await accept(await identity.browser(), token)]
    assert [(answer.status_code, answer.json()["code"]) for answer in again] == [(401, code)] * 2


async def test_sending_again_replaces_the_link(identity: Identity) -> None:
    person, browser = await invited(identity, await identity.client()), await identity.browser()
    first = await identity.mail_to(person["email"])
    await send_to(identity, person)
    second = await identity.mail_to(person["email"], 2)
    assert (await accept(browser, first.token)).status_code == 401
    assert (await accept(browser, second.token)).status_code == 200


async def test_an_invitation_that_still_waits_is_not_sent_when_there_is_a_newer_one(identity: Identity) -> None:
    person = await identity.person(await identity.client(), password=None)
    async with identity.without("mail"):
        first = await send_to(identity, person)
        await identity.until("select 1 from mails where id = $1 and tries > 0", first)
        assert await state(identity, person) == "waiting"
        second = await send_to(identity, person)
    await identity.until("select 1 from mails where id = $1 and sent_at is not null", second)
    (row,) = await identity.execute("select * from mails where id = $1", first)
    assert (row["failure"], row["sent_at"]) == ("replaced", None)
    assert len(identity.mails_to(person["email"])) == 1
    assert await state(identity, person) == "sent"


@pytest.mark.parametrize(
    "change",
    [
        "update one_time_tokens set expires_at = now() where person_id = $1",
        "update one_time_tokens set purpose = 'password_reset' where person_id = $1",
        "update people set email = 'moved-' || email where id = $1",
        "update people set active = false where id = $1",
        "update people set portal_access = false where id = $1",
        "update clients set portal_enabled = false where id = (select client_id from people where id = $1)",
        "update clients set sign_in_methods = '{sso}' where id = (select client_id from people where id = $1)",
    ],
)
async def test_whatever_is_wrong_with_the_link_looks_the_same(identity: Identity, change: str) -> None:
    person, browser = await invited(identity, await identity.client()), await identity.browser()
    token = (await identity.mail_to(person["email"])).token
    sent = "select 1 where not exists (select from mails where address = $1 and due_at is not null)"
    await identity.until(sent, person["email"])
    never = await accept(await identity.browser(), new_token())
    await identity.execute(change, UUID(person["id"]))
    seen, answer = await look(browser, token), await accept(browser, token)
    assert (seen.status_code, answer.status_code) == (401, 401)
    assert seen.json() == answer.json() == never.json()
    assert not await identity.execute(
        "select 1 from one_time_tokens where person_id = $1 and used_at is not null", person["id"]
    )
    assert (await identity.events("failed_login"))[-1].time > (await identity.events("invitation_sent", person["id"]))[
        0
    ].time


async def test_from_a_network_that_is_not_allowed_the_link_is_kept_for_one_that_is(identity: Identity) -> None:
    client_id = await identity.client(allowed_networks=["10.20.0.0/16"])
    person, browser = await invited(identity, client_id), await identity.browser()
    token = (await identity.mail_to(person["email"])).token
    seen = await browser("POST", "auth/invitation", json={"token": token})
    assert (seen.status_code, seen.json()["code"]) == (403, "organisation.network")
    assert (await accept(browser, token)).status_code == 401
    (event,) = await identity.events("failed_login", person["id"])
    assert msgspec.json.decode(event.data)["reason"] == "network"
    inside = await identity.browser(place=Actor(ip="10.20.3.4"))
    assert (await inside("POST", "auth/invitation", json={"token": token})).status_code == 200
    assert (await accept(inside, token)).status_code == 200


async def test_a_password_where_none_is_used_or_none_is_good(identity: Identity) -> None:
    client_id = await identity.client(sign_in_methods=["magic_link"])
    person, browser = await invited(identity, client_id), await identity.browser()
    token = (await identity.mail_to(person["email"])).token
    unused = await accept(browser, token, password=PASSWORD)
    assert (unused.status_code, unused.json()["errors"][0]["field"]) == (422, "password")
    await identity.execute("update clients set sign_in_methods = '{password}' where id = $1", UUID(client_id))
    easy = await accept(browser, token, password=person["email"])
    assert (easy.status_code, easy.json()["code"]) == (422, "person.password_too_easy")
    assert (await accept(browser, token, password=PASSWORD)).status_code == 200


async def test_a_second_factor_is_asked_for_where_it_is_required(identity: Identity) -> None:
    client_id = await identity.client(second_factor="required")
    person, browser = await invited(identity, client_id), await identity.browser()
    answer = await accept(browser, (await identity.mail_to(person["email"])).token)
    assert (answer.json()["next"], answer.json()["person"]) == ("enrol", None)
    assert "portal_session" not in browser.cookies


async def test_the_outcome_is_told_in_the_name_of_who_invited(identity: Identity) -> None:
    client_id = await identity.client()
    good, bad = await invited(identity, client_id), await invited(identity, client_id, email="x1@bounces.example")
    await identity.until("select 1 from mails where address = $1 and failed_at is not null", bad["email"])
    await identity.until("select 1 from mails where address = $1 and sent_at is not null", good["email"])
    (sent,), (failed,) = [
        await identity.events(f"invitation_{each}", person["id"]) for each, person in (("sent", good), ("failed", bad))
    ]
    assert sent.actorid == failed.actorid == ADMIN.id
    assert (sent.actorname, str(sent.clientid)) == ("Jonas Weber", client_id)
    assert msgspec.json.decode(failed.data) == {"reason": "refused"}
    assert (await state(identity, good), await state(identity, bad)) == ("sent", "failed")


async def test_who_may_not_come_in_when_the_mail_is_written_gets_none(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id, password=None)
    await identity.execute("update clients set portal_enabled = false where id = $1", UUID(client_id))
    mail = await send_to(identity, person)
    await identity.until("select 1 from mails where id = $1 and failure = 'closed'", mail)
    assert identity.mails_to(person["email"]) == []
    (event,) = await identity.events("invitation_failed", person["id"])
    assert msgspec.json.decode(event.data) == {"reason": "closed"}


async def test_neither_token_nor_what_it_opens_is_kept(identity: Identity) -> None:
    person = await invited(identity, await identity.client())
    token = (await identity.mail_to(person["email"])).token
    assert await identity.kept(digest(token), token) == [digest(token)]
    assert person["email"] not in str([event.data for event in await identity.api.published()])


async def test_a_link_that_was_withdrawn_is_no_good(identity: Identity) -> None:
    person = await invited(identity, await identity.client())
    token = (await identity.mail_to(person["email"])).token
    async with identity.api.app.state.database.uow(ADMIN) as db:
        await withdraw(db, UUID(person["id"]), "invitation")
    assert (await look(await identity.browser(), token)).status_code == 401
    assert await state(identity, person) == "expired"


@pytest.mark.parametrize(
    "body",
    [
        {},
        NAMES,
        {"token": "x", "email": "a@b.example", **NAMES},
        {"token": "x", "first_name": "A\r\nB", "last_name": "C"},
        {"token": "x" * 101, **NAMES},
        {"token": "x", **NAMES, "kind": "staff"},
    ],
)
async def test_what_cannot_be_an_acceptance(identity: Identity, body: dict[str, Any]) -> None:
    answer = await (await identity.browser())("POST", "auth/register", json=body)
    assert answer.status_code == 422, answer.text


async def test_of_many_at_once_one_comes_in(identity: Identity) -> None:
    person = await invited(identity, await identity.client())
    token = (await identity.mail_to(person["email"])).token
    browsers = [await identity.browser() for _ in range(10)]
    answers = await asyncio.gather(*(accept(browser, token) for browser in browsers))
    one_of_all(answers, 200, 401)
    assert len(await identity.execute("select 1 from sessions where person_id = $1", person["id"])) == 1
