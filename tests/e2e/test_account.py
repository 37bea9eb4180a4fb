"""Coming in for the first time, and a forgotten password, in a real browser: every step begins in the mailbox."""

import re
import time

from playwright.sync_api import expect

from tests.e2e.conftest import Sit, sign_in
from tests.e2e.test_contacts import make_client
from tests.e2e.test_story import make_person
from tests.portal_stack import PASSWORD, PEOPLE, Portal

API = "/api/client-portal"
NEW = "three quiet herons"


def link_to(portal: Portal, email: str, page: str) -> str:
    """The link of the newest mail to somebody that leads to this page."""
    return mailed(portal, email, rf"(/{page}\?token=[A-Za-z0-9_-]{{43}})")


def mailed(portal: Portal, email: str, link: str) -> str:
    """What the newest mail to somebody has of this kind."""

    def look() -> str:
        http = portal.client()
        mailbox = http.get(portal.run.mailbox, follow_redirects=True).text
        for name in re.findall(r'href="/mailbox/([0-9-]+)"', mailbox):
            mail = http.get(f"/mailbox/{name}").text
            found = re.search(link, mail)
            if email in mail and found:
                return found[1]
        return ""

    return portal.until(look)


def test_who_signs_in_arrives_at_the_place_that_a_link_names(portal: Portal, sit: Sit) -> None:
    with sit("anonymous") as seat:
        seat.open("/settings#notifications")
        expect(seat.page).to_have_url(re.compile("/sign-in"))
        seat.page.get_by_label("E-mail").fill(PEOPLE["viewer"])
        seat.page.get_by_role("button", name="Continue").click()
        seat.page.get_by_label("Password").fill(PASSWORD)
        seat.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(seat.page).to_have_url(f"{portal.gateway}/settings#notifications")


def test_the_invited_say_their_name_and_are_in(portal: Portal, sit: Sit) -> None:
    client = make_client(portal, "agate@quarry.example")
    staff = portal.as_("admin")
    (contact,) = staff.get(f"{API}/clients/{client['id']}/contacts").json()["items"]
    answer = staff.post(f"{API}/contacts/{contact['id']}/portal-access/enable")
    assert answer.status_code == 200, answer.text
    link = link_to(portal, contact["email"], "invitation")
    for _ in range(20):
        assert portal.client().get(link, headers={"User-Agent": "SafeLinks scanner"}).status_code == 200
    with sit("anonymous", narrow=True) as seat:
        seat.open(link)
        expect(seat.page.get_by_role("heading", level=1)).to_contain_text("Welcome to")
        expect(seat.page.get_by_label("First name")).to_have_value("Rosa")
        seat.page.get_by_label("First name").fill("Rosalie")
        seat.page.get_by_role("button", name="Accept and sign in").click()
        seat.page.wait_for_url("**/")
        seat.open("/profile")
        expect(seat.page.get_by_label("First name")).to_have_value("Rosalie")
        assert seat.complaints == []
    with sit("anonymous") as seat:
        seat.page.goto(link)
        expect(seat.page.get_by_role("heading", level=1)).to_have_text("Accepted already")


def test_who_forgot_the_password_chooses_another(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Runa", "Falk")
    with sit("anonymous") as seat:
        page = seat.page
        seat.open("/forgot-password")
        page.get_by_label("E-mail").fill(email)
        page.get_by_role("button", name="Mail me a link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
        seat.open(link_to(portal, email, "reset-password"))
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Save the password").click()
        page.wait_for_url("**/sign-in")
        sign_in(page, email, NEW)
        assert seat.complaints == []


def test_a_form_whose_session_ended_waits_while_its_person_signs_in(portal: Portal, sit: Sit) -> None:
    email = make_person(portal, "birch", "Edda", "Voss")
    with sit(email) as edda:
        edda.open("/team/new")
        edda.page.get_by_label("E-mail").fill("jo.reed@birch.example")
        edda.page.get_by_label("First name").fill("Jo")
        edda.page.get_by_label("Last name").fill("Reed")
        ended = portal.sign_in(email).post(f"{API}/sessions/revoke-others")
        assert ended.status_code == 200, ended.text
        edda.page.locator("main form").get_by_role("button").last.click()
        expect(edda.page.get_by_text("what you typed is kept")).to_be_visible()
        edda.page.get_by_label("E-mail").fill(email)
        edda.page.get_by_role("button", name="Continue").click()
        edda.page.get_by_label("Password").fill(PASSWORD)
        edda.page.get_by_role("button", name="Sign in", exact=True).click()
        edda.page.get_by_role("button", name="Send it now").click()
        expect(edda.page.get_by_text("Jo Reed").first).to_be_visible()


def test_a_tab_of_one_person_changes_nothing_of_another_who_signed_in_since(portal: Portal, sit: Sit) -> None:
    one, other = make_person(portal, "birch", "Ilse", "Brandt"), make_person(portal, "birch", "Ove", "Lund")
    with sit(one) as ilse:
        ilse.open("/profile")
        ilse.page.get_by_label("Job title").fill("Harbour master")
        tab = ilse.context.new_page()
        tab.goto("/profile")
        tab.get_by_text("Your account").locator("..").click()
        tab.get_by_role("button", name="Log out").click()
        sign_in(tab, other)
        # While the form is on its way the page hears that its session is over.
        ilse.page.route("**/profile", lambda route: (time.sleep(2), route.continue_()))
        asked = "htmx.ajax('GET', `/widgets/session?person=${document.body.dataset.person}`, {target: '[data-toasts]', swap: 'none'})"
        ilse.page.evaluate(f"() => void setTimeout(() => {asked}, 500)")
        ilse.page.get_by_role("button", name="Save").first.click()
        expect(ilse.page.get_by_role("heading", level=1)).to_have_text("This belongs to another account")
        tab.goto("/profile")
        expect(tab.get_by_label("Job title")).to_have_value("")
