"""Credentials while home is closed to their owner: changed from where they still are, by nobody else (decision 0097)."""

import asyncio
from datetime import timedelta

import httpx2
import msgspec
import pytest

from services.identity.passkeys.models import MOST
from shared.clock import now, uuid7
from tests.identity.authenticator import Authenticator
from tests.identity.organisations.conftest import Consultant
from tests.identity.passkeys.rig import add, enter, options
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity, colleague_of
from tests.identity.single_sign_on.rig import organisation

ANOTHER = "three quiet herons"
CHANGES = (
    ("POST", "people/me/password", {"password": ANOTHER, "current": PASSWORD}),
    ("POST", "people/me/email", {"email": "new@acme.example"}),
    ("POST", "passkeys/options", {}),
    ("GET", "passkeys", None),
    ("DELETE", f"passkeys/{uuid7()}", None),
    ("POST", "two-factor/enrol", {}),
    ("POST", "two-factor/recovery-codes", {}),
    ("DELETE", "two-factor", None),
    ("GET", "two-factor", None),
    ("POST", "auth/step-up", {"password": PASSWORD}),
    ("POST", "auth/step-up/mail", {}),
    ("POST", "auth/step-up/passkey/options", {}),
)
"""All that is done with an account's credentials."""


async def close(both: Consultant, what: str) -> None:
    """Close Anna's home to her."""
    if what == "access":
        await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    elif what == "portal":
        await both.staff("POST", f"clients/{both.acme}/portal/disable")
    else:
        path = f"people/{both.anna['id']}" if what == "person" else f"clients/{both.acme}"
        await both.staff("PATCH", path, json={"active": False})


async def shut_out(both: Consultant, what: str = "person") -> Browser:
    """Anna's browser at Birch, with home closed to her."""
    await both.switch(both.birch)
    await close(both, what)
    return both.browser


async def refused(browser: Browser) -> None:
    for method, path, body in CHANGES:
        answer = await browser(method, path, json=body)
        assert (answer.status_code, answer.json().get("code")) == (409, "account.elsewhere"), path
    assert (await browser("GET", "auth/sign-in-methods")).json()["managed_here"] is False


@pytest.mark.parametrize("what", ["person", "access", "client", "portal"])
async def test_who_is_shut_out_of_home_changes_everything_from_the_other_organisation(
    both: Consultant, what: str
) -> None:
    identity, browser = both.identity, await shut_out(both, what)
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=now() - timedelta(minutes=11))
    assert (await browser("GET", "auth/sign-in-methods")).json()["managed_here"] is True
    assert (await browser("POST", "two-factor/enrol")).json()["code"] == "auth.step_up_required"
    assert (await browser("POST", "auth/step-up", json={"password": ANOTHER})).status_code == 422
    assert (await browser("POST", "auth/step-up", json={"password": PASSWORD})).status_code == 200
    await browser.refresh()
    authenticator = Authenticator()
    assert (await add(browser, authenticator)).status_code == 201
    (passkey,) = (await browser("GET", "passkeys")).json()["items"]
    assert (await browser("PATCH", f"passkeys/{passkey['id']}", json={"name": "Key"})).json()["name"] == "Key"
    credential = authenticator.sign(await options(browser, "auth/step-up/passkey/options"))
    assert (await browser("POST", "auth/step-up/passkey", json={"credential": credential})).status_code == 200
    await browser.refresh()
    body = {"password": ANOTHER, "current": PASSWORD}
    assert (await browser("POST", "people/me/password", json=body)).status_code == 204
    await browser.refresh()
    app, _ = await browser.enrol()
    assert (await browser("GET", "two-factor")).json()["enabled"] is True
    anew = await identity.browser()
    assert (await enter(anew, authenticator)).json()["person"]["client_name"] == "Birch Ltd"
    assert (await anew.sign_in(both.email, ANOTHER)).json()["next"] == "second_factor"
    assert (await anew.show(code=app.code())).json()["person"]["client_name"] == "Birch Ltd"
    for kind in ("stepped_up", "passkey_added", "password_changed", "second_factor_enabled"):
        assert {str(each.clientid) for each in await identity.events(kind, both.guest["id"])} == {both.birch}, kind
        assert await identity.events(kind, both.anna["id"]) == [], kind
    assert (await browser("DELETE", f"passkeys/{passkey['id']}")).status_code == 204
    assert (await browser("DELETE", "two-factor")).status_code == 204
    mails = await identity.execute("select kind from mails where address = $1 and failed_at is null", both.email)
    assert {"passkey_added", "password_changed", "two_factor_changed"} <= {each["kind"] for each in mails}


async def test_the_address_changes_everywhere_once_both_mailboxes_agree(both: Consultant) -> None:
    browser, new = await shut_out(both), f"new-{both.email}"
    before = len(await both.identity.mails_written(both.email))
    assert (await browser("POST", "people/me/email", json={"email": new})).status_code == 202
    for address, number in ((new, 1), (both.email, before + 1)):
        token = (await both.identity.mail_to(address, number)).token
        assert (await browser("POST", "auth/confirm-email", json={"token": token})).status_code == 200
    assert {(await both.row(each))["email"] for each in (both.anna, both.guest)} == {new}


async def test_who_was_deactivated_at_home_hears_that_their_forgotten_password_was_replaced(both: Consultant) -> None:
    browser = await shut_out(both)
    before = len(await both.identity.mails_written(both.email))
    await browser("POST", "auth/forgot-password", json={"email": both.email})
    token = (await both.identity.mail_to(both.email, before + 1)).token
    answer = await browser("POST", "auth/reset-password", json={"token": token, "password": ANOTHER})
    assert answer.status_code == 204
    assert "has changed" in (await both.identity.mail_to(both.email, before + 2)).message["Subject"]


async def test_the_organisation_one_is_in_may_want_the_second_factor(both: Consultant) -> None:
    browser = await shut_out(both)
    await browser.enrol()
    await both.staff("PATCH", f"clients/{both.birch}", json={"second_factor": "required"})
    assert (await browser("GET", "two-factor")).json()["required"] is True
    assert (await browser("DELETE", "two-factor")).json()["code"] == "two_factor.required"


async def test_home_that_opens_again_is_the_place_for_it_again(both: Consultant) -> None:
    browser = await shut_out(both)
    credential = Authenticator().make(await options(browser, "passkeys/options"))
    await both.staff("PATCH", f"people/{both.anna['id']}", json={"active": True})
    await refused(browser)
    answer = await browser("POST", "passkeys", json={"name": "Laptop", "credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (409, "account.elsewhere")


@pytest.mark.parametrize(
    "narrowed",
    [{"sign_in_methods": ["passkey"]}, {"allowed_networks": ["203.0.113.0/24"]}, {"second_factor": "required"}],
)
async def test_a_home_that_one_cannot_enter_in_this_way_is_not_closed(
    both: Consultant, narrowed: dict[str, object]
) -> None:
    await both.switch(both.birch)
    await both.staff("PATCH", f"clients/{both.acme}", json=narrowed)
    await refused(both.browser)


async def test_of_two_other_organisations_each_will_do_and_both_see_one_account(both: Consultant) -> None:
    identity = both.identity
    cedar = await identity.client("Cedar & Co", sign_in_methods=["magic_link", "password", "passkey"])
    _, token = await both.invite(cedar)
    assert (await both.join(token=token)).json() == {"client_id": cedar}
    there = await both.signs_in()
    await both.switch(cedar, there)
    here = await shut_out(both)
    for _ in range(MOST - 1):
        assert (await add(here, Authenticator())).status_code == 201
    assert len((await there("GET", "passkeys")).json()["items"]) == MOST - 1
    made = [
        (browser, Authenticator().make(await options(browser, "passkeys/options"))) for browser in (here, there) * 3
    ]
    answers = await asyncio.gather(
        *(browser("POST", "passkeys", json={"name": "Last", "credential": each}) for browser, each in made)
    )
    assert [answer.status_code for answer in answers].count(201) == 1, [answer.text for answer in answers]
    assert len((await here("GET", "passkeys")).json()["items"]) == MOST


async def test_while_home_is_closed_and_opened_nobody_is_left_with_half_of_it(both: Consultant) -> None:
    """Whoever is first, the other sees it: either done from here, or refused, and nothing is a fault of ours."""
    browser, path = await shut_out(both), f"people/{both.anna['id']}"

    async def toggle() -> list[httpx2.Response]:
        return [await both.staff("PATCH", path, json={"active": bool(n % 2)}) for n in range(7, 17)]

    async def change() -> list[httpx2.Response]:
        return [await browser("POST", "two-factor/enrol", json={}) for _ in range(20)]

    _, *tries = await asyncio.gather(toggle(), change(), change())
    assert {each.status_code for answers in tries for each in answers} <= {200, 409}
    assert (await both.row(both.anna))["active"] is False
    assert (await browser("POST", "two-factor/enrol", json={})).status_code == 200


async def test_nobody_of_home_or_of_the_other_organisation_gets_at_it(both: Consultant) -> None:
    """Neither an administrator where she was, nor one where she is, nor a system: they have no such route, and theirs
    lead to their own account.
    """
    browser = await shut_out(both)
    await add(browser, Authenticator())
    (passkey,) = (await browser("GET", "passkeys")).json()["items"]
    for client_id in (both.acme, both.birch):
        other = await both.identity.browser(await both.identity.person(client_id))
        assert (await other("GET", "passkeys")).json() == {"items": []}
        assert (await other("DELETE", f"passkeys/{passkey['id']}")).status_code == 404
        for person in (both.anna, both.guest):
            body = {"password": ANOTHER}
            lead = msgspec.structs.replace(colleague_of(client_id), is_primary_contact=True)
            for actor in (lead, ADMIN):
                answer = await both.identity.api(actor, "POST", f"people/{person['id']}/password", json=body)
                assert answer.status_code == 404
    assert (await browser("GET", "passkeys")).json()["items"] == [passkey]


async def test_who_proved_nothing_but_a_guests_provider_has_no_account_to_change(identity: Identity) -> None:
    """Anna's account is at Birch, which is closed to her; Acme's provider says that somebody is Acme's Anna."""
    async with organisation(identity) as acme:
        anna = await acme.person(password=None)
        home = await identity.person(await identity.client("Birch Ltd"))
        joined = "update people set account_id = $2, joined_at = now() where id = $1"
        await identity.execute(joined, anna["id"], home["id"])
        await identity.execute("update people set active = false, is_shared = true where id = $1", home["id"])
        acme.seat(anna)
        browser = await identity.browser()
        brought = await acme.idp.visit(await acme.leave(browser))
        assert (await browser("POST", "auth/sso/callback", json=brought)).status_code == 200
        await browser.refresh()
        await refused(browser)
