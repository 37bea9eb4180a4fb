"""An invitation to somebody who signs in already: it proves a mailbox, and neither opens nor links anything by itself."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.identity.tokens import new_token
from tests.identity.organisations.conftest import Consultant
from tests.identity.races import one_of_all
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity, somewhere

NAMES = {"first_name": "Anna", "last_name": "Keller"}
UNUSED = "select 1 from one_time_tokens where person_id = $1 and purpose = 'invitation' and used_at is null"


async def look(browser: Browser, token: str) -> dict[str, Any]:
    return (await browser("POST", "auth/invitation", json={"token": token})).json()


async def register(browser: Browser, token: str, **more: str) -> Any:
    return await browser("POST", "auth/register", json={"token": token, **NAMES, **more})


async def test_the_link_says_that_the_address_signs_in_already(invited: Consultant) -> None:
    seen = await look(await invited.identity.browser(), invited.token)
    assert (seen["joins_account"], seen["client_name"], seen["email"]) == (True, "Birch Ltd", invited.email)
    assert seen["ahead"] is None, "a stranger with the link reads what only signing in would open"


async def test_the_link_alone_opens_and_links_nothing(invited: Consultant) -> None:
    """A second factor, or a password, is not got around by a mail."""
    browser = await invited.identity.browser()
    for more in ({}, {"password": "three quiet herons"}):
        answer = await register(browser, invited.token, **more)
        assert (answer.status_code, answer.json()["code"]) == (409, "organisation.sign_in_first")
    assert "portal_session" not in browser.cookies
    assert await invited.identity.execute(UNUSED, invited.guest["id"])
    row = await invited.row(invited.guest)
    assert (row["joined_at"], row["password_hash"], str(row["account_id"])) == (None, None, invited.anna["id"])


async def test_signed_in_with_that_address_one_joins(invited: Consultant) -> None:
    before = dict(invited.browser.cookies)
    answer = await invited.join()
    assert (answer.status_code, answer.json()) == (200, {"client_id": invited.birch})
    assert invited.browser.cookies == before
    assert (await invited.row(invited.guest))["joined_at"]
    assert (await invited.row(invited.guest))["email_verified_at"]
    assert [
        (each["name"], each["current"], each["home"], each["obstacle"]) for each in await invited.organisations()
    ] == [
        ("Acme GmbH", True, True, ""),
        ("Birch Ltd", False, False, ""),
    ]
    (event,) = await invited.identity.events("organisation_joined", invited.guest["id"])
    assert (str(event.clientid), str(event.actorid), event.actorname) == (
        invited.birch,
        invited.guest["id"],
        "Anna Keller-Birch",
    )
    said = msgspec.json.decode(event.data)
    assert (said["ip"], said["standing"]["may_enter"]) == (invited.browser.actor.ip, True)


async def test_neither_client_hears_of_the_other(invited: Consultant) -> None:
    await invited.joined()
    await invited.signs_in()
    await invited.switch(invited.birch)
    there = str(invited.browser.actor.session_id)
    assert (await invited.browser("POST", "sessions/revoke-others")).json() == {"revoked": 1}
    await invited.switch(invited.acme)
    acme, birch = await invited.told(invited.acme), await invited.told(invited.birch)
    for theirs in (invited.birch, invited.guest["id"], "Keller-Birch", there):
        assert theirs not in acme
    for theirs in (invited.acme, invited.anna["id"], "'Anna Keller'", str(invited.browser.actor.session_id)):
        assert theirs not in birch


async def test_a_link_works_once_and_in_its_time(invited: Consultant) -> None:
    await invited.joined()
    again = await invited.join()
    never = await invited.join(token=new_token())
    assert (again.status_code, again.json()) == (401, never.json())
    _, token = await invited.invite(await invited.identity.client("Cedar & Co"))
    await invited.identity.execute("update one_time_tokens set expires_at = now() where used_at is null")
    assert (await invited.join(token=token)).status_code == 401
    assert len(await invited.organisations()) == 2


async def test_of_many_at_once_one_joins(invited: Consultant) -> None:
    """A2, on this way of using an invitation up."""
    browsers = [
        Browser(invited.identity, msgspec.structs.replace(invited.browser.actor, ip=somewhere().ip)) for _ in range(10)
    ]
    answers = await asyncio.gather(*(invited.join(browser) for browser in browsers))
    one_of_all(answers, 200, 401)
    assert len(await invited.identity.events("organisation_joined", invited.guest["id"])) == 1


async def test_somebody_elses_session_does_not_join(invited: Consultant) -> None:
    """A forwarded link, or one opened where a colleague is signed in."""
    oliver = await invited.identity.browser(await invited.identity.person(invited.acme))
    answer = await invited.join(oliver)
    assert (answer.status_code, answer.json()["code"]) == (409, "organisation.somebody_else")
    assert await invited.identity.execute(UNUSED, invited.guest["id"])
    assert (await invited.row(invited.guest))["joined_at"] is None
    assert (await invited.join()).status_code == 200


async def test_nobody_and_staff_do_not_join(invited: Consultant) -> None:
    body = {"token": invited.token}
    assert (await invited.identity.api(None, "POST", "auth/organisations/join", json=body)).status_code == 401
    answer = await invited.identity.api(ADMIN, "POST", "auth/organisations/join", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "organisation.for_client_people")


@pytest.mark.parametrize(
    "change",
    [
        "update people set email = 'moved-' || email where id = $1",
        "update people set active = false where id = $1",
        "update people set portal_access = false where id = $1",
        "update clients set portal_enabled = false where id = (select client_id from people where id = $1)",
        "update clients set sign_in_methods = '{sso}' where id = (select client_id from people where id = $1)",
        "update clients set allowed_networks = '{10.0.0.0/8}' where id = (select client_id from people where id = $1)",
    ],
)
async def test_whatever_is_wrong_with_the_link_looks_the_same(invited: Consultant, change: str) -> None:
    await invited.identity.execute(change, invited.guest["id"])
    answer = await invited.join()
    assert (answer.status_code, answer.json()) == (401, (await invited.join(token=new_token())).json())
    assert (await invited.row(invited.guest))["joined_at"] is None


async def test_joining_is_not_coming_in(invited: Consultant) -> None:
    """Birch wants a second factor, which Anna has not: she may join, and not enter."""
    await invited.identity.execute("update clients set second_factor = 'required' where id = $1", invited.birch)
    await invited.joined()
    answer = await invited.switch(invited.birch)
    assert (answer.status_code, answer.json()["code"]) == (409, "organisation.sign_in_again")


async def test_who_holds_two_open_invitations_comes_in_with_either_and_joins_the_other(identity: Identity) -> None:
    """Nobody has signed in with the address yet: the one accepted first becomes the account."""
    anna = await Consultant(identity).arrive()
    email = f"{uuid4().hex}@acme.example"
    (first, to_acme), (second, to_birch) = await anna.invite(anna.acme, email), await anna.invite(anna.birch, email)
    assert str((await anna.row(second))["account_id"]) == first["id"]
    browser = await identity.browser()
    seen = await look(browser, to_birch)
    assert (seen["joins_account"], seen["ahead"] is None) == (False, False)
    assert (await register(browser, to_birch, password=PASSWORD)).status_code == 200
    await browser.refresh()
    assert str(browser.actor.id) == second["id"]
    assert str((await anna.row(first))["account_id"]) == second["id"]
    assert (await look(browser, to_acme))["joins_account"] is True
    assert (await register(await identity.browser(), to_acme)).json()["code"] == "organisation.sign_in_first"
    assert (await anna.join(browser, to_acme)).status_code == 200
    assert (await anna.switch(anna.acme, browser)).status_code == 200
    assert str(browser.actor.id) == first["id"]


async def test_staff_see_who_waits_and_can_invite_again(invited: Consultant) -> None:
    contact = (await invited.staff("GET", f"contacts/{invited.guest['id']}")).json()
    assert (contact["portal_access"], contact["has_account"]) == (True, False)
    await invited.staff("POST", f"contacts/{invited.guest['id']}/invitation/resend")
    mail = await invited.identity.mail_to(invited.email, 2)
    assert (await invited.join()).status_code == 401
    assert (await invited.join(token=mail.token)).status_code == 200
    refused = await invited.identity.api(ADMIN, "POST", f"contacts/{invited.guest['id']}/invitation/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "contact.has_account")


async def test_a_team_invites_somebody_who_signs_in_elsewhere(identity: Identity) -> None:
    anna = await Consultant(identity).arrive()
    cedar = await identity.client("Cedar & Co")
    boss = await identity.browser(await identity.person(cedar, is_primary_contact=True))
    answer = await boss("POST", "team", json={"email": anna.email, **NAMES})
    assert answer.status_code == 201, answer.text
    token = (await identity.mail_to(anna.email, 2)).token
    assert (await anna.join(token=token)).json() == {"client_id": cedar}
    assert (await anna.switch(cedar)).status_code == 200
    assert str(anna.browser.actor.id) == answer.json()["id"]


@pytest.mark.parametrize(
    "body", [{}, {"token": ""}, {"token": "x" * 101}, {"token": "x", "client_id": str(uuid4())}, {"token": 1}]
)
async def test_what_is_no_token_is_422(invited: Consultant, body: dict[str, Any]) -> None:
    assert (await invited.browser("POST", "auth/organisations/join", json=body)).status_code == 422


@pytest.mark.parametrize(("chosen", "here", "spoken"), [("", "", "en"), ("de", "", "de"), ("de", "en", "en")])
async def test_the_language_somebody_chose_comes_along_unless_they_chose_one_here(
    invited: Consultant, chosen: str, here: str, spoken: str
) -> None:
    if chosen:
        assert (await invited.browser("PATCH", "people/me", json={"language": chosen})).status_code == 200
    if here:  # as after an earlier stay
        chose = "update people set language = $2, language_chosen = true where id = $1"
        await invited.identity.execute(chose, invited.guest["id"], here)
    await invited.joined()
    assert (await invited.row(invited.guest))["language"] == spoken


async def test_what_staff_chose_for_somebody_is_no_choice_of_theirs(invited: Consultant) -> None:
    await invited.staff("PATCH", f"contacts/{invited.anna['id']}", json={"language": "de"})
    await invited.joined()
    assert (await invited.row(invited.guest))["language"] == "en"
