"""One person in two organisations, in a real browser: invited, joined, from one to the other, and every tab with them."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Seat, Sit, open_until, sign_in
from tests.e2e.test_account import link_to, mailed
from tests.portal_stack import API, PASSWORD, Portal


class Guest:
    """Somebody of Acme's with a password, and a second organisation that may have invited them."""

    def __init__(self, portal: Portal, name: str) -> None:
        self.portal, self.staff = portal, portal.as_("admin")
        acme = portal.me("approver")["client_id"]
        self.email = f"{name}@acme.example"
        person = {"kind": "client", "client_id": acme, "email": self.email, "first_name": "Nora", "last_name": "Lind"}
        self._made("people", person | {"password": PASSWORD, "is_primary_contact": True})
        client = self._made("clients", {"name": f"Cedar {name.title()}"})
        self.cedar, self.name = client["id"], client["name"]
        ways = {"sign_in_methods": ["magic_link", "password"]}
        assert self.staff.patch(f"{API}/clients/{self.cedar}", json=ways).status_code == 200

    def invited(self) -> str:
        """The path of the mailed link."""
        contact = {"first_name": "Nora", "last_name": "Lind", "email": self.email, "is_primary_contact": True}
        made = self._made(f"clients/{self.cedar}/contacts", contact)
        answer = self.staff.post(f"{API}/contacts/{made['id']}/portal-access/enable")
        assert answer.status_code == 200, answer.text
        return link_to(self.portal, self.email, "invitation")

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.staff.post(f"{API}/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


def look_at(seat: Seat, name: str) -> list[Any]:
    """What is wrong with the page as it stands."""
    return [(name, each) for each in [*seat.complaints, *seat.faults(picture=f"organisations-{name}")]]


def menu(portal: Portal, seat: Seat) -> Any:
    """The list of one's organisations, opened: a page that would have to wait for it comes without."""
    listed = seat.page.locator("[aria-labelledby=organisations-label]")
    if not listed.count():
        open_until(portal, seat, "/organisations", listed)
    seat.page.locator("summary", has_text="Your account").click()
    return seat.page.get_by_role("group", name="Your organisations")


def test_invited_joined_and_from_one_to_the_other(portal: Portal, sit: Sit) -> None:
    guest = Guest(portal, "nora.lind")
    link, problems = guest.invited(), []
    with sit("anonymous") as seat:
        page = seat.page
        seat.open(link)
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{guest.name} invites you")
        problems += look_at(seat, "1-invited")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("E-mail").fill(guest.email)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"**{link}")
        problems += look_at(seat, "2-button")
        page.get_by_role("button", name=f"Add {guest.name}").click()
        expect(page.get_by_text(f"{guest.name} is one of your organisations now")).to_be_visible()
        problems += look_at(seat, "3-list")
        expect(menu(portal, seat).get_by_role("img", name="You are here")).to_be_visible()
        problems += look_at(seat, "4-menu")
        page.get_by_role("group", name="Your organisations").get_by_role("button", name=guest.name).click()
        page.wait_for_url(f"{portal.gateway}/")
        expect(page.get_by_text(f"You are in {guest.name} now")).to_be_visible()
        problems += look_at(seat, "5-there")
        open_until(portal, seat, "/security", page.get_by_text("Manage your sign-in methods at Acme GmbH"))
        problems += look_at(seat, "6-security")
        seat.open("/security/password")
        page.wait_for_url("**/security")
        back = page.get_by_role("button", name="Switch to Acme GmbH")
        open_until(portal, seat, "/security", back)
        back.click()
        expect(page.get_by_text("You are in Acme GmbH now")).to_be_visible()
        assert (
            guest.staff.patch(f"{API}/clients/{guest.cedar}", json={"sign_in_methods": ["magic_link"]}).status_code
            == 200
        )
        menu(portal, seat).get_by_role("button", name=guest.name).click()
        expect(page.get_by_role("status").filter(has_text="could not be opened")).to_contain_text(
            "sign in with another method"
        )
        problems += look_at(seat, "7-refused")
    assert problems == []


def test_another_tab_comes_along(portal: Portal, sit: Sit) -> None:
    """Its stream ends with the session that was left; it begins anew in the organisation one is in now."""
    guest = Guest(portal, "nora.tabs")
    link = guest.invited()
    with sit(guest.email) as seat:
        seat.open(link)
        seat.page.get_by_role("button", name=f"Add {guest.name}").click()
        other = Seat(seat.context.new_page())
        other.open("/")
        expect(other.page.locator("[data-live-state]").first).to_have_attribute("data-state", "live")
        before = other.page.locator("body").get_attribute("data-person")
        menu(portal, seat).get_by_role("button", name=guest.name).click()
        expect(seat.page.get_by_text(f"You are in {guest.name} now")).to_be_visible()
        expect(other.page.locator("body")).not_to_have_attribute("data-person", before or "")
        expect(other.page.locator("[data-live-state]").first).to_have_attribute("data-state", "live")
        here = seat.page.locator("body").get_attribute("data-events")
        assert other.page.locator("body").get_attribute("data-events") == here == f"/api/events/{guest.cedar}"


def test_everything_works_without_scripts(portal: Portal, sit: Sit) -> None:
    guest = Guest(portal, "nora.plain")
    link = guest.invited()
    with sit("anonymous", scripts=False) as seat:
        sign_in(seat.page, guest.email)
        seat.open(link)
        seat.page.get_by_role("button", name=f"Add {guest.name}").click()
        other = seat.page.get_by_role("button", name=f"Switch to {guest.name}")
        open_until(portal, seat, "/organisations", other)
        other.first.click()
        seat.page.wait_for_url(f"{portal.gateway}/")
        here = seat.page.get_by_role("listitem").filter(has_text=guest.name)
        open_until(portal, seat, "/organisations", here)
        expect(here).to_contain_text("You are here")
        menu(portal, seat).get_by_role("button", name="Acme GmbH").click()
        seat.page.wait_for_url(f"{portal.gateway}/")


def test_a_mail_leads_to_its_project_whichever_organisation_one_is_in(portal: Portal, sit: Sit) -> None:
    guest, name = Guest(portal, "nora.mail"), "Harbour of Cedar"
    token = guest.invited().partition("token=")[2]
    account = portal.sign_in(guest.email)
    assert account.post(f"{API}/auth/organisations/join", json={"token": token}).status_code == 200
    project = guest.staff.post(f"{API}/projects", json={"client_id": guest.cedar, "name": name, "status": "on_track"})
    path = f"/projects/{project.json()['id']}"
    link = mailed(portal, guest.email, rf"({path}\?organisation=[0-9a-f-]{{36}})")
    assert link == f"{path}?organisation={guest.cedar}"
    stranger = portal.as_("birch")
    plain, named = (re.sub(r"\?organisation=[^\"]*", "", stranger.get(each).text) for each in (path, link))
    assert named == plain
    assert (stranger.get(link).status_code, name in named, guest.name in named) == (404, False, False)
    with sit("anonymous") as seat:
        page = seat.page
        seat.open(link)
        page.get_by_label("E-mail").fill(guest.email)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)  # though she was at Acme last
        menu(portal, seat).get_by_role("button", name="Acme GmbH").click()
        expect(page.get_by_text("You are in Acme GmbH now")).to_be_visible()
        seat.open(link)
        expect(page.get_by_role("heading", level=1)).to_have_text(f"This page belongs to {guest.name}")
        assert name not in page.content()
        problems = look_at(seat, "8-elsewhere")
        page.get_by_role("main").get_by_role("button", name=f"Switch to {guest.name}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.get_by_text(f"You are in {guest.name} now")).to_be_visible()
    assert problems == []
