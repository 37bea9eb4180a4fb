"""Getting in, and looking after one's own access, in a real browser on the whole portal."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.appearance import wider_than_its_window
from tests.e2e.conftest import Seat, Sit, sign_in
from tests.e2e.test_story import make_person
from tests.portal_stack import PASSWORD, PEOPLE, Portal

STEP_SECONDS = 30


def in_database(portal: Portal, statement: str, *values: Any) -> None:
    """Change what only time would change. In a thread: this one belongs to Chromium's loop."""

    async def change() -> None:
        connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, change()).result()


def sit_down_stale(portal: Portal, seat: Seat, email: str) -> None:
    """Signed in, with a proof that is too old for what matters."""
    http = portal.sign_in(email)
    in_database(
        portal,
        "update identity.sessions set proven_at = now() - interval '1 hour' where person_id = "
        "(select id from identity.people where email = $1)",
        email,
    )
    seat.context.add_cookies(
        [{"name": each.name, "value": str(each.value), "url": portal.gateway} for each in http.cookies.jar]
    )


def begin(page: Page, email: str) -> None:
    """The address and the password, by keyboard alone."""
    page.goto("/sign-in")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/proof")
    password = page.get_by_label("Password")
    for _ in range(3):  # past what comes before it: nothing, where it was used last in this browser
        if password.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(password).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """From the security page to recovery codes: the secret, and the codes."""
    page.goto("/security")
    page.get_by_role("link", name="Set up Two-factor sign-in").click()
    page.get_by_role("button", name="Set it up").click()
    page.get_by_text("No camera? Type a key instead").click()
    secret = page.locator(".secret code").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Save your recovery codes")
    return secret, page.locator(".codes code").all_inner_texts()


def next_code(secret: str) -> str:
    """The code of the step after this one: a clock may be off by one, and the present code may be used up."""
    return pyotp.TOTP(secret).at(int(time.time()) + STEP_SECONDS)


def wrong_code(secret: str) -> str:
    """Six digits that the app shows in none of the steps around now."""
    shown = {pyotp.TOTP(secret).at(int(time.time()) + step * STEP_SECONDS) for step in range(-4, 8)}
    return next(code for code in map("{:06}".format, range(20)) if code not in shown)


def test_a_phone_becomes_the_second_factor(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Tilda", "Moss")
    with sit(email) as seat:
        page = seat.page
        secret, codes = set_up_app(page)
        assert len(set(codes)) == 10
        page.get_by_role("link", name="I have saved them").click()
        expect(page.get_by_text("10 of 10")).to_be_visible()
        page.goto("/security")
        expect(page.get_by_text("10 of 10 recovery codes left")).to_be_visible()
        seat.context.clear_cookies()

        begin(page, email)
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm it is you")
        expect(page.get_by_label("Code", exact=True)).to_be_focused()
        page.keyboard.type(wrong_code(secret))
        page.keyboard.press("Enter")
        expect(page.get_by_text("This code is not right")).to_be_visible()
        expect(page.get_by_label("Code", exact=True)).to_be_focused()
        code = next_code(secret)
        page.keyboard.insert_text(f"{code[:3]} {code[3:]}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Tilda")
        seat.context.clear_cookies()

        begin(page, email)
        page.get_by_role("link", name="Use a recovery code").click()
        page.get_by_label("Recovery code").fill(codes[0].upper())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Tilda")
        page.goto("/security")
        expect(page.get_by_text("9 of 10 recovery codes left")).to_be_visible()
        seat.context.clear_cookies()

        begin(page, email)
        page.get_by_role("link", name="Use a recovery code").click()
        page.get_by_label("Recovery code").fill(codes[0])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("This recovery code is not right, or was used already")).to_be_visible()


def test_where_it_is_a_must_it_is_set_up_on_the_way_in_and_leads_on(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Ines", "Vogt")
    in_database(portal, "update identity.clients set second_factor = 'required' where name = 'Birch Ltd'")
    try:
        with sit("anonymous", narrow=True) as seat:
            page = seat.page
            page.goto("/activity")
            page.get_by_label("E-mail").fill(email)
            page.get_by_role("button", name="Continue").click()
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
            page.get_by_role("button", name="Set it up").click()
            assert not wider_than_its_window(page)
            page.get_by_text("No camera? Type a key instead").click()
            secret = page.locator(".secret code").inner_text().replace(" ", "")
            page.get_by_label("Code", exact=True).fill(wrong_code(secret))
            page.get_by_role("button", name="Turn on and sign in").click()
            expect(page.get_by_text("This code is not right")).to_be_visible()
            page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
            page.get_by_role("button", name="Turn on and sign in").click()
            expect(page.locator(".codes code")).to_have_count(10)
            assert not wider_than_its_window(page)
            page.get_by_role("link", name="I have saved them, continue").click()
            expect(page).to_have_url(re.compile("/activity$"))
            page.goto("/security/two-factor")
            expect(page.get_by_text("so it cannot be turned off")).to_be_visible()
    finally:
        in_database(portal, "update identity.clients set second_factor = 'optional' where name = 'Birch Ltd'")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_what_matters_asks_once_more_and_then_goes_through(portal: Portal, sit: Sit, scripts: bool) -> None:
    email = make_person(portal, "birch", "Rosa", "Lund" if scripts else "Lind")
    with sit("anonymous", scripts=scripts) as seat:
        page = seat.page
        sit_down_stale(portal, seat, email)
        seat.open("/security/two-factor")
        page.get_by_role("button", name="Set it up").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("This is not your password")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Set up two-factor sign-in")
        seat.open("/prove-it?next=/profile")
        expect(page).to_have_url(re.compile("/profile$"))


def test_recovery_codes_are_kept_by_file_copy_or_paper(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Paul", "Ahrens")
    with sit(email) as seat:
        page = seat.page
        seat.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=portal.gateway)
        _, codes = set_up_app(page)
        for _ in range(2):
            with page.expect_download() as waiting:
                page.get_by_role("button", name="Download").click()
            assert [line for line in waiting.value.path().read_text().splitlines() if line in codes] == codes
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").split() == codes
        page.emulate_media(media="print")
        expect(page.locator(".codes")).to_be_visible()
        expect(page.get_by_role("button", name="Download")).to_be_hidden()
        assert seat.complaints == []
        page.emulate_media(media="screen")
        page.reload()
        expect(page.get_by_text("This code is not right")).to_be_visible()
        assert codes[0] not in page.content()


def test_sessions_say_where_and_how_and_are_ended_by_keyboard(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Vera", "Stein")
    with sit("anonymous") as here, sit(email, narrow=True) as there:
        sign_in(here.page, email)
        here.open("/security")
        page = here.page
        rows = page.locator(".sessions > li")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("with your password")
        expect(rows.first).to_contain_text("unless used")
        rows.last.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        there.open("/")
        expect(there.page).to_have_url(re.compile("/sign-in"))
        assert here.complaints == []


def test_one_goes_back_and_loads_again_without_being_asked_to_send_anything(sit: Sit) -> None:
    with sit("anonymous") as seat:
        page = seat.page
        seat.open("/projects")
        page.get_by_label("E-mail").fill(PEOPLE["viewer"])
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_label("Password")).to_be_visible()
        page.reload()
        expect(page.get_by_text(PEOPLE["viewer"])).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(re.compile("/projects$"))
        page.go_back()
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        assert seat.complaints == []
