"""The company closes parts of the portal for a client, and a page that is open feels it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Seat, Sit, open_until
from tests.portal_stack import API, Portal

EVERYTHING = ["projects", "activity", "figures"]


@pytest.fixture
def access(portal: Portal) -> Iterator[str]:
    """The page where it is decided; everything is open again afterwards."""
    client = portal.me("approver")["client_id"]
    yield f"/clients/{client}/access"
    close(portal)


def close(portal: Portal, *modules: str, actions: tuple[str, ...] = ()) -> None:
    """Without a page; returns when an open session feels it."""
    lists = {"closed_modules": modules, "closed_actions": actions}
    path = f"{API}/clients/{portal.me('approver')['client_id']}"
    assert portal.as_("admin").patch(path, json=lists).status_code == 200
    probe = f"{API}/projects"
    portal.until(lambda: (portal.as_("approver").get(probe).status_code == 403) is ("projects" in modules))


def places(seat: Seat) -> list[str]:
    return seat.page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()


def test_an_open_page_loses_what_is_closed_and_rests_and_has_it_again_when_it_is_opened(
    portal: Portal, sit: Sit, access: str
) -> None:
    with sit("admin") as staff, sit("approver") as client:
        client.open("/")
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        staff.open(access)
        staff.page.get_by_label("Activity").uncheck()
        staff.page.get_by_role("button", name="Save access").click()
        expect(staff.page.get_by_role("status").get_by_text("Access saved")).to_be_visible()
        expect(client.page.get_by_role("heading", name="Activity")).to_have_count(0)
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "polling")
        assert places(client) == ["Dashboard", "Projects", "Team", "Profile"]
        assert client.page.locator("body").get_attribute("data-events") is None
        staff.open(access)  # without what it said
        staff.page.get_by_label("Activity").check()
        staff.page.get_by_role("button", name="Save access").click()
        expect(staff.page.get_by_role("status").get_by_text("Access saved")).to_be_visible()
        portal.until(lambda: portal.as_("approver").get(f"{API}/activity").is_success)
        open_until(portal, client, "/", client.page.get_by_role("heading", name="Activity"))
        expect(client.page.get_by_role("heading", name="Activity")).to_be_visible()
        expect(client.page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        assert staff.complaints == client.complaints == []


def test_pages_without_what_is_closed_shut_nobody_out(portal: Portal, sit: Sit, access: str) -> None:
    problems: list[Any] = []
    with sit("approver") as seat:
        for closed, paths in (
            (EVERYTHING, ("/", "/projects", "/activity", "/team", "/team/new", "/profile")),
            (["projects"], ("/",)),
        ):
            close(portal, *closed, actions=("edit_profile",))
            for path in paths:
                seat.open(path)
                problems += [(path, each) for each in seat.faults()]
    assert problems == []
