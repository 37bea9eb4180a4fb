"""The first visit of somebody who was invited: from the mail to the first useful thing, wide and narrow.

`make screenshots` keeps what they see as a film strip (`docs/first-visit.md`).
"""

import base64
from collections.abc import Generator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Sit, offered, open_until
from tests.e2e.test_pages import PICTURES, SHOTS
from tests.portal_stack import API, ROOT, Portal

STRIP = (ROOT / "tests/e2e/film_strip.html").read_text()
PROJECT = "Website relaunch"


class Film:
    """What somebody saw, one frame after another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frames: list[dict[str, str]] = []

    def shoot(self, page: Page, said: str) -> None:
        """Keep what the window shows, where pictures are taken."""
        if PICTURES:
            page.evaluate("document.activeElement?.blur()")
            page.wait_for_timeout(300)
            shot = base64.b64encode(page.screenshot()).decode()
            self.frames.append({"said": said, "shot": f"data:image/png;base64,{shot}"})

    def print(self, browser: Browser, *, narrow: bool) -> None:
        """Put the frames side by side into one picture."""
        if not self.frames:
            return
        columns, width = (5, 250) if narrow else (3, 470)
        columns = min(columns, len(self.frames))
        page = browser.new_page(viewport={"width": columns * (width + 16) + 16, "height": 100})
        page.set_content(STRIP)
        page.evaluate("([frames, columns]) => lay(frames, columns)", [self.frames, columns])
        page.screenshot(path=SHOTS / f"{self.name}-{'390' if narrow else '1280'}.png", full_page=True)
        page.close()


@contextmanager
def filmed(name: str, browser: Browser, *, narrow: bool) -> Generator[Film]:
    film = Film(name)
    yield film
    film.print(browser, narrow=narrow)


def mail_to(portal: Portal, address: str) -> tuple[str, str]:
    """The newest mail to somebody as a mail program shows it, and the link in it."""

    def look() -> tuple[str, str] | None:
        for path in sorted(Path(portal.run.addresses["PORTAL_MAILBOX_DIR"]).glob("*.eml"), reverse=True):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            text, html = mail.get_body(("plain",)), mail.get_body(("html",))
            if address in str(mail["To"]) and text and html:
                link = next(line for line in text.get_content().splitlines() if "/invitation?token=" in line)
                return html.get_content(), link
        return None

    return portal.until(look)


def invite(portal: Portal, sit: Sit, film: Film, contact: dict[str, Any], role: str, *, narrow: bool) -> None:
    """A member of staff lets a contact in, from the contact's page."""
    with sit("admin", narrow=narrow) as staff:
        staff.open(f"/contacts/{contact['id']}")
        staff.page.get_by_role("link", name="Enable access and invite").click()
        expect(staff.page.get_by_role("heading", level=1)).to_have_text(f"Invite {contact['name']}")
        if role:
            offered(staff.page, PROJECT).select_option(label=role)
            film.shoot(
                staff.page, f"Northwind Studio invites {contact['first_name']}, as {role.lower()} in one project."
            )
        staff.page.get_by_role("button", name="Send invitation").click()
        expect(staff.page.locator(".toast-card")).to_contain_text("Access given")
        assert staff.complaints == []


def read_mail(portal: Portal, sit: Sit, film: Film, address: str, said: str, *, narrow: bool) -> str:
    """Open the mail as its reader does; the link in it."""
    html, link = mail_to(portal, address)
    with sit("anonymous", narrow=narrow) as reader:
        reader.page.set_content(html)
        film.shoot(reader.page, said)
    return link


def new_contact(portal: Portal, first_name: str, last_name: str) -> dict[str, Any]:
    acme = portal.me("approver")["client_id"]
    body = {"first_name": first_name, "last_name": last_name, "email": f"{first_name}.{last_name}@acme.example".lower()}
    made = portal.as_("admin").post(f"{API}/clients/{acme}/contacts", json=body)
    assert made.status_code == 201, made.text
    return made.json()


@pytest.mark.parametrize("narrow", [False, True] if PICTURES else [True])
def test_somebody_with_a_role(portal: Portal, sit: Sit, browser: Browser, narrow: bool) -> None:
    """Mail, invitation and first page name the project; the first visit ends with the milestone that is next."""
    contact = new_contact(portal, "Nora", "Lindqvist" if narrow else "Berg")
    with filmed("first-visit", browser, narrow=narrow) as film:
        invite(portal, sit, film, contact, "Viewer", narrow=narrow)
        link = read_mail(portal, sit, film, contact["email"], "The mail says who invites, and to what.", narrow=narrow)
        with sit("anonymous", narrow=narrow) as seat:
            page = seat.page
            seat.open(link)
            expect(page.locator(".ahead")).to_contain_text(PROJECT)
            film.shoot(page, "The link opens a page that says what will be there, and how Nora signs in from now on.")
            page.get_by_role("button", name="Accept and sign in").click()
            page.wait_for_url("**/")
            expect(page.get_by_role("link", name=PROJECT).first).to_be_visible()
            expect(page.locator(".toast-card")).to_contain_text("Welcome")
            film.shoot(page, "She is in. With one project, the first page is that project.")
            page.get_by_role("button", name="Dismiss").click()
            facts = page.locator(".facts").get_by_role("link")
            if not facts.count():
                open_until(portal, seat, "/", facts)
            facts.click()
            expect(page.locator(".milestone", has_text="In progress")).to_be_in_viewport()
            film.shoot(page, "The first useful thing: what is next, and when.")
            assert seat.complaints == []


@pytest.mark.parametrize("narrow", [False, True] if PICTURES else [True])
def test_somebody_without_a_role(portal: Portal, sit: Sit, browser: Browser, narrow: bool) -> None:
    """The mail promises no project, and the first page says whom to ask, with an address."""
    contact = new_contact(portal, "Pavel", "Novak" if narrow else "Dvorak")
    with filmed("first-visit-without-role", browser, narrow=narrow) as film:
        invite(portal, sit, film, contact, "", narrow=narrow)
        link = read_mail(portal, sit, film, contact["email"], "The mail names no project.", narrow=narrow)
        with sit("anonymous", narrow=narrow) as seat:
            seat.open(link)
            film.shoot(seat.page, "The page behind its link says that there is no role yet.")
            seat.page.get_by_role("button", name="Accept and sign in").click()
            seat.page.wait_for_url("**/")
            open_until(portal, seat, "/", seat.page.get_by_role("link", name="Clara Hoffmann"))
            film.shoot(seat.page, "The first page says what will appear, and whom to ask for it.")
            assert seat.complaints == []
