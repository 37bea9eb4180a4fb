"""Staff look at the portal as a client does, in a real browser: they always see that they do, and change nothing."""

from typing import Any

from playwright.sync_api import expect

from tests.e2e.appearance import TWO_LOOKS
from tests.e2e.conftest import Seat, Sit
from tests.e2e.test_story import make_project
from tests.portal_stack import API, PEOPLE, Portal

PAGES = ("/", "/projects", "/activity", "/team")


def banner(seat: Seat) -> Any:
    return seat.page.get_by_role("region", name="View as client")


def begin(portal: Portal, seat: Seat) -> str:
    """From the client's page, as the client as a whole; the client's path."""
    path = f"/clients/{portal.me('approver')['client_id']}"
    seat.open(path)
    seat.page.get_by_role("link", name="View as client").click()
    seat.page.get_by_role("button", name="View as Acme").click()
    expect(banner(seat)).to_contain_text("Viewing as Acme")
    return path


def test_every_page_carries_the_banner_and_is_as_accessible_as_ever(portal: Portal, sit: Sit) -> None:
    problems: list[Any] = []
    with sit(PEOPLE["admin"]) as seat:
        begin(portal, seat)
        for path in PAGES:
            seat.complaints.clear()
            seat.open(path)
            for look in sorted(TWO_LOOKS, key=seat.look.differs):
                found = seat.faults([look], picture=f"viewing-{path.strip('/') or 'home'}")
                expect(banner(seat)).to_be_in_viewport()
                heading = seat.page.get_by_role("heading", level=1).bounding_box()
                above = banner(seat).bounding_box()
                found += ["hidden"] if not heading or heading["y"] < above["y"] + above["height"] else []
                problems += [(path, each) for each in found]
            problems += [(path, each) for each in seat.complaints]
    assert problems == []


def test_the_viewer_sees_what_happens_and_can_change_nothing_until_they_leave(portal: Portal, sit: Sit) -> None:
    with sit(PEOPLE["admin"]) as seat:
        path = begin(portal, seat)
        expect(seat.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        expect(seat.page.get_by_role("link", name="Clients")).to_have_count(0)
        made = make_project(portal, "approver", "Signal box", "Lamp lit")
        expect(seat.page.locator("[data-entry]", has_text="Lamp lit").first).to_be_visible()
        http = seat.context.request
        milestone = http.get(f"{API}/projects/{made['id']}").json()["milestones"][0]["id"]
        for method, where in (("POST", f"milestones/{milestone}/complete"), ("PATCH", "people/me")):
            answer = http.fetch(f"{portal.gateway}{API}/{where}", method=method, data={})
            assert (answer.status, answer.json()["code"]) == (403, "auth.viewing_only"), where
        for personal in ("Profile", "Settings", "Security"):
            expect(seat.page.get_by_role("link", name=personal)).to_have_count(0)
        refused = http.post("/profile", form={"first_name": "Some", "last_name": "Body", "language": "en"})
        assert refused.status == 403
        assert "View only" in refused.text()
        banner(seat).get_by_role("button", name="Leave").click()
        seat.page.wait_for_url(f"**{path}")
        expect(banner(seat)).to_have_count(0)
        expect(seat.page.get_by_role("link", name="Clients").first).to_be_visible()
        about = {"client_id": path.rpartition("/")[2], "limit": "100"}

        def told() -> list[str]:
            audit = http.get(f"{API}/audit", params=about).json()["items"]
            return [each["type"] for each in audit if each["type"].startswith("view_as")]

        portal.until(lambda: told()[:2] == ["view_as_ended", "view_as_started"])


def test_one_persons_portal_is_seen_without_scripts_and_left(portal: Portal, sit: Sit) -> None:
    with sit(PEOPLE["admin"], scripts=False) as seat:
        mia = portal.me("feedback")
        seat.open(f"/clients/{mia['client_id']}")
        seat.page.get_by_role("link", name="View as client").click()
        seat.page.get_by_label("Search people").fill(mia["last_name"])
        seat.page.get_by_role("button", name="Search").click()
        seat.page.get_by_role("button", name=f"View as {mia['name']}").click()
        expect(banner(seat)).to_contain_text(f"Viewing as {mia['name']} at Acme")
        expect(seat.page.get_by_role("heading", level=1)).to_contain_text(mia["first_name"])
        seat.open("/profile")
        expect(seat.page.get_by_label("Last name")).to_have_value(mia["last_name"])
        expect(seat.page.get_by_role("link", name="Security")).to_have_count(0)
        banner(seat).get_by_role("button", name="Leave").click()
        expect(banner(seat)).to_have_count(0)
