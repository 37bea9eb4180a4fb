"""Links of mails, and one's own password and address, as forms that need no JavaScript."""

from hashlib import sha256

import pytest

from tests.portal.accounts import ACCEPTED, INVITED, TOKEN
from tests.portal.people import ANNA, CLARA

GOOD = "three quiet herons"
PASSKEY = "/security/passkeys/new"
LINKS = {
    "/reset-password": {"password": GOOD},
    "/verify-email": {},
    "/confirm-email": {},
    "/invitation": {"first_name": "Mara", "last_name": "Voss"},
}


def kept(browser, answer):
    """A browser with the cookies of the page it opened."""
    for header in answer.headers.get_list("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        browser.cookies.set(name, value.strip('"'))
    return browser


async def opened(browse, path, token=TOKEN):
    browser = browse()
    return kept(browser, await browser.get(path, params={"token": token}))


@pytest.mark.parametrize("path", LINKS)
async def test_opening_a_link_only_looks(browse, standin, path):
    page = await browse().get(path, params={"token": TOKEN})
    assert page.status_code == 200
    assert f'name="token" value="{TOKEN}"' in page.text
    assert {call.path for call in standin.calls} <= {"/auth/invitation", "/auth/mailed-link"}


@pytest.mark.parametrize("path", ["/reset-password", "/verify-email", "/confirm-email", "/invitation"])
async def test_a_link_that_lost_its_end_says_so(browse, path):
    page = await browse().get(path)
    assert page.status_code == 410
    assert "This link cannot be used" in page.text


async def test_an_invitation_that_is_good_elsewhere_says_so_before_anything_is_typed(browse, standin):
    standin.state["invitation"] = {"elsewhere": True}
    page = await browse().get("/invitation", params={"token": TOKEN})
    assert page.status_code == 403
    assert "Your invitation is valid" in page.text
    assert 'name="token"' not in page.text


@pytest.mark.parametrize("path", LINKS)
async def test_a_scanner_that_sends_the_form_without_the_cookie_gets_nowhere(browse, standin, path):
    page = await browse().post(path, data={"token": TOKEN, **LINKS[path]})
    assert page.status_code == 422
    assert "Press the button once more" in page.text
    assert not any(cookie.startswith("portal_session") for cookie in page.headers.get_list("Set-Cookie"))
    assert {call.path for call in standin.calls} <= {"/auth/invitation", "/auth/mailed-link"}
    again = await kept(browse(), page).post(path, data={"token": TOKEN, **LINKS[path]})
    assert again.status_code in (200, 303)


@pytest.mark.parametrize("path", LINKS)
async def test_the_cookie_of_another_link_is_not_enough(browse, standin, path):
    browser = browse()
    browser.cookies.set("portal_opened", sha256(b"opened:another").hexdigest())
    assert (await browser.post(path, data={"token": TOKEN, **LINKS[path]})).status_code == 422


@pytest.mark.parametrize("path", LINKS)
async def test_a_link_that_is_no_good_has_one_answer_also_before_anything_is_typed(browse, path):
    page = await browse().get(path, params={"token": "stale"})
    assert page.status_code == 410
    assert "This link cannot be used" in page.text
    assert 'name="token"' not in page.text
    browser = browse()
    browser.cookies.set("portal_opened", sha256(b"opened:stale").hexdigest())
    page = await browser.post(path, data={"token": "stale", **LINKS[path]})
    assert page.status_code == 410
    assert "This link cannot be used" in page.text
    assert "stale" not in page.text


@pytest.mark.parametrize("path", ["/reset-password", "/verify-email", "/confirm-email"])
async def test_a_link_says_whose_account_it_is_about_also_after_a_mistake(browse, path):
    page = await browse().get(path, params={"token": TOKEN})
    again = await browse().post(path, data={"token": TOKEN})
    assert [INVITED in each.text for each in (page, again)] == [True, True]
    assert again.status_code == 422


async def test_an_invitation_that_was_accepted_leads_to_the_sign_in_page(browse):
    opened = await browse().get("/invitation", params={"token": ACCEPTED})
    browser = browse()
    browser.cookies.set("portal_opened", sha256(f"opened:{ACCEPTED}".encode()).hexdigest())
    sent = await browser.post("/invitation", data={"token": ACCEPTED, "first_name": "Mara", "last_name": "Voss"})
    for page in (opened, sent):
        assert (page.status_code, "You accepted this invitation" in page.text) == (410, True)
        assert 'class="btn btn-primary btn-wide" href="/sign-in"' in page.text
        assert INVITED not in page.text
    signed_in = (await browse(ANNA).get("/invitation", params={"token": ACCEPTED})).text
    assert "You are signed in in this browser as Anna Keller." in signed_in


async def test_an_invitation_shows_who_is_meant_and_lets_in(browse, standin):
    browser = browse()
    page = await browser.get("/invitation", params={"token": TOKEN})
    for words in (
        "Welcome to Northwind Studio",
        "the portal for <bdi>Acme GmbH</bdi>",
        "<bdi>Lena Fuchs</bdi> invites you to",
        '<li><bdi>Relaunch</bdi> <span class="small faint">Viewer</span></li>',
        "and 2 more",
        INVITED,
        'value="Mara"',
        'name="password"',
    ):
        assert words in page.text
    data = {"token": TOKEN, "first_name": "Maria", "last_name": "Voss", "password": GOOD}
    answer = await kept(browser, page).post("/invitation", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert standin.calls[-1].body == data
    assert any(cookie.startswith("portal_session=") for cookie in answer.headers.get_list("Set-Cookie"))


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        ({}, "You have no role in a project yet. Your first page says whom to ask for one."),
        ({"every_project": True}, "As a primary contact you can open every project of <bdi>Acme GmbH</bdi>."),
        ({"more": 1}, "1 project"),
    ],
)
async def test_an_invitation_says_what_will_be_there(browse, standin, ahead, said):
    standin.state["invitation"] |= {"ahead": ahead, "invited_by": ""}
    page = (await browse().get("/invitation", params={"token": TOKEN})).text
    assert said in page
    assert "You are invited to the portal" in page
    assert ("no role" in page) == (not ahead)


async def test_another_persons_session_is_ended_only_after_it_was_said(browse, standin):
    browser = browse(CLARA)
    data = {"token": TOKEN, "first_name": "Mara", "last_name": "Voss"}
    page = await browser.get("/invitation", params={"token": TOKEN})
    kept(browser, page)
    asked = await browser.post("/invitation", data=data)  # opened before Clara signed in: nobody was asked yet
    assert asked.status_code == 200
    for shown in (page, asked):
        assert "Clara Hoffmann is signed in here. Accepting signs them out in this browser." in shown.text
    assert "/auth/register" not in [call.path for call in standin.calls]
    answer = await browser.post("/invitation", data=data | {"replace": str(CLARA.id)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "is signed in here" not in (await browse().get("/invitation", params={"token": TOKEN})).text


async def test_where_nobody_has_a_password_none_is_asked_for(browse, standin):
    standin.state["invitation"] |= {"sign_in_methods": ["passkey"], "client_name": None}
    browser = await opened(browse, "/invitation")
    page = await browser.get("/invitation", params={"token": TOKEN})
    assert 'name="password"' not in page.text
    assert "invites you to the portal." in page.text
    assert "You sign in with a passkey" in page.text
    answer = await browser.post("/invitation", data={"token": TOKEN, "first_name": "Mara", "next": PASSKEY})
    assert answer.headers["Location"] == PASSKEY  # or there would be no way back in


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (["magic_link", "password", "passkey"], "Without one you sign in by a mailed link."),
        (["password", "sso"], "Without one you sign in with your organisation"),
        (["password", "passkey"], "Without one you add a passkey next"),
        (["password"], "At least 12 characters.<"),
    ],
)
async def test_an_invitation_says_what_becomes_of_who_leaves_the_password_out(browse, standin, methods, words):
    standin.state["invitation"] |= {"sign_in_methods": methods, "password_needed": methods == ["password"]}
    page = (await browse().get("/invitation", params={"token": TOKEN})).text
    assert words in page
    assert page.count("Without one") == (methods != ["password"])
    assert (f'name="next" value="{PASSKEY}"' in page) is (methods == ["password", "passkey"])


async def test_an_acceptance_that_is_wrong_keeps_what_was_typed(browse, standin):
    browser = await opened(browse, "/invitation")
    page = await browser.post(
        "/invitation", data={"token": TOKEN, "first_name": "", "last_name": "", "password": "short"}
    )
    assert page.status_code == 422
    for words in ("Give a first or a last name.", "Use at least 12 characters"):
        assert words in page.text
    assert 'value="short"' not in page.text


async def test_asking_for_access_says_the_same_to_everybody(browse, standin):
    data = {"email": "who@ever.example", "first_name": "Who", "last_name": "Ever"}
    page = await browse().post("/register", data=data)
    assert "on its way to who@ever.example" in page.text
    assert standin.calls[-1].body == data
    assert "Give a first or a last name." in (await browse().post("/register", data={"email": "who@ever.example"})).text


async def test_forgetting_a_password(browse, standin):
    assert 'name="email"' in (await browse().get("/forgot-password")).text
    page = await browse().post("/forgot-password", data={"email": "who@ever.example"})
    assert (page.status_code, "Check your mail" in page.text) == (200, True)
    assert (await browse().post("/forgot-password", data={})).status_code == 422
    standin.refuse("/auth/forgot-password", 429, headers={"Retry-After": "840"})
    assert "wait 14 minutes" in (await browse().post("/forgot-password", data={"email": "who@ever.example"})).text


async def test_choosing_a_new_password(browse, standin):
    browser = await opened(browse, "/reset-password")
    for bad, words in (("short", "Use at least 12"), ("password1234", "too easy to guess")):
        page = await browser.post("/reset-password", data={"token": TOKEN, "password": bad})
        assert (page.status_code, words in page.text, bad in page.text) == (422, True, False)
    answer = await browser.post("/reset-password", data={"token": TOKEN, "password": f" {GOOD}"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert standin.calls[-1].body == {"token": TOKEN, "password": f" {GOOD}"}


async def test_confirming_a_change_of_address(browse, standin):
    browser = await opened(browse, "/confirm-email")
    assert "your current address" in (await browser.post("/confirm-email", data={"token": TOKEN})).text
    standin.state["waiting_for"] = None
    assert "Your address has changed" in (await browser.post("/confirm-email", data={"token": TOKEN})).text


async def test_changing_ones_password(browse, standin):
    browser = browse(ANNA)
    assert 'name="current"' in (await browser.get("/security/password")).text
    wrong = await browser.post("/security/password", data={"current": "not it", "password": GOOD})
    assert (wrong.status_code, "not your current password" in wrong.text) == (422, True)
    answer = await browser.post("/security/password", data={"current": "my present words", "password": GOOD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/security")
    assert any(cookie.startswith("portal_session=renewed") for cookie in answer.headers.get_list("Set-Cookie"))


async def test_a_first_password_is_set_and_none_where_none_is_accepted(browse, standin):
    standin.state |= {"has": ["magic_link"], "fresh": False}
    assert "/prove-it" in (await browse(ANNA).get("/security/password")).headers["Location"]
    standin.state["fresh"] = True
    page = (await browse(ANNA).get("/security/password")).text
    assert "Set a password" in page
    assert 'name="current"' not in page
    standin.state |= {"accepted": ["magic_link"], "fresh": False}
    answer = await browse(ANNA).get("/security/password")
    assert answer.headers["Location"] == "/security"  # and nobody proves anything for nothing


async def test_changing_ones_address(browse, standin):
    browser = browse(ANNA)
    assert "You sign in with approver@acme.example" in (await browser.get("/security/email")).text
    page = await browser.post("/security/email", data={"email": "neu@acme.example"})
    assert "Two mails are on their way" in page.text
    assert (await browser.post("/security/email", data={})).status_code == 422


@pytest.mark.parametrize("path", ["/security/email", "/security/password"])
async def test_only_who_is_signed_in_changes_anything(browse, path):
    answer = await browse().get(path)
    assert (answer.status_code, answer.headers["Location"].startswith("/sign-in")) == (303, True)
