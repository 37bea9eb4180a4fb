"""The pictures of the guide (`docs/guide/pictures`), which `make screenshots` takes again: light, and cut to what is explained."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page

from services.portal.help.guide import PICTURES
from tests.e2e.appearance import ARRIVED
from tests.e2e.conftest import Sit, sign_in
from tests.portal_stack import PEOPLE

MARGIN = 12.0
"""Pixels around what is shown."""
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
"""What a session and an attempt are named by."""


def to_the_methods(page: Page) -> None:
    page.get_by_label("E-mail").fill("approver@acme.example")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password").wait_for()


def open_menu(name: str) -> Callable[[Page], None]:
    return lambda page: page.locator("main summary", has_text=name).first.click()


def in_a_browser(page: Page) -> None:
    """Sign in by the page, so that the list of sessions begins with a browser that has a name."""
    page.set_extra_http_headers({"User-Agent": BROWSER})
    page.context.clear_cookies()
    sign_in(page, PEOPLE["approver"])
    page.goto("/security")


def after_attempts(page: Page) -> None:
    """Let some sign-ins fail, and wait until all of them are on record."""
    own = urljoin(page.url, "/")
    for who in (PEOPLE["viewer"], "nobody@acme.example", PEOPLE["birch"]):
        said = {"Origin": own.rstrip("/"), "User-Agent": BROWSER}
        body = {"email": who, "password": "not the password"}
        page.context.request.post(f"{own}api/client-portal/auth/login", data=body, headers=said)

    def seen() -> int:
        page.reload()
        return page.locator("main tbody tr").count()

    while seen() < 3:
        page.wait_for_timeout(200)


def open_contact(page: Page) -> None:
    page.get_by_role("link", name="Sabine Vogt").click()
    page.get_by_role("heading", level=1, name="Sabine Vogt").wait_for()


@dataclass
class Shot:
    """What is in a picture: a page as `who` sees it, cut to the elements `of` and at most `height` pixels high."""

    who: str
    path: str
    of: str = "main"
    height: int = 800
    first: Callable[[Page], None] | None = None


SHOTS = {
    "sign-in": Shot("anonymous", "/sign-in"),
    "sign-in-methods": Shot("anonymous", "/sign-in", first=to_the_methods),
    "dashboard": Shot("approver", "/", "body"),
    "project": Shot("approver", "/projects/{project}", height=740),
    "activity": Shot("approver", "/activity", height=560),
    "team": Shot("approver", "/team", height=520),
    "profile": Shot("approver", "/profile"),
    "settings": Shot("approver", "/settings"),
    "security": Shot("approver", "/security", height=760, first=in_a_browser),
    "client": Shot("admin", "/clients/{client}", "body"),
    "contacts": Shot("admin", "/clients/{client}/contacts", height=560),
    "access": Shot("admin", "/clients/{client}/contacts", height=560, first=open_contact),
    "bulk-invitation": Shot("admin", "/invitations/bulk?client_id={client}", height=640),
    "milestones": Shot(
        "member", "/projects/{project}", "section:has(> .section-head #timeline-title)", 480, open_menu("More")
    ),
    "sharing": Shot("member", "/projects/{project}", height=400, first=open_menu("who sees this project")),
    "view-as": Shot("admin", "/view-as?client_id={client}", height=560),
    "permissions": Shot("admin", "/people/{member}", height=720),
    "client-access": Shot("admin", "/clients/{client}/access", height=720),
    "failed-sign-ins": Shot("admin", "/failed-sign-ins", first=after_attempts),
    "api-client": Shot("admin", "/api-clients/new", height=640),
    "webhook": Shot("admin", "/webhooks/new", height=640),
    "brand": Shot("admin", "/brand", height=640),
}


@pytest.mark.parametrize("name", SHOTS)
def test_take(sit: Sit, ids: dict[str, str], name: str) -> None:
    shot = SHOTS[name]
    with sit(shot.who) as seat:
        page: Page = seat.page
        seat.open(shot.path.format(**ids))
        if shot.first:
            shot.first(page)
        page.evaluate("document.activeElement?.blur()")
        page.evaluate(ARRIVED)
        box = page.locator(shot.of).first.bounding_box()
        assert box
        margin = 0.0 if shot.of == "body" or (shot.of == "main" and shot.who != "anonymous") else MARGIN
        height = min(box["height"] + 2 * margin, shot.height)
        cut: FloatRect = {
            "x": box["x"] - margin,
            "y": box["y"] - margin,
            "width": box["width"] + 2 * margin,
            "height": height,
        }
        taken = page.screenshot(clip=cut, full_page=True)
    with Image.open(io.BytesIO(taken)) as image:
        image.convert("RGB").save(PICTURES / f"{name}.webp", quality=85, method=6)
