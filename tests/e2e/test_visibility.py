"""Staff plan in private and share when it is ready; the client sees it arrive, and no trace of it before."""

from playwright.sync_api import expect

from tests.e2e.conftest import Sit, choose
from tests.e2e.test_story import make_project
from tests.portal_stack import Portal


def test_a_project_is_planned_in_private_and_arrives_when_it_is_shared(portal: Portal, sit: Sit) -> None:
    with sit("admin") as staff, sit("birch") as client:
        client.open("/projects?q=Orchard")
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        client.page.evaluate("window.stayed = true")
        page = staff.page
        staff.open("/projects/new")
        choose(page, "Client", "Birch Ltd")
        page.locator("#field-name").fill("Orchard gate")
        expect(page.get_by_label("Only your team sees it")).to_be_checked()
        page.get_by_label("Hide progress").check()
        page.get_by_role("button", name="Create project").click()
        expect(page.get_by_text("Only your team sees this project")).to_be_visible()
        where = page.url
        page.get_by_role("link", name="Add").click()
        page.get_by_label("Name").fill("Lamp lit")
        page.get_by_label("Target date").fill("2031-03-01")
        page.get_by_role("button", name="Add milestone").click()
        expect(page.locator(".milestone", has_text="Lamp lit")).to_be_visible()
        assert client.page.goto(where).status == 404  # type: ignore[union-attr]
        client.open("/projects?q=Orchard")
        expect(client.page.get_by_text("No project matches")).to_be_visible()
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        client.page.evaluate("window.stayed = true")

        page.locator("#sharing summary").click()
        page.locator("#sharing").get_by_role("button", name="Share with the client").click()
        page.get_by_role("dialog").get_by_role("button", name="Share with the client").click()
        expect(page.get_by_text("Only your team sees this project")).to_have_count(0)
        # Who sees it is asked of identity for a moment only: where that is busy, a later page says it.
        said = page.get_by_text("sees this project, but not: progress.")
        portal.until(lambda: said.is_visible() or (page.reload() and said.is_visible()), 60)
        card = client.page.locator("article.project", has_text="Orchard gate")
        expect(card).to_be_visible()
        assert client.page.evaluate("window.stayed") is True
        expect(card.get_by_role("progressbar")).to_have_count(0)
        client.open(where.removeprefix(portal.gateway))
        expect(client.page.locator(".milestone", has_text="Lamp lit")).to_be_visible()
        expect(client.page.get_by_text("started Orchard gate")).to_be_visible()
        for word in ("Only your team", "Client sees", "Hide", "shared", "with the client"):
            expect(client.page.get_by_text(word)).to_have_count(0)
        assert staff.complaints == []


def test_a_step_of_the_teams_own_is_shared_in_its_place(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Pier", "Piles driven")
    with sit("admin") as staff, sit("birch") as client:
        page = staff.page
        staff.open(f"/projects/{project['id']}/milestones/new")
        page.get_by_label("Name").fill("Ask the harbour master")
        page.get_by_label("Target date").fill("2031-02-01")
        expect(page.get_by_label("Only your team sees it")).to_be_checked()
        page.get_by_role("button", name="Add milestone").click()
        own = page.locator(".milestone", has_text="Ask the harbour master")
        expect(own.locator(".status").get_by_text("Only your team")).to_be_visible()
        client.open(f"/projects/{project['id']}")
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        expect(client.page.get_by_text("0 of 1 milestones done")).to_be_visible()
        client.page.evaluate("window.stayed = true")

        own.get_by_text("More for").click()
        own.get_by_role("button", name="Share with the client").click()
        page.get_by_role("dialog").get_by_role("button", name="Share with the client").click()
        expect(own.locator(".status").get_by_text("Only your team")).to_have_count(0)
        expect(client.page.locator(".milestone", has_text="Ask the harbour master")).to_be_visible()
        assert client.page.evaluate("window.stayed") is True
        own.get_by_text("More for").click()
        own.get_by_role("button", name="Stop sharing").click()
        page.get_by_role("button", name="Undo").click()
        expect(own.locator(".status").get_by_text("Only your team")).to_have_count(0)
        own.get_by_text("More for").click()
        own.get_by_role("button", name="Stop sharing").click()
        expect(own.locator(".status").get_by_text("Only your team")).to_be_visible()
        client.open(f"/projects/{project['id']}")
        expect(client.page.locator(".milestone", has_text="Piles driven")).to_be_visible()
        expect(client.page.get_by_text("Ask the harbour master")).to_have_count(0)


def test_it_works_without_scripts(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Breakwater", "Stones laid")
    with sit("admin", scripts=False) as staff:
        page = staff.page
        staff.open(f"/projects/{project['id']}")
        page.locator("#sharing summary").click()
        page.get_by_role("button", name="Stop sharing").first.click()
        expect(page.get_by_text("Only your team sees this project")).to_be_visible()
        page.locator("#sharing summary").click()
        page.locator("#sharing").get_by_role("button", name="Share with the client").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Are you sure?")
        page.get_by_role("button", name="Share with the client").click()
        said = page.get_by_text("Birch Ltd sees this project")
        portal.until(lambda: said.is_visible() or (page.reload() and said.is_visible()), 60)
        page.locator(".milestone").get_by_text("More for").click()
        page.locator(".milestone").get_by_role("button", name="Stop sharing").click()
        expect(page.locator(".milestone").locator(".status").get_by_text("Only your team")).to_be_visible()
