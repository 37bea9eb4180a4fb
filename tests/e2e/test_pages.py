"""Every page, as everybody, in light and dark, wide and narrow: no complaint, nothing inaccessible, screenshots kept."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Seat, Sit
from tests.portal_stack import API, ROOT, Portal

AXE = (ROOT / "tests/portal/vendor/axe.min.js").read_text()
SHOTS = ROOT / "docs" / "screenshots"
LOOKS = [
    pytest.param(False, False, id="light-1280"),
    pytest.param(True, False, id="dark-1280"),
    pytest.param(False, True, id="light-390"),
    pytest.param(True, True, id="dark-390"),
]
OWN_PAGES = [
    "/profile",
    "/security",
    "/security/two-factor",
    "/security/passkeys",
    "/security/password",
    "/security/email",
]
CLIENT_PAGES = ["/", "/projects", "/projects/{project}", "/activity", *OWN_PAGES, "/nowhere"]
STAFF_PAGES = [
    *CLIENT_PAGES,
    "/clients",
    "/clients/{client}",
    "/clients/{client}/contacts",
    "/contacts/{viewer}",
    "/projects/{project}/edit",
    "/projects/{project}/milestones/new",
]
ADMIN_PAGES = [
    *STAFF_PAGES,
    "/clients/new",
    "/clients/{client}/edit",
    "/projects/new?client_id={client}",
    "/people",
    "/people/new",
    "/people/{member}",
    "/people/{viewer}",
    "/failed-sign-ins",
    "/clients/{client}/access",
    "/clients/{client}/single-sign-on",
    "/clients/{client}/contacts/new",
    "/invitations/bulk",
    "/api-clients",
    "/api-clients/new",
]
PAGES = {
    "anonymous": ["/sign-in", "/sign-in/link", "/sign-in/sso", "/forgot-password", "/register", "/mailbox"],
    "feedback": ["/", "/projects", "/activity", *OWN_PAGES],
    "viewer": CLIENT_PAGES,
    "approver": [*CLIENT_PAGES, "/team", "/team/new", "/team/{viewer}"],
    "birch": ["/", "/projects", "/activity"],
    "member": STAFF_PAGES,
    "subcontractor": ["/", "/projects", "/activity", "/clients", *OWN_PAGES],
    "admin": ADMIN_PAGES,
}
KEPT = {
    ("approver", "/", False, False): "dashboard",
    ("approver", "/projects/{project}", False, False): "project",
    ("approver", "/projects/{project}", True, False): "project-dark",
    ("approver", "/team", False, False): "team",
    ("admin", "/clients/{client}", False, False): "client",
    ("admin", "/people/{member}", False, False): "rights",
    ("approver", "/", False, True): "phone",
}


@pytest.fixture(scope="module")
def ids(portal: Portal) -> dict[str, str]:
    """Acme, its project with the most to see, and people to look at."""
    acme = portal.me("approver")["client_id"]
    projects = portal.as_("admin").get(f"{API}/projects", params={"client_id": acme, "limit": 100}).json()["items"]
    busiest = max(projects, key=lambda each: (each["status"] == "on_track", each["milestones_total"]))
    people = {who: portal.me(who)["id"] for who in ("member", "viewer")}
    return {"client": acme, "project": busiest["id"], **people}


def inaccessible(page: Page) -> list[dict[str, Any]]:
    """What axe finds serious or worse, with where."""
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        {"rule": each["id"], "where": [node["html"][:120] for node in each["nodes"]]}
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def wider_than_its_window(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def expected_complaint(path: str, text: str) -> bool:
    """Chromium itself reports that a page it was sent to does not exist."""
    return path == "/nowhere" and "404" in text


@pytest.mark.parametrize(("dark", "narrow"), LOOKS)
@pytest.mark.parametrize("who", PAGES)
def test_pages(sit: Sit, ids: dict[str, str], who: str, dark: bool, narrow: bool) -> None:
    problems: list[Any] = []
    with sit(who, dark=dark, narrow=narrow) as seat:
        for path in PAGES[who]:
            seat.complaints.clear()
            seat.open(path.format(**ids))
            seat.page.wait_for_timeout(150)
            problems += [(path, each) for each in seat.complaints if not expected_complaint(path, each)]
            problems += [(path, each) for each in inaccessible(seat.page)]
            problems += [(path, "scrolls sideways")] if wider_than_its_window(seat.page) else []
            problems += [(path, "has no heading")] if seat.page.locator("h1").count() != 1 else []
            keep(seat, KEPT.get((who, path, dark, narrow)))
    assert problems == []


def keep(seat: Seat, name: str | None) -> None:
    """Write a screenshot for the README when the run is asked to (`make screenshots`)."""
    import os

    if name and os.environ.get("PORTAL_SCREENSHOTS"):
        SHOTS.mkdir(parents=True, exist_ok=True)
        seat.page.evaluate("document.activeElement?.blur()")
        seat.page.screenshot(path=Path(SHOTS / f"{name}.png"))


def test_first_visit_weighs_little(portal: Portal, sit: Sit) -> None:
    """Interface paper: under 250 kB on the wire, everything cached after."""
    with sit("approver") as seat:
        weights: dict[str, int] = {}
        session = seat.context.new_cdp_session(seat.page)
        session.send("Network.enable")
        urls: dict[str, str] = {}
        session.on("Network.responseReceived", lambda told: urls.update({told["requestId"]: told["response"]["url"]}))
        session.on(
            "Network.loadingFinished",
            lambda told: weights.update({urls.get(told["requestId"], "?"): int(told["encodedDataLength"])}),
        )
        seat.open("/")
        seat.page.wait_for_timeout(300)
        assert len(weights) > 3
        assert sum(weights.values()) < 250_000, weights
        cached = [url for url in weights if "/static/" in url]
        for url in cached:
            assert "immutable" in portal.client().get(url).headers["cache-control"], url
