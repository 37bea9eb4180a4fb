"""Staff at work in real browsers: two at once, with the keyboard, over dialogs, and one client at a time."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Sit, choose
from tests.e2e.test_story import make_project
from tests.portal_stack import Portal


def test_two_people_edit_one_project_and_nobody_loses_anything(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Reading room")
    with sit("admin") as clara, sit("member") as jonas:
        for seat in (clara, jonas):
            seat.open(f"/projects/{project['id']}/edit")
        jonas.page.get_by_label("Name", exact=True).first.fill("Reading room, second floor")
        jonas.page.get_by_role("textbox", name="Planned end").fill("2031-05-01")
        jonas.page.get_by_role("button", name="Save project").click()
        expect(jonas.page.get_by_role("heading", level=1)).to_have_text("Reading room, second floor")

        clara.page.get_by_label("Name", exact=True).first.fill("Reading hall")
        clara.page.get_by_role("textbox", name="Scope").fill("Shelves and lamps")
        clara.page.get_by_role("button", name="Save project").click()
        told = clara.page.get_by_role("alert")
        expect(told).to_contain_text("saved this")
        expect(told).to_contain_text("Name: Reading room, second floor (you entered something else, kept below)")
        expect(told).to_contain_text("Planned end: 1 May 2031 (taken over below)")
        expect(clara.page.get_by_label("Name", exact=True).first).to_have_value("Reading hall")
        expect(clara.page.get_by_role("textbox", name="Scope")).to_have_value("Shelves and lamps")
        expect(clara.page.get_by_role("textbox", name="Planned end")).to_have_value("2031-05-01")
        clara.page.get_by_role("button", name="Save project").click()
        expect(clara.page.get_by_role("heading", level=1)).to_have_text("Reading hall")
        expect(clara.page.get_by_text("1 May 2031").first).to_be_visible()


def test_a_team_is_entered_with_the_keyboard(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Lamp posts")
    with sit("admin") as staff:
        page = staff.page
        staff.open(f"/projects/{project['id']}/edit")
        page.get_by_role("textbox", name="Scope").fill("Not saved yet")
        page.get_by_role("button", name="Add somebody without an account").click()
        person = page.get_by_role("group", name="Person 1")
        expect(person.get_by_label("Name")).to_be_focused()
        page.keyboard.type("Ada Lind")
        person.get_by_label("Role").fill("Lighting")
        expect(page.get_by_role("textbox", name="Scope")).to_have_value("Not saved yet")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(rf"/projects/{project['id']}$"))
        expect(page.get_by_text("Ada Lind")).to_be_visible()
        assert staff.complaints == []


def test_a_colleague_is_chosen_in_place_and_the_client_reads_how_to_reach_them(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Park benches")
    path = f"/projects/{project['id']}"
    with sit("admin") as staff, sit("birch") as client:
        page = staff.page
        staff.open(f"{path}/edit")
        choose(page, "Add a colleague", "Jonas Weber")
        page.get_by_role("button", name="Add to the team").click()
        person = page.get_by_role("group", name="Person 1")
        expect(person.get_by_label("Role")).to_be_focused()
        expect(person.get_by_label("Role")).to_have_value("Project lead")
        person.get_by_label("Role").fill("Benches")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(rf"{path}$"))
        expect(page.get_by_text("Jonas Weber · Benches")).to_be_visible()
        asked = f"/api/client-portal/project-teams?id={project['id']}"
        portal.until(lambda: portal.as_("birch").get(asked).json()["items"])
        client.open(path)
        expect(client.page.get_by_role("link", name="member@northwind.example")).to_be_visible()
        assert staff.complaints == client.complaints == []


def test_a_dependency_in_a_circle_is_told_beside_its_boxes(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Round trip", "There", "Back")
    with sit("admin") as staff:
        page = staff.page
        for milestone, other in (("Back", "There"), ("There", "Back")):
            staff.open(f"/projects/{project['id']}")
            own = page.locator(".milestone", has=page.get_by_text(f"More for {milestone}", exact=True))
            own.get_by_text("More for").click()
            own.get_by_role("link", name="Edit").click()
            page.get_by_role("checkbox", name=re.compile(other)).check()
            page.get_by_role("button", name="Save milestone").click()
        expect(page.locator("#error-depends_on")).to_contain_text("cannot depend on itself")
        expect(page.get_by_role("checkbox", name=re.compile("Back"))).to_be_checked()


def test_completing_and_reopening_happen_in_place(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Front garden", "Roses planted")
    with sit("admin") as staff:
        page = staff.page
        staff.open(f"/projects/{project['id']}")
        page.evaluate("window.stayed = true")
        page.get_by_role("button", name="Complete Roses planted").click()
        expect(page.get_by_text("Roses planted is completed")).to_be_visible()
        reopen = page.get_by_role("button", name="Reopen Roses planted")
        reopen.click()
        dialog = page.get_by_role("dialog", name="Reopen Roses planted?")
        expect(dialog.get_by_role("button", name="Reopen")).to_be_focused()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(reopen).to_be_focused()
        assert page.evaluate("window.stayed") is True
        reopen.click()
        dialog.get_by_role("link", name="Cancel").click()
        expect(dialog).to_be_hidden()
        reopen.click()
        dialog.get_by_role("button", name="Reopen").click()
        expect(page.get_by_text("Roses planted is open again")).to_be_visible()
        expect(page.get_by_role("button", name="Complete Roses planted")).to_be_visible()
        assert staff.complaints == []


def test_one_client_is_chosen_in_the_top_bar_and_left_again(sit: Sit) -> None:
    with sit("admin") as staff:
        page = staff.page
        staff.open("/projects")
        page.locator("header .menu > summary").first.click()
        page.get_by_label("Find a client").fill("birch")
        page.get_by_role("button", name="Birch Ltd").click()
        expect(page.get_by_text("Showing Birch Ltd only")).to_be_visible()
        expect(page).to_have_url(re.compile("/projects$"))
        expect(page.locator("#project-list")).not_to_contain_text("Acme")
        page.locator("header .menu > summary").first.click()
        page.get_by_role("button", name="All clients").click()
        expect(page.get_by_text("Showing all clients")).to_be_visible()
        assert staff.complaints == []


def test_clients_are_found_as_one_types(sit: Sit) -> None:
    with sit("admin") as staff:
        page = staff.page
        staff.open("/clients")
        page.get_by_label("Search clients").press_sequentially("birc")
        expect(page.locator("#client-list")).not_to_contain_text("Acme")
        expect(page.get_by_role("row", name=re.compile("Birch Ltd"))).to_be_visible()
        expect(page).to_have_url(re.compile(r"/clients\?q=birc(&|$)"))
        page.get_by_role("link", name="Birch Ltd").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Birch Ltd")
        assert staff.complaints == []
