"""The links of mails, as the pages they lead to look at them: before anybody fills a form in."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.identity.tokens import new_token
from shared.clock import moved_to, now
from tests.identity.rig import Browser, Identity, Mail

PAGES = ["reset-password", "verify-email", "confirm-email"]
NEW = "three quiet herons"


async def look(browser: Browser, page: str, token: str) -> int:
    return (await browser("POST", "auth/mailed-link", json={"page": page, "token": token})).status_code


async def asked(identity: Identity, page: str) -> tuple[Browser, str, str]:
    """Whoever asked twice, the link of their first mail, and the one of the second that replaced it."""
    person = await identity.person(await identity.client())
    browser, tokens = await identity.browser(person), []
    for count in (1, 2):
        address, mails = person["email"], count
        if page == "reset-password":
            await browser("POST", "auth/forgot-password", json={"email": address})
        elif page == "verify-email":
            await browser("POST", "people/me/email/verification")
        else:
            address, mails = f"{uuid4().hex}@new.example", 1
            await browser("POST", "people/me/email", json={"email": address})
        tokens.append((await identity.mail_to(address, mails)).token)
    return browser, tokens[0], tokens[1]


@pytest.mark.parametrize("page", PAGES)
async def test_a_link_is_good_until_it_is_replaced_used_or_old_and_on_its_own_page(
    identity: Identity, page: str
) -> None:
    _, replaced, token = await asked(identity, page)
    browser = await identity.browser()
    assert [await look(browser, page, each) for each in (token, token, replaced, new_token())] == [200, 200, 401, 401]
    assert {await look(browser, other, token) for other in PAGES if other != page} == {401}
    with moved_to(now() + timedelta(days=1, seconds=1)):
        assert await look(browser, page, token) == 401
    body = {"token": token} | ({"password": NEW} if page == "reset-password" else {})
    assert (await browser("POST", f"auth/{page}", json=body)).status_code < 300
    assert await look(browser, page, token) == 401


@pytest.mark.parametrize("page", PAGES)
async def test_a_link_says_the_address_it_is_about(identity: Identity, page: str) -> None:
    """It is the one that the mail went to: whoever holds the link has read it."""
    browser, _, token = await asked(identity, page)
    said = (await browser("POST", "auth/mailed-link", json={"page": page, "token": token})).json()
    assert token in {Mail(mail).token for mail in identity.mails_to(said["email"])}


@pytest.mark.parametrize("page", PAGES)
async def test_a_link_for_an_address_they_no_longer_have_is_none(identity: Identity, page: str) -> None:
    browser, _, token = await asked(identity, page)
    moved = f"{uuid4().hex}@new.example"
    await identity.execute("update people set email = $1 where id = $2", moved, browser.actor.id)
    assert await look(browser, page, token) == 401


async def test_a_sign_in_link_says_whether_this_is_the_browser_that_asked(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()

    async def seen(in_browser: Browser, token: str) -> object:
        said = (await in_browser("POST", "auth/magic-link/look", json={"token": token})).json()
        return said.get("code") or (said["here"], said["email"])

    await browser.ask_for_link(person["email"])
    older = (await identity.mail_to(person["email"])).token
    await browser.ask_for_link(person["email"])
    token = (await identity.mail_to(person["email"], 2)).token
    assert [await seen(browser, each) for each in (token, older)] == [
        (True, person["email"]),
        "auth.link_invalid",
    ]
    assert await seen(await identity.browser(), token) == (False, "")
    assert (await browser.redeem(token=token)).status_code == 200
    assert await seen(browser, token) == "auth.link_invalid"
