"""Which methods let somebody in, and that none is set up which would not (decision 0097)."""

from typing import Any

import pytest

from tests.identity.authenticator import Authenticator
from tests.identity.organisations.conftest import Consultant
from tests.identity.passkeys.rig import add, options, seen
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity

ALL = ["magic_link", "password", "passkey"]


async def methods(browser: Browser) -> dict[str, tuple[bool, bool]]:
    answer = (await browser("GET", "auth/sign-in-methods")).json()
    return {each["method"]: (each["accepted"], each["set_up"]) for each in answer["items"]}


async def somebody(identity: Identity, admitted: list[str]) -> Browser:
    """Signed in with a password, at a client that then admits only these."""
    client_id = await identity.client(sign_in_methods=ALL)
    browser = await identity.browser(await identity.person(client_id))
    await identity.execute("update clients set sign_in_methods = $2 where id = $1", client_id, admitted)
    return browser


@pytest.mark.parametrize("admitted", [["magic_link"], ["password"], ["passkey"], ["magic_link", "passkey"], ALL])
async def test_what_the_client_admits_is_accepted_and_nothing_else_can_be_set_up(
    identity: Identity, admitted: list[str]
) -> None:
    browser = await somebody(identity, admitted)
    assert await methods(browser) == {
        "magic_link": ("magic_link" in admitted, True),
        "password": ("password" in admitted, True),
        "passkey": ("passkey" in admitted, False),
        "sso": (False, False),
    }
    answer = await browser("POST", "passkeys/options", json={})
    assert seen(answer) == ((200, "") if "passkey" in admitted else (409, "passkey.not_accepted"))
    body = {"password": "three quiet herons", "current": PASSWORD}
    answer = await browser("POST", "people/me/password", json=body)
    assert answer.status_code == (204 if "password" in admitted else 409)


async def test_a_client_that_changes_its_mind_meanwhile_is_heard_before_the_passkey_is_kept(identity: Identity) -> None:
    browser = await somebody(identity, ALL)
    assert (await add(browser, Authenticator())).status_code == 201
    credential = Authenticator().make(await options(browser, "passkeys/options"))
    await identity.execute("update clients set sign_in_methods = '{password}' where id = $1", browser.actor.client_id)
    answer = await browser("POST", "passkeys", json={"name": "Laptop", "credential": credential})
    assert seen(answer) == (409, "passkey.not_accepted")
    assert (await methods(browser))["passkey"] == (False, True)
    (kept,) = (await browser("GET", "passkeys")).json()["items"]
    assert (await browser("DELETE", f"passkeys/{kept['id']}")).status_code == 204


async def test_what_another_of_ones_organisations_admits_is_accepted(identity: Identity) -> None:
    both = await (await Consultant(identity).arrive()).joined()
    await identity.execute("update clients set sign_in_methods = '{magic_link}' where id = $1", both.acme)
    assert (await methods(both.browser))["passkey"] == (True, False)
    assert (await add(both.browser, Authenticator())).status_code == 201
    await identity.execute("update clients set active = false where id = $1", both.birch)
    assert (await methods(both.browser))["passkey"] == (False, True)


async def test_single_sign_on_is_accepted_where_a_provider_is_set_up(identity: Identity) -> None:
    browser = await somebody(identity, ["magic_link", "sso"])
    assert (await methods(browser))["sso"] == (False, False)


async def test_staff_have_the_three_that_no_client_decides(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(None, kind="staff"))
    found: dict[str, Any] = await methods(browser)
    assert [method for method, (accepted, _) in found.items() if accepted] == ALL


async def test_who_is_invited_where_passwords_are_all_there_is_has_to_choose_one(identity: Identity) -> None:
    person = await identity.person(await identity.client(sign_in_methods=["password"]), password=None)
    await identity.api(ADMIN, "POST", f"contacts/{person['id']}/invitation/resend")
    token, browser = (await identity.mail_to(person["email"])).token, await identity.browser()
    assert (await browser("POST", "auth/invitation", json={"token": token})).json()["password_needed"] is True
    said = {"token": token, "first_name": "Anna", "last_name": "Keller"}
    assert seen(await browser("POST", "auth/register", json=said)) == (422, "auth.password_needed")
    assert (await browser("POST", "auth/register", json=said | {"password": "three quiet herons"})).status_code == 200


async def test_staff_are_offered_a_password_link_only_where_it_would_be_made(identity: Identity) -> None:
    both = await (await Consultant(identity).arrive()).joined()
    for account, client_id, methods, entitled in (
        (both.anna, both.acme, "{password}", True),
        (both.guest, both.acme, "{password}", False),  # the account has the password
        (both.anna, both.acme, "{magic_link}", True),  # which Birch takes
        (both.anna, both.birch, "{passkey}", False),
    ):
        await identity.execute(f"update clients set sign_in_methods = '{methods}' where id = $1", client_id)
        shown = (await identity.api(ADMIN, "GET", f"people/{account['id']}")).json()
        made = await identity.api(ADMIN, "POST", f"people/{account['id']}/reset-link")
        assert (shown["reset_link_possible"], made.status_code == 201) == (entitled, entitled)
