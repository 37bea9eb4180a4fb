"""State plus event is a fresh read: a page that the stream keeps up to date is the page that is loaded anew."""

from typing import Any

from playwright.sync_api import expect

from shared.contracts import TOLD
from tests.clocks import HOUR, let_none_end
from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_project, told
from tests.portal_stack import API, Portal

IS_AS_ANEW = """async (path) => {
  const read = (page) => {
    const main = page.querySelector('main').cloneNode(true);
    main.querySelectorAll('time, .updated, [data-live-state]').forEach((moving) => moving.remove());
    return main.querySelector('[aria-busy=true]') ? null : main.textContent.replace(/\\s+/g, ' ');
  };
  const anew = await (await fetch(path)).text();
  return read(document) === read(new DOMParser().parseFromString(anew, 'text/html'));
}"""
"""Whether the open page says what it would if it were loaded now, but for what time changes."""


def test_after_each_event_of_the_feed_an_open_page_is_as_if_loaded_anew(portal: Portal, sit: Sit) -> None:
    let_none_end(HOUR)
    staff = portal.as_("admin")
    project = make_project(portal, "birch", "Ropewalk")
    client_id, where = project["client_id"], f"/projects/{project['id']}"
    made = staff.post(f"{API}{where}/milestones", json={"name": "Hemp spun", "target_on": "2031-01-15"})
    step = f"/milestones/{made.json()['id']}"
    happens: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{where}/milestones", {"name": "Rope laid", "target_on": "2031-05-01"}),
        ("PATCH", step, {"name": "Hemp combed", "target_on": "2031-04-01"}),
        ("POST", f"{step}/complete", {}),
        ("POST", f"{step}/reopen", {}),
        ("POST", f"{step}/withdraw", {}),
        ("POST", f"{step}/share", {}),
        ("PATCH", where, {"name": "Long ropewalk", "description": "A thousand feet"}),
        ("PATCH", where, {"status": "at_risk"}),
        ("POST", "/projects", {"client_id": client_id, "name": "Slipway", "status": "on_track"}),
        ("POST", f"{where}/withdraw", {}),
        ("POST", f"{where}/share", {}),
    ]
    kinds: set[str] = set()

    with sit("birch") as client:
        client.open("/")  # by the second page the greeting knows their time of day
        tabs = {"/": client.page, where: client.context.new_page()}
        for path, tab in tabs.items():
            tab.goto(path)
            expect(tab.locator("[data-live-state]")).to_have_attribute("data-state", "live")
            tab.evaluate("window.stayed = true")
        for method, path, body in happens:
            before = {each["id"] for each in told(portal, client_id=client_id)}
            answer = staff.request(method, f"{API}{path}", json=body)
            assert answer.is_success, f"{path}: {answer.text}"
            about = client_id, answer.json()["id"], before
            kinds |= portal.until(lambda about=about: kinds_since(portal, *about))
            if path == f"{where}/withdraw":
                tabs.pop(where).close()  # it says what is gone, and loaded anew it is not there
            for place, tab in tabs.items():
                portal.until(lambda tab=tab, place=place: tab.evaluate(IS_AS_ANEW, place), 60)
                assert tab.evaluate("window.stayed") is True
    assert kinds == {kind.type for kind in TOLD}


def kinds_since(portal: Portal, client_id: str, target_id: str, before: set[str]) -> set[str]:
    """The types of what the feed of a client tells staff of a thing and did not `before`."""
    feed = told(portal, client_id=client_id)
    return {each["type"] for each in feed if each["id"] not in before and each["target"]["id"] == target_id}
