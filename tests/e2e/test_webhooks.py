"""Staff have a partner system told, see what became of it, and end it, in Chromium and without scripts."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_project
from tests.portal_stack import API, Portal

Told = list[tuple[dict[str, str], bytes]]


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, Told]]:
    """A partner system that answers with these statuses, then with 200: its address, and what it was told."""
    told: Told = []
    answers = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(next(answers, 200))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", told
    server.shutdown()
    server.server_close()


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_a_partner_system_is_told_and_staff_see_it(portal: Portal, sit: Sit) -> None:
    project = make_project(portal, "birch", "Lakeside")["id"]
    with receiver() as (url, told), sit("admin") as staff:
        page = staff.page
        staff.open("/webhooks/new")
        page.get_by_label("Name").fill("Lakehouse")
        page.get_by_label("Address").fill(url)
        page.get_by_label("A milestone was added").check()
        page.get_by_role("button", name="Create webhook").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Save this secret")
        secret = page.locator(".secret code").inner_text()
        page.get_by_role("link", name="I have saved it").click()
        expect(page.get_by_text("Nothing sent yet")).to_be_visible()
        assert secret not in page.content()

        milestone = {"name": "Stock synchronised", "target_on": "2030-03-01"}
        portal.as_("admin").post(f"{API}/projects/{project}/milestones", json=milestone).raise_for_status()
        portal.until(lambda: told)
        headers, body = told[0]
        assert headers["webhook-signature"] == signature(secret, headers, body)
        assert b"Stock synchronised" in body
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("A test is on its way.")).to_be_visible()
        portal.until(lambda: len(told) == 2)
        page.reload()
        rows = page.get_by_role("row")
        expect(rows.filter(has_text="A milestone was added").get_by_text("HTTP 200")).to_be_visible()
        rows.filter(has_text="A milestone was added").get_by_role("button", name="Retry").click()
        portal.until(lambda: len(told) == 3)
        assert told[2][0]["webhook-id"] == headers["webhook-id"]

        page.get_by_role("link", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove webhook").click()
        expect(page.get_by_text("The webhook was removed.")).to_be_visible()
        assert staff.complaints == []


def test_why_it_was_switched_off_and_on_again_without_scripts(portal: Portal, sit: Sit) -> None:
    make_project(portal, "birch", "Quayside")  # what happened before is told before
    with receiver(410) as (url, told):
        made = portal.webhook(None, name="Old help desk", url=url)
        portal.until(lambda: not portal.as_("admin").get(f"{API}/webhooks/{made['id']}").json()["active"])
        assert len(told) == 1
        make_project(portal, "birch", "Pier")
        portal.until(lambda: portal.as_("admin").get(f"{API}/webhooks/{made['id']}").json()["held"])
        with sit("admin", scripts=False, narrow=True) as staff:
            page = staff.page
            staff.open(f"/webhooks/{made['id']}")
            expect(page.get_by_text("The receiver answered that it no longer exists (410).")).to_be_visible()
            expect(page.get_by_text("sent when you switch it on")).to_be_visible()
            page.get_by_role("button", name="Switch on").click()
            expect(page.get_by_text("no longer exists (410)")).to_have_count(0)
            portal.until(lambda: any(b"Pier" in body for _, body in told))
            page.get_by_role("link", name="Remove").click()
            page.get_by_role("button", name="Remove webhook").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
