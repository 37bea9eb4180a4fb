"""The story of the README, played by real people at real browsers."""

import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.clocks import DAY, let_none_end
from tests.e2e.conftest import Sit, open_until
from tests.portal_stack import API, PASSWORD, PEOPLE, Portal


def make_project(portal: Portal, client_of: str, name: str, *milestones: str) -> dict[str, Any]:
    """A project of its own for one test, so that no test stands on what another left; all of it is told already."""
    staff = portal.as_("admin")
    client_id = portal.me(client_of)["client_id"]
    made = staff.post(f"{API}/projects", json={"client_id": client_id, "name": name, "status": "on_track"})
    assert made.status_code == 201, made.text
    for number, milestone in enumerate(milestones):
        body = {"name": milestone, "target_on": f"2031-0{number + 1}-15"}
        answer = staff.post(f"{API}/projects/{made.json()['id']}/milestones", json=body)
        assert answer.status_code == 201, answer.text
    portal.until(lambda: len(told(portal, project_id=made.json()["id"])) > len(milestones))
    return made.json()


def told(portal: Portal, **about: str) -> list[dict[str, Any]]:
    """What the feed tells staff of a project or a client, newest first."""
    answer = portal.as_("admin").get(f"{API}/activity", params={**about, "limit": 100})
    return answer.json()["items"] if answer.is_success else []


def make_person(portal: Portal, client_of: str, first_name: str, last_name: str) -> str:
    """Somebody whose sessions a test may end; their address."""
    email = f"{first_name}.{last_name}@birch.example".lower()
    body = {"kind": "client", "client_id": portal.me(client_of)["client_id"], "email": email, "password": PASSWORD}
    names = {"first_name": first_name, "last_name": last_name, "is_primary_contact": True}
    made = portal.as_("admin").post(f"{API}/people", json=body | names)
    assert made.status_code == 201, made.text
    return email


def figure(page: Page, label: str) -> str:
    card = page.locator(".kpi", has=page.get_by_role("heading", name=label))
    return card.locator(".figure").inner_text()


def test_a_plan_that_a_form_answered_with_is_not_fetched_again(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Lighthouse", "Lamp tested", "Keys handed over")
    later = portal.as_("admin").get(f"{API}/projects/{project['id']}").json()["milestones"][1]
    with sit("admin") as staff:
        fetched: list[str] = []
        staff.page.on("request", lambda sent: fetched.append(sent.url) if sent.url.endswith("/plan") else None)
        staff.open(f"/projects/{project['id']}")
        expect(staff.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        staff.page.get_by_role("button", name="Complete Lamp tested").click()
        expect(staff.page.get_by_text("1 of 2 milestones done")).to_be_visible()
        # Its event has arrived: the feed beside it tells it.
        expect(staff.page.locator("#activity [data-entry]", has_text="Lamp tested")).to_have_count(2)
        assert fetched == []

        # The same person elsewhere is somebody else to this tab.
        portal.as_("admin").post(f"{API}/milestones/{later['id']}/complete", json={}).raise_for_status()
        expect(staff.page.get_by_text("2 of 2 milestones done")).to_be_visible()
        assert len(fetched) == 1


def test_a_client_watches_a_milestone_arrive(portal: Portal, sit: Sit) -> None:
    let_none_end(DAY)  # and with it perhaps the month, which begins to be counted anew
    project = make_project(portal, "approver", "Harbour signage", "Sketches agreed", "Signs mounted")
    with sit("approver") as client, sit("admin") as staff:
        client.open("/")
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        card = client.page.locator(f"#project-{project['id']}")
        expect(card.get_by_role("progressbar")).to_have_attribute("value", "0")
        before = figure(client.page, "Milestones completed")
        client.page.evaluate("window.stayed = true")

        staff.open(f"/projects/{project['id']}")
        staff.page.get_by_role("button", name="Complete Sketches agreed").click()

        entry = client.page.locator("[data-entry]", has_text="Sketches agreed").first
        expect(entry).to_contain_text("Clara Hoffmann")
        expect(entry).to_contain_text("finished")
        expect(card.get_by_role("progressbar")).to_have_attribute("value", "50")
        expect(client.page.locator(".toast-card", has_text="Sketches agreed")).to_be_visible()
        expect(client.page.locator(".kpi", has_text="Milestones completed").locator(".figure")).to_have_text(
            str(int(before) + 1)
        )
        assert client.page.evaluate("window.stayed") is True, "the page was loaded again"
        assert client.complaints == []


def test_another_client_sees_nothing_of_it(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "approver", "Quiet harbour", "Silent step")
    with sit("birch") as other:
        other.open("/")
        expect(other.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        milestones = portal.as_("admin").get(f"{API}/projects/{project['id']}").json()["milestones"]
        portal.as_("admin").post(f"{API}/milestones/{milestones[0]['id']}/complete", json={})
        own = make_project(portal, "birch", "Birch moves on")
        expect(other.page.locator("[data-entry]").first).to_contain_text("Birch moves on")
        assert "Silent step" not in other.page.content()
        other.open(f"/projects/{project['id']}")
        expect(other.page.get_by_role("heading", level=1)).not_to_have_text("Quiet harbour")
        assert own["name"] == "Birch moves on"


def test_signing_in_by_a_mailed_link(portal: Portal, sit: Sit) -> None:
    with sit("anonymous") as seat:
        page = seat.page
        seat.open("/projects")
        expect(page).to_have_url(re.compile(r"/sign-in\?next="))
        page.get_by_label("E-mail").fill(PEOPLE["viewer"])
        page.get_by_role("button", name="Continue").click()
        before = mailed_link(portal, PEOPLE["viewer"])
        page.get_by_role("button", name="Mail me a sign-in link").click()
        expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
        link = portal.until(lambda: (found := mailed_link(portal, PEOPLE["viewer"])) != before and found)
        with sit("anonymous") as elsewhere:
            elsewhere.open(link)
            expect(elsewhere.page.get_by_role("heading", name="This is another browser")).to_be_visible()
            expect(elsewhere.page.get_by_role("button", name="Sign in")).to_have_count(0)
            seat.open(link)
            page.get_by_role("button", name="Sign in").click()
            expect(page).to_have_url(re.compile(r"/projects$"))
            expect(page.get_by_text("Felix Brandt").first).to_be_visible()
            seat.open(link)
            expect(page.get_by_role("heading", name="You are signed in already")).to_be_visible()
            elsewhere.open(link)
            expect(elsewhere.page.get_by_role("heading", name="This link cannot be used")).to_be_visible()


def mailed_link(portal: Portal, address: str) -> str | None:
    """The newest sign-in link the sink caught for an address."""
    folder = portal.run.addresses["PORTAL_MAILBOX_DIR"]
    from email import message_from_bytes, policy
    from pathlib import Path

    for path in sorted(Path(folder).glob("*.eml"), reverse=True):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if address in str(mail["To"]):
            body = mail.get_body(("plain",))
            if found := re.search(r"(/sign-in/link\?token=\S+)", body.get_content() if body else ""):
                return found[1]
    return None


def test_a_wrong_password_is_refused_calmly_and_the_address_is_kept(sit: Sit) -> None:
    with sit("anonymous") as seat:
        seat.open("/sign-in")
        seat.page.get_by_label("E-mail").fill("nobody@acme.example")
        seat.page.get_by_role("button", name="Continue").click()
        seat.page.get_by_label("Password").fill("not this one")
        seat.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(seat.page.get_by_text("E-mail or password is not right")).to_be_visible()
        expect(seat.page.get_by_text("nobody@acme.example")).to_be_visible()


def test_a_revoked_session_ends_at_once_and_its_open_page_with_it(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Nora", "Lind")
    with sit(email) as here, sit(email) as there:
        there.open("/")
        expect(there.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        here.open("/security")
        here.page.get_by_role("button", name="Sign out everywhere else").click()
        here.page.get_by_role("button", name="Sign out the others").click()
        expect(there.page).to_have_url(re.compile("/sign-in"))
        here.open("/")
        expect(here.page.get_by_role("heading", level=1)).to_contain_text("Nora")


def test_everything_works_without_scripts(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "approver", "Paper archive", "Boxes counted")
    with sit("admin", scripts=False) as staff:
        staff.open(f"/projects/{project['id']}")
        staff.page.get_by_role("button", name="Complete Boxes counted").click()
        expect(staff.page.get_by_role("button", name="Reopen Boxes counted")).to_be_visible()
    with sit("approver", scripts=False) as client:
        client.open("/activity")
        expect(client.page.get_by_text("Boxes counted").first).to_be_visible()
        link = client.page.get_by_role("link", name="Paper archive")
        open_until(portal, client, "/", link)
        link.first.click()
        expect(client.page.get_by_role("heading", level=1)).to_have_text("Paper archive")


def test_staff_create_a_client_a_project_and_a_milestone(portal: Portal, sit: Sit) -> None:
    with sit("admin") as staff:
        page = staff.page
        staff.open("/clients/new")
        page.get_by_label("Name").fill('Café "Süd" <b>&</b> Söhne')
        page.get_by_role("button", name=re.compile("Create|Save")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text('Café "Süd" <b>&</b> Söhne')
        client_id = page.url.rpartition("/")[2]
        portal.until(lambda: known_to_projects(portal, client_id))
        page.reload()
        page.get_by_role("link", name=re.compile("New project")).first.click()
        page.get_by_label("Name", exact=True).first.fill("New counter")
        page.get_by_role("button", name=re.compile("Create|Save")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("New counter")
        page.get_by_role("link", name=re.compile("^Add")).first.click()
        page.get_by_label("Name", exact=True).fill("Counter delivered")
        page.get_by_label(re.compile("Target|Due|Planned")).first.fill("2031-03-01")
        page.get_by_role("button", name=re.compile("Create|Add|Save")).click()
        expect(page.get_by_text("Counter delivered").first).to_be_visible()
        assert staff.complaints == []


def known_to_projects(portal: Portal, client_id: str) -> bool:
    """Whether the event of the new client has reached the projects service."""
    body = {"client_id": client_id, "name": "First step", "status": "on_track"}
    answer: httpx2.Response = portal.as_("admin").post(f"{API}/projects", json=body)
    return answer.status_code == 201


@pytest.mark.parametrize("who", ["member", "approver", "viewer", "feedback", "birch"])
def test_nobody_is_shown_a_button_they_may_not_use(portal: Portal, who: str) -> None:
    """Asked without a browser: scripts add none."""
    http = portal.as_(who)
    home, form = http.get("/"), http.get("/clients/new")
    assert home.status_code == 200
    assert ('href="/clients' in home.text) == (who == "member")
    assert form.status_code == 403
    assert "Create client" not in form.text
    assert "Create client" in portal.as_("admin").get("/clients/new").text
