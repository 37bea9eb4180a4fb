"""The pages of getting in and of one's own account: how they look, and that nobody is shut out of them."""

from typing import Any

import pyotp
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_person
from tests.e2e.test_ways_in import begin
from tests.portal_stack import PASSWORD, Portal


def test_no_page_on_the_way_shuts_anybody_out(portal: Portal, sit: Sit) -> None:
    """What only shows up in the middle of a flow; whole pages are opened in test_pages."""
    email = make_person(portal, "birch", "Lena", "Ott")
    problems: list[Any] = []
    with sit("anonymous") as seat:
        page = seat.page

        def look_at(name: str) -> None:
            page.wait_for_load_state()
            problems.extend((name, each) for each in seat.faults())

        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(email)
        page.get_by_role("button", name="Continue").click()
        look_at("proof")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in", exact=True).click()
        look_at("refused")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto("/security/two-factor")
        page.get_by_role("button", name="Set it up").click()
        look_at("set up")
        page.get_by_text("No camera? Type a key instead").click()
        look_at("set up by key")
        secret = page.locator(".secret code").inner_text().replace(" ", "")
        page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Turn on").click()
        look_at("recovery codes")
        page.goto("/security/two-factor")
        look_at("on")
        page.goto("/security/two-factor/off")
        look_at("off?")
        seat.context.clear_cookies()
        begin(page, email)
        expect(page.get_by_label("Code", exact=True)).to_be_focused()
        look_at("code")
        page.get_by_role("link", name="Use a recovery code").click()
        look_at("recovery")
    assert problems == []


def test_ones_own_details_are_kept(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Emma", "Roth")
    with sit(email) as seat:
        page = seat.page
        for title in ("Head of Sales", ""):
            seat.open("/profile")
            page.get_by_label("Job title").fill(title)
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_text("Your details are saved")).to_be_visible()
            expect(page.get_by_label("Job title")).to_have_value(title)
        assert seat.complaints == []


def test_who_chooses_a_language_reads_every_page_in_it(portal: Portal, sit: Sit) -> None:
    """The gateway knows it within a second; what their browser prefers does not matter any more."""
    email = make_person(portal, "birch", "Emil", "Roth")
    with sit(email) as seat:
        page = seat.page

        def open_in(language: str, path: str, heading: str) -> None:
            for _ in range(50):
                seat.open(path)
                if page.locator("html").get_attribute("lang") == language:
                    break
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)

        open_in("en", "/settings", "Settings")
        page.get_by_label("Language", exact=True).select_option("German")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Ihre Einstellungen sind gespeichert")).to_be_visible()
        for path, heading in (("/profile", "Profil"), ("/projects", "Projekte"), ("/nowhere", "Seite nicht gefunden")):
            open_in("de", path, heading)
        open_in("de", "/settings", "Einstellungen")
        page.get_by_label("Sprache", exact=True).select_option("Englisch")
        page.get_by_role("button", name="Speichern", exact=True).click()
        expect(page.get_by_text("Your settings are saved")).to_be_visible()
        open_in("en", "/profile", "Profile")
        assert [each for each in seat.complaints if "404" not in each] == []


STILL = 0.001
"""Of the window: when the font arrives, a word may move by a hair. A button that appears moves ten times as much."""
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const each of list.getEntries()) sum += each.value; })
    .observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""


@pytest.mark.parametrize("narrow", [False, True], ids=["1280", "390"])
def test_nothing_jumps_while_a_page_arrives(sit: Sit, narrow: bool) -> None:
    with sit("anonymous", narrow=narrow) as seat:
        seat.open("/sign-in")
        assert seat.page.evaluate(SHIFTS) < STILL
        seat.page.get_by_label("E-mail").fill("somebody@acme.example")
        seat.page.get_by_role("button", name="Continue").click()
        expect(seat.page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
        assert seat.page.evaluate(SHIFTS) < STILL
    with sit("approver", narrow=narrow) as seat:
        for path in ("/security", "/security/two-factor", "/profile"):
            seat.open(path)
            assert seat.page.evaluate(SHIFTS) < STILL, path


def test_every_way_in_is_offered_to_everybody_alike(portal: Portal, sit: Sit) -> None:
    def offered(address: str) -> str | None:
        """None where the organisation's own sign-in is among the ways: the domain is looked up for a moment only, and
        where that is busy, nobody knows that it has none.
        """
        with sit("anonymous") as seat:
            seat.open("/sign-in")
            seat.page.get_by_label("E-mail").fill(address)
            seat.page.get_by_role("button", name="Continue").click()
            for name in ("Mail me a sign-in link", "Sign in with a passkey"):
                expect(seat.page.get_by_role("button", name=name)).to_be_visible()
            expect(seat.page.get_by_label("Password")).to_be_visible()
            own = seat.page.get_by_role("button", name="Use your organisation's sign-in")
            return None if own.count() else seat.page.content().replace(address, "ADDRESS")

    addresses = "approver@acme.example", "nobody@nowhere.example"
    portal.until(lambda: None not in (pages := {*map(offered, addresses)}) and len(pages) == 1)
