"""Rights in real browsers: given, seen, limited and taken away while somebody is at work; a client invites its own."""

import re
from contextlib import suppress
from email import message_from_bytes, policy
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from tests.e2e.conftest import Sit, offered
from tests.portal_stack import API, Portal


def mailed(portal: Portal, address: str, page: str) -> str | None:
    """The newest link to this page that the sink caught for an address."""
    for path in sorted(Path(portal.run.addresses["PORTAL_MAILBOX_DIR"]).glob("*.eml"), reverse=True):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        found = re.search(rf"({page}\?token=\S+)", body.get_content() if body else "")
        if found and address in str(mail["To"]):
            return found[1]
    return None


def places(page: Page) -> list[str]:
    """What the navigation offers."""
    return page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()


def session_of(page: Page) -> str:
    return next(each["value"] for each in page.context.cookies() if each["name"].endswith("portal_session"))


def test_a_member_gets_policies_and_sees_exactly_that(portal: Portal, sit: Sit) -> None:
    with sit("admin") as clara, sit("anonymous") as nina:
        page = clara.page
        clara.open("/people/new")
        for label, typed in (("First name", "Nina"), ("Last name", "Vogt"), ("E-mail", "nina@northwind.example")):
            page.get_by_label(label, exact=True).fill(typed)
        page.get_by_label("Member").check()
        page.get_by_role("button", name="Add person").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nina Vogt")
        page.get_by_label("View the audit log").check()
        page.get_by_role("button", name="Save permissions").click()
        expect(page.get_by_text("Saved. The change applies at once.")).to_be_visible()
        expect(page.get_by_label("View the audit log")).to_be_checked()

        nina.open("/projects")
        nina.page.get_by_label("E-mail").fill("nina@northwind.example")
        nina.page.get_by_role("button", name="Continue").click()
        nina.page.get_by_role("button", name="Mail me a sign-in link").click()
        expect(nina.page.get_by_role("heading", name="Check your mail")).to_be_visible()
        nina.open(portal.until(lambda: mailed(portal, "nina@northwind.example", "/sign-in/link")))
        nina.page.get_by_role("button", name="Sign in").click()
        expect(nina.page).to_have_url(re.compile(r"/projects$"))
        assert {"Clients", "Failed sign-ins"} <= set(places(nina.page))
        assert "People" not in places(nina.page)
        expect(nina.page.get_by_role("link", name="New project")).to_be_visible()
        nina.open("/projects?q=website")  # other tests' projects fill more than one page
        expect(nina.page.get_by_text("Website relaunch").first).to_be_visible()
        nina.open("/failed-sign-ins")
        expect(nina.page.get_by_role("heading", level=1)).to_have_text("Failed sign-ins")

        before = session_of(nina.page)
        page.reload()  # without the word about what was saved before
        page.get_by_label("Only the projects selected here").check()
        offered(page, "Investor report").check()
        page.get_by_role("button", name="Save project access").click()
        expect(page.get_by_text("Saved. The change applies at once.")).to_be_visible()
        nina.open("/projects")
        expect(nina.page.get_by_text("Investor report").first).to_be_visible()
        expect(nina.page.get_by_text("Website relaunch")).to_have_count(0)
        expect(nina.page.get_by_role("link", name="New project")).to_have_count(0)
        assert "Failed sign-ins" not in places(nina.page)
        assert session_of(nina.page) != before
        nina.open("/clients")
        expect(nina.page.get_by_role("rowheader")).to_have_count(1)
        expect(nina.page.get_by_text("Birch Ltd").first).to_be_visible()
        assert nina.complaints == clara.complaints == []

        page.get_by_role("link", name="Deactivate").click()
        page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
        expect(page.get_by_text("Nina Vogt is signed out")).to_be_visible()
        nina.open("/projects")
        expect(nina.page).to_have_url(re.compile(r"/sign-in"))


def test_a_primary_contact_invites_a_colleague(portal: Portal, sit: Sit) -> None:
    with sit("approver") as anna, sit("anonymous") as paul:
        page = anna.page
        anna.open("/team")
        page.get_by_role("link", name="Invite a colleague").click()
        for label, typed in (("First name", "Paul"), ("Last name", "Ebert"), ("E-mail", "paul@acme.example")):
            page.get_by_label(label, exact=True).fill(typed)
        offered(page, "Website relaunch").select_option("Viewer")
        page.get_by_role("button", name="Send invitation").click()
        expect(page.get_by_text("An invitation is on its way")).to_be_visible()
        row = page.get_by_role("row", name="Paul Ebert")
        expect(row.get_by_text("Invited")).to_be_visible()

        paul.open(portal.until(lambda: mailed(portal, "paul@acme.example", "/invitation")))
        paul.page.get_by_role("button", name="Accept and sign in").click()
        expect(paul.page.get_by_role("navigation", name="Main")).to_be_visible()
        paul.open("/projects")
        expect(paul.page.get_by_text("Website relaunch").first).to_be_visible()
        expect(paul.page.get_by_text("Dealer portal")).to_have_count(0)
        assert "Team" not in places(paul.page)
        assert paul.complaints == []

        anna.open("/team")
        expect(row.get_by_text("Active")).to_be_visible()
        row.get_by_role("link", name="Roles").click()
        offered(page, "Dealer portal").select_option("Feedback only")
        offered(page, "Website relaunch").select_option("No role")
        page.get_by_role("button", name="Save roles").click()
        expect(page.get_by_text("Project roles saved")).to_be_visible()
        paul.open("/projects")
        expect(paul.page.get_by_text("Website relaunch")).to_have_count(0)

        page.get_by_role("row", name="Paul Ebert").get_by_role("link", name="Remove Paul Ebert").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove access").click()
        expect(page.get_by_text("Paul Ebert has no access any more")).to_be_visible()
        with suppress(Error):  # the page that is open may just be leaving by itself
            paul.open("/projects")
        expect(paul.page).to_have_url(re.compile(r"/sign-in"))
        assert anna.complaints == []


def test_the_last_administrator_is_told_why_not(portal: Portal, sit: Sit) -> None:
    admin = portal.me("admin")["id"]
    with sit("admin") as clara:
        clara.open(f"/people/{admin}")
        clara.page.get_by_role("button", name="Member").click()
        expect(clara.page.get_by_role("alert")).to_contain_text("Nobody else has the permission")
        clara.open("/people")
        expect(clara.page.get_by_role("row", name="Clara Hoffmann").get_by_text("Administrator")).to_be_visible()
    assert "managePeople" in portal.as_("admin").get(f"{API}/auth/me").json()["policies"]
