"""One's own profile: name and sessions."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.office import CURRENT, LAPTOP, PHONE
from tests.portal.people import ANNA, CLARA, MIA, NOBODY
from tests.portal.standin import uid

FRAGMENT = {"HX-Request": "true"}
OTHERS = "/profile/sessions/others/end"


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def end(session: str) -> str:
    return f"/profile/sessions/{session}/end"


@pytest.mark.parametrize("person", [ANNA, MIA, CLARA], ids=["approver", "feedback", "staff"])
async def test_everybody_has_a_profile(browse, person):
    page = (await browse(person).get("/profile")).text
    assert 'value="Anna"' in page
    assert "approver@acme.example" in page


async def test_each_session_says_where_it_is_and_only_others_can_be_ended(browse):
    page = (await browse(ANNA).get("/profile")).text
    for words in (
        "Firefox 131 on Windows 11",
        "This browser",
        "203.0.113.9",
        "Chrome 130 on Android 15",
        "2001:db8::42",
    ):
        assert words in page
    assert end(LAPTOP) in page
    assert end(PHONE) in page
    assert end(CURRENT) not in page


async def test_a_device_that_says_little_is_still_listed(browse, standin):
    standin.state["sessions"][1] |= {"browser": "", "platform": "", "device": "toaster"}
    assert "Unknown browser" in (await browse(ANNA).get("/profile")).text


async def test_the_name_is_saved_and_only_what_changed(browse, standin):
    browser = browse(ANNA)
    opened = hidden((await browser.get("/profile")).text)
    answer = await browser.post("/profile", data={**opened, "first_name": "Ann", "last_name": "Keller"})
    assert answer.headers["location"] == "/profile"
    assert standin.written == [("PATCH", "/people/me", {"first_name": "Ann"})]
    page = (await browser.get("/profile")).text
    assert "Your name is saved" in page
    assert 'value="Ann"' in page


async def test_a_name_that_is_missing_or_refused_stays_on_the_form(browse, standin):
    browser = browse(ANNA)
    page = await browser.post("/profile", data={"first_name": "", "last_name": "<i>Keller"})
    assert page.status_code == 422
    assert "Enter your first name." in page.text
    assert 'value="&lt;i&gt;Keller"' in page.text
    standin.say("/people/me", 403, "forbidden", "You are viewing as the client: nothing can be changed here.")
    page = await browser.post("/profile", data={"first_name": "Ann", "last_name": "Keller"})
    assert page.status_code == 403
    assert "nothing can be changed here" in page.text
    assert 'value="Ann"' in page.text


async def test_ending_a_session_asks_first_on_a_page_or_in_a_dialog(browse, standin):
    browser = browse(ANNA)
    page = (await browser.get(end(LAPTOP))).text
    dialog = (await browser.get(end(LAPTOP), headers=FRAGMENT)).text
    for shown in (page, dialog):
        assert "Sign out Safari 18 on macOS 15?" in shown
        assert f'action="{end(LAPTOP)}" method="post"' in shown
    assert "<html" in page
    assert "<html" not in dialog
    assert standin.written == []


async def test_a_session_is_ended_once(browse, standin):
    browser = browse(ANNA)
    answer = await browser.post(end(LAPTOP))
    assert answer.headers["location"] == "/profile"
    assert standin.written == [("DELETE", f"/sessions/{LAPTOP}", None)]
    page = (await browser.get("/profile")).text
    assert "That browser is signed out" in page
    assert "Safari" not in page
    await browser.post(end(LAPTOP))
    assert "It was signed out already" in (await browser.get("/profile")).text


@pytest.mark.parametrize("session", [uid(999), "nonsense"])
async def test_a_session_that_is_not_ones_own_is_not_there(browse, session):
    assert (await browse(ANNA).get(end(session))).status_code == 404


async def test_all_other_sessions_are_ended_together(browse, standin):
    browser = browse(ANNA)
    assert "Sign out everywhere else?" in (await browser.get(OTHERS)).text
    assert (await browser.post(OTHERS)).headers["location"] == "/profile"
    page = (await browser.get("/profile")).text
    assert "2 other browsers are signed out" in page
    assert OTHERS not in page
    await browser.post(OTHERS)
    assert "There was no other browser" in (await browser.get("/profile")).text


async def test_without_the_sessions_the_name_can_still_be_changed(browse, standin):
    standin.refuse("/sessions", 500)
    page = await browse(ANNA).get("/profile")
    assert page.status_code == 200
    assert "Your sessions could not be loaded" in page.text
    assert 'value="Anna"' in page.text


async def test_who_is_signed_out_goes_to_sign_in(browse, standin):
    assert (await browse(NOBODY).get("/profile")).headers["location"] == "/sign-in?next=%2Fprofile"
    standin.refuse("/sessions", 401)
    assert (await browse(replace(ANNA)).get("/profile")).headers["location"] == "/sign-in?next=%2Fprofile"
