"""Every page, as everybody, in light and dark, wide and narrow, and on paper: no complaint, nothing inaccessible, screenshots kept."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.appearance import ARRIVED, AXE, LOOKS, Look
from tests.e2e.conftest import Seat, Sit
from tests.portal_stack import ROOT, Portal

SHOTS = ROOT / "docs" / "screenshots"
PICTURES = bool(os.environ.get("PORTAL_SCREENSHOTS"))
"""`make screenshots`: those of the README are kept."""
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
it, in two looks that have nothing in common; as anybody else it is looked at in one, which changes from page to page.
"""
READS_PAPER = ("approver", "admin")
KEPT = {
    ("approver", "/", "light-1280"): "dashboard",
    ("approver", "/projects/{project}", "light-1280"): "project",
    ("approver", "/projects/{project}", "dark-1280"): "project-dark",
    ("approver", "/team", "light-1280"): "team",
    ("admin", "/clients/{client}", "light-1280"): "client",
    ("admin", "/people/{member}", "light-1280"): "rights",
    ("approver", "/", "light-390"): "phone",
}


def expected_complaint(path: str, text: str) -> bool:
    """Chromium itself reports that a page it was sent to does not exist."""
    return path == "/nowhere" and "404" in text


def in_turn(who: str) -> list[tuple[str, tuple[Look, ...]]]:
    """The pages `who` opens, and in which looks; those in one look ordered by it, as a change takes its time."""
    found: list[tuple[str, tuple[Look, ...]]] = []
    for turn, path in enumerate(PAGES[who], list(PAGES).index(who)):
        closely = next(each for each in CLOSELY if path in PAGES[each]) == who
        two = (LOOKS[0], LOOKS[3]) if turn % 2 else (LOOKS[1], LOOKS[2])
        found.append((path, two if closely else (LOOKS[turn % 4],)))
    return sorted(found, key=lambda each: "" if each[1][1:] else str(each[1][0]))


RELATIVE = re.compile(r"\b(ago|just now|yesterday|today|tomorrow|in \d+ days)\b", re.IGNORECASE)
SHOWN = """() => [...document.querySelectorAll('body *')]
    .filter((each) => each.checkVisibility() && getComputedStyle(each).fontSize !== '0px')
    .flatMap((each) => [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
    .map((node) => node.textContent.trim())"""


def undated_on_paper(seat: Seat) -> list[str]:
    """What is two hours ago on a screen is something else when the paper is read."""
    seat.page.emulate_media(media="print")
    seat.wear(replace(seat.look, narrow=False))
    seat.page.evaluate(ARRIVED)
    said: list[str] = seat.page.evaluate(SHOWN)
    seat.page.emulate_media(media="screen")
    return [each for each in said if RELATIVE.search(each) and not each.startswith("Today,")]


@pytest.mark.parametrize("who", PAGES)
def test_pages(sit: Sit, ids: dict[str, str], who: str) -> None:
    problems: list[Any] = []
    with sit(who) as seat:
        seat.context.add_init_script(AXE)
        for path, looks in in_turn(who):
            seat.complaints.clear()
            seat.open(path.format(**ids))
            problems += [(path, each) for each in seat.faults(looks)]  # meanwhile it may complain
            problems += [(path, each) for each in seat.complaints if not expected_complaint(path, each)]
            problems += [(path, each) for each in undated_on_paper(seat)] if who in READS_PAPER else []
            keep(seat, who, path)
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


def keep(seat: Seat, who: str, path: str) -> None:
    """Write screenshots for the README when the run is asked to."""
    for look in LOOKS if PICTURES else ():
        if name := KEPT.get((who, path, str(look))):
            SHOTS.mkdir(parents=True, exist_ok=True)
            seat.wear(look)
            seat.page.evaluate(ARRIVED)
            seat.page.evaluate("document.activeElement?.blur()")
            seat.page.screenshot(path=Path(SHOTS / f"{name}.png"))


def test_first_visit_weighs_little(portal: Portal, sit: Sit) -> None:
    """Interface paper: under 250 kB on the wire, everything cached after."""
    with sit("approver", fresh=True) as seat:
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
