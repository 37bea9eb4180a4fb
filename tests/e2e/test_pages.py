"""Every page, as everybody, in light and dark, wide and narrow: no complaint, nothing inaccessible, screenshots kept."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Seat, Sit
from tests.portal_stack import ROOT, Portal

AXE = (ROOT / "tests/portal/vendor/axe.min.js").read_text()
ARRIVED = """async () => { await Promise.all(document.getAnimations()
  .filter((each) => Number.isFinite(each.effect.getComputedTiming().endTime))
  .map((each) => each.finished.catch(() => null))); }"""
SHOTS = ROOT / "docs" / "screenshots"
LOOKS = {"light-1280": (False, False), "dark-1280": (True, False), "light-390": (False, True), "dark-390": (True, True)}
TWO_LOOKS = {"light-1280": LOOKS["light-1280"], "dark-390": LOOKS["dark-390"]}
"""Nothing in common, and everything between them: enough for a journey of many pages."""
PICTURES = bool(os.environ.get("PORTAL_SCREENSHOTS"))
"""`make screenshots`: every page in every look, and those of the README kept."""
OWN_PAGES = [
    "/profile",
    "/settings",
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
    "/view-as?client_id={client}",
    "/projects/new?client_id={client}",
    "/people",
    "/people/new",
    "/people/{member}",
    "/failed-sign-ins",
    "/clients/{client}/access",
    "/clients/{client}/recordings",
    "/clients/{client}/single-sign-on",
    "/clients/{client}/contacts/new",
    "/invitations/bulk",
    "/api-clients",
    "/api-clients/new",
    "/webhooks",
    "/webhooks/new",
]
PAGES = {
    "anonymous": [
        "/sign-in",
        "/sign-in/link",
        "/sign-in/sso",
        "/forgot-password",
        "/register",
        "/mailbox?token={mailbox}",
        "/help/signing-in",
    ],
    "feedback": ["/", "/projects", "/activity", *OWN_PAGES],
    "viewer": CLIENT_PAGES,
    "approver": [*CLIENT_PAGES, "/team", "/team/new", "/team/{viewer}", "/help", "/help/security?language=de"],
    "birch": ["/", "/projects", "/activity"],
    "member": STAFF_PAGES,
    "subcontractor": ["/", "/projects", "/activity", "/clients", *OWN_PAGES],
    "admin": ADMIN_PAGES,
}
CLOSELY = ("anonymous", "approver", "admin")
"""Between them they open every page there is. Each page meets light, dark, wide and narrow as the first of them who has
it, in two looks that have nothing in common; as anybody else it is opened in one look, which changes from page to page.
"""
KEPT = {
    ("approver", "/", False, False): "dashboard",
    ("approver", "/projects/{project}", False, False): "project",
    ("approver", "/projects/{project}", True, False): "project-dark",
    ("approver", "/team", False, False): "team",
    ("admin", "/clients/{client}", False, False): "client",
    ("admin", "/people/{member}", False, False): "rights",
    ("approver", "/", False, True): "phone",
}


def inaccessible(page: Page) -> list[dict[str, Any]]:
    """What axe finds serious or worse, with where, once what fades in is there: half faded, a word has no contrast."""
    page.evaluate(ARRIVED)
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
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


def due(who: str, look: str) -> list[str]:
    """The pages `who` opens in this look."""
    place = list(LOOKS).index(look)
    found: list[str] = []
    for number, path in enumerate(PAGES[who]):
        closely = next(each for each in CLOSELY if path in PAGES[each]) == who
        turn = number + list(PAGES).index(who)
        looks = [(0, 3), (1, 2)][turn % 2] if closely else [turn % 4]
        found += [path] if PICTURES or place in looks else []
    return found


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("who", PAGES)
def test_pages(sit: Sit, ids: dict[str, str], who: str, look: str) -> None:
    dark, narrow = LOOKS[look]
    problems: list[Any] = []
    with sit(who, dark=dark, narrow=narrow) as seat:
        for path in due(who, look):
            seat.complaints.clear()
            seat.open(path.format(**ids))
            problems += [(path, each) for each in inaccessible(seat.page)]  # meanwhile it may complain
            problems += [(path, each) for each in seat.complaints if not expected_complaint(path, each)]
            problems += [(path, "scrolls sideways")] if wider_than_its_window(seat.page) else []
            problems += [(path, "has no heading")] if seat.page.locator("h1").count() != 1 else []
            keep(seat, KEPT.get((who, path, dark, narrow)))
    assert problems == []


def test_a_page_on_paper(sit: Sit, ids: dict[str, str]) -> None:
    """White whatever the theme, company and client named, the scope open, and no furniture of a screen."""
    with sit("approver", dark=True) as seat:
        seat.open("/projects/{project}".format(**ids))
        scope = seat.page.locator("#scope .prose")
        expect(scope).to_be_hidden()
        seat.page.emulate_media(media="print")
        expect(scope).to_be_visible()
        expect(seat.page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(seat.page.locator(".brand")).to_contain_text("· for Acme")
        expect(seat.page.locator(".brand .print-only")).to_be_visible()
        for gone in (".updated", ".live", ".sidenav", ".page-actions"):
            for each in seat.page.locator(gone).all():
                expect(each).to_be_hidden()


RELATIVE = re.compile(r"\b(ago|just now|yesterday|today|tomorrow|in \d+ days)\b", re.IGNORECASE)
SHOWN = """() => [...document.querySelectorAll('body *')]
    .filter((each) => each.checkVisibility() && getComputedStyle(each).fontSize !== '0px')
    .flatMap((each) => [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
    .map((node) => node.textContent.trim())"""


@pytest.mark.parametrize("who", ["approver", "admin"])
def test_dates_stand_on_paper(sit: Sit, ids: dict[str, str], who: str) -> None:
    """What is two hours ago on a screen is something else when the paper is read."""
    with sit(who) as seat:
        seat.page.emulate_media(media="print")
        for path in PAGES[who]:
            seat.open(path.format(**ids))
            said = [
                each for each in seat.page.evaluate(SHOWN) if RELATIVE.search(each) and not each.startswith("Today,")
            ]
            assert (path, said) == (path, [])


def keep(seat: Seat, name: str | None) -> None:
    """Write a screenshot for the README when the run is asked to."""
    if name and PICTURES:
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
        portal.until(lambda: seat.page.wait_for_timeout(300) or len(weights) > 3)
        assert sum(weights.values()) < 250_000, weights
        cached = [url for url in weights if "/static/" in url]
        for url in cached:
            assert "immutable" in portal.client().get(url).headers["cache-control"], url
