"""Eight tabs of one browser, over HTTP/1.1 as without a proxy: all of them load and hear what happens (decision 0108)."""

from playwright.sync_api import expect

from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_project
from tests.portal_stack import API, Portal


def test_eight_tabs_load_and_show_a_change_over_one_stream(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Ferry", "Deck painted")
    milestone = portal.as_("admin").get(f"{API}/projects/{project['id']}").json()["milestones"][0]
    with sit("birch") as client:
        streams: list[str] = []
        client.context.on("request", lambda sent: streams.append(sent.url) if "/api/events/" in sent.url else None)
        tabs = [client.page, *(client.context.new_page() for _ in range(7))]
        for tab in tabs:
            tab.goto(f"/projects/{project['id']}")
            expect(tab.locator("[data-live-state]").first).to_have_attribute("data-state", "live")
        portal.as_("admin").post(f"{API}/milestones/{milestone['id']}/complete", json={}).raise_for_status()
        for tab in tabs:
            expect(tab.get_by_text("1 of 1 milestones done")).to_be_visible()
        assert len(streams) == 1
