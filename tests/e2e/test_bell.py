"""The bell rings on a page that is open, leads to what it tells, and is silent about what its reader did not want."""

import re

from playwright.sync_api import Error, Page, expect

from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_project
from tests.portal_stack import API, Portal


def is_told(portal: Portal, who: str, project: str) -> bool:
    """Whether they are told of this project by now, and so of everything before it."""
    items = portal.as_(who).get(f"{API}/notifications").json()["items"]
    return any(each["project_id"] == project for each in items)


def address_of(page: Page) -> str:
    """Where a tab is, as it says itself: Playwright misses one in seven of the navigations with which a tab begins."""
    try:
        return page.evaluate("location.href")
    except Error:  # it is between two documents
        return ""


def test_the_bell_rings_on_an_open_page_and_leads_to_what_it_tells(portal: Portal, sit: Sit) -> None:
    staff = portal.as_("admin")
    project = make_project(portal, "birch", "Boathouse")
    made = staff.post(
        f"{API}/projects/{project['id']}/milestones", json={"name": "Keel laid", "target_on": "2031-01-15"}
    )
    portal.until(lambda: is_told(portal, "birch", project["id"]))  # that it was started, which they see
    portal.as_("birch").post(f"{API}/notifications/read-all")
    with sit("birch") as client:
        page = client.page
        client.open("/projects")
        expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        expect(page.locator(".bell-count")).to_have_count(0)
        page.evaluate("window.stayed = true")
        staff.post(f"{API}/milestones/{made.json()['id']}/complete")
        expect(page.locator(".bell-count")).to_contain_text("1", timeout=30_000)
        assert page.evaluate("window.stayed") is True
        page.get_by_role("link", name="Notifications").click()
        told = page.get_by_role("link", name="finished Keel laid")
        with client.context.expect_page() as opened:
            told.click(button="middle")
        there = re.compile(f"/projects/{project['id']}#milestone-")
        portal.until(lambda: there.search(address_of(opened.value)))
        opened.value.close()
        told.click()
        expect(page).to_have_url(there)
        expect(page.locator(".bell-count")).to_have_count(0)


def test_what_somebody_chose_not_to_be_notified_of_rings_no_bell(portal: Portal, sit: Sit) -> None:
    staff = portal.as_("admin")
    project = make_project(portal, "birch", "Slipway")
    made = staff.post(
        f"{API}/projects/{project['id']}/milestones", json={"name": "Rails laid", "target_on": "2031-01-15"}
    )
    portal.until(lambda: is_told(portal, "birch", project["id"]))

    with sit("birch") as client:
        page = client.page

        def choose(channel: str) -> None:
            page.get_by_label("A milestone was completed").select_option(channel)
            page.get_by_role("button", name="Save notifications").click()
            expect(page.get_by_text("Your choices are saved")).to_be_visible()

        client.open("/notifications")
        page.get_by_role("link", name="Choose what you get").click()
        choose("Not at all")
        staff.post(f"{API}/milestones/{made.json()['id']}/complete")
        later = make_project(portal, "birch", "Slipway gate")
        portal.until(lambda: is_told(portal, "birch", later["id"]))
        items = portal.as_("birch").get(f"{API}/notifications").json()["items"]
        assert [each["type"] for each in items if each["project_id"] == project["id"]] == ["project_created"]
        choose("At the bell")
