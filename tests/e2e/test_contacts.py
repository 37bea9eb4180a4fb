"""Staff let a client's contacts in, all at once: counts, a tick, progress without a reload, and what became of each."""

import itertools
import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.appearance import LOOKS
from tests.e2e.conftest import Sit
from tests.portal_stack import API, Portal

_numbers = itertools.count(1)


def make_client(portal: Portal, *mailboxes: str) -> dict[str, Any]:
    """A client with a contact for each mailbox; an empty one has no address."""
    staff = portal.as_("admin")
    client = staff.post(f"{API}/clients", json={"name": f"Quarry {next(_numbers)} Ltd"}).json()
    for mailbox in mailboxes:
        body = {"first_name": "Rosa", "last_name": (mailbox or "Nobody").partition("@")[0].title()}
        body |= {"email": f"{client['id']}.{mailbox}"} if mailbox else {}
        answer = staff.post(f"{API}/clients/{client['id']}/contacts", json=body)
        assert answer.status_code == 201, answer.text
    return client


def row(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has_text=name)


def test_all_contacts_of_a_client_are_invited_from_a_dialog(portal: Portal, sit: Sit) -> None:
    client = make_client(portal, "amber@quarry.example", "basalt@quarry.example", "chalk@bounces.example", "")
    with sit("admin") as staff:
        page = staff.page
        staff.open(f"/clients/{client['id']}/contacts")
        expect(row(page, "Rosa Amber")).to_contain_text("No access")
        page.get_by_role("link", name="Invite all").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("To be invited3")
        expect(dialog).to_contain_text("Contacts in all4")
        dialog.get_by_role("button", name="Send invitations").click()
        expect(dialog.get_by_text("Confirm by ticking")).to_be_visible()
        dialog.get_by_label("Send 3 mails now").check()
        dialog.get_by_role("button", name="Send invitations").click()
        expect(dialog.get_by_role("progressbar")).to_be_visible()
        expect(dialog.get_by_role("heading")).to_have_text("Done, with some left over", timeout=20_000)
        expect(dialog.locator("dl")).to_have_text(re.compile(r"Sent\s*2\s*Failed\s*1\s*Skipped\s*0"))
        expect(dialog).to_contain_text("The mail server knows no such address.")
        dialog.get_by_role("link", name="Done").click()
        expect(row(page, "Rosa Basalt")).to_contain_text("Invited")
        expect(row(page, "Rosa Chalk")).to_contain_text("Invitation failed")
        expect(row(page, "Rosa Nobody")).to_contain_text("No access")
        page.get_by_role("link", name="Invite all").click()
        expect(page.get_by_role("dialog")).to_contain_text("To be invited1")
        assert staff.complaints == []


def test_without_scripts_the_progress_is_a_page_to_come_back_to(portal: Portal, sit: Sit) -> None:
    client = make_client(portal, "dolomite@quarry.example")
    with sit("admin", scripts=False, narrow=True) as staff:
        page = staff.page
        staff.open(f"/clients/{client['id']}/contacts")
        page.get_by_role("link", name="Invite all").click()
        staff.wear(LOOKS[0])
        page.get_by_label("Send one mail now").check()
        page.get_by_role("button", name="Send invitations").click()
        expect(page).to_have_url(re.compile(r"/invitations/bulk/[0-9a-f-]{36}$"))
        portal.until(lambda: _is_done(page))
        expect(page.get_by_text("Invitations sent")).to_be_visible()


def _is_done(page: Page) -> bool:
    page.reload()
    return page.get_by_text("Invitations sent").is_visible()


def test_a_portal_is_closed_and_opened_again(portal: Portal, sit: Sit) -> None:
    client = make_client(portal, "flint@quarry.example")
    with sit("admin") as staff:
        page = staff.page
        staff.open(f"/clients/{client['id']}/access")
        page.get_by_label("Main contact of the portal").select_option(label="Rosa Flint")
        page.get_by_role("button", name="Save link").click()
        expect(page.get_by_text("The portal is open", exact=True)).to_be_visible()
        page.get_by_role("link", name="Close portal").click()
        page.get_by_role("dialog").get_by_role("button", name="Close portal").click()
        expect(page.get_by_text("Nobody of this client can sign in.")).to_be_visible()
        expect(page.get_by_label("Main contact of the portal")).to_have_value(re.compile("-"))
        page.get_by_role("button", name="Open portal").click()
        expect(page.get_by_text("Contacts with access may sign in.")).to_be_visible()
        assert staff.complaints == []
