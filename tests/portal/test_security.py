"""Looking after one's own access: how one gets in, and where one is signed in."""

import pytest

from tests.portal.access import CURRENT, LAPTOP, PHONE
from tests.portal.people import ANNA, CLARA, MIA, NOBODY
from tests.portal.standin import ago, uid

FRAGMENT = {"HX-Request": "true"}
OTHERS = "/security/sessions/others/end"


def end(session: str) -> str:
    return f"/security/sessions/{session}/end"


@pytest.mark.parametrize("person", [ANNA, MIA, CLARA], ids=["approver", "feedback", "staff"])
async def test_everybody_sees_how_they_get_in(browse, person):
    page = (await browse(person).get("/security")).text
    for path in ("email", "password", "passkeys", "two-factor"):
        assert f'href="/security/{path}"' in page
    assert "approver@acme.example" in page


@pytest.mark.parametrize("only", ["magic_link", "password", "passkey", "sso"])
async def test_only_what_lets_the_person_in_is_offered(browse, standin, only):
    standin.state |= {"accepted": [only], "has": ["magic_link"]}
    page = (await browse(ANNA).get("/security")).text
    offered = {"password": "/security/password", "passkey": "/security/passkeys"}
    assert [name for name, path in offered.items() if f'href="{path}"' in page] == [only] * (only in offered)
    assert ("We mail your sign-in links there." in page) is (only == "magic_link")
    assert ("Your organisation's sign-in" in page.replace("&#39;", "'")) is (only == "sso")
    assert "Not accepted" not in page
    assert "You sign in without it." in page if only in ("passkey", "sso") else "A code from your phone" in page


async def test_what_is_set_up_and_not_accepted_any_more_says_so_and_why(browse, standin):
    standin.state |= {"accepted": ["magic_link"], "has": ["magic_link", "password", "passkey"]}
    standin.state["passkeys"] = [{"id": uid(1), "name": "Phone", "created_at": ago(days=1)}]
    page = (await browse(ANNA).get("/security")).text
    assert page.count("Not accepted") == 2
    assert page.count("Acme GmbH accepts mailed links only.") == 2
    assert 'href="/security/password"' not in page
    assert 'href="/security/passkeys"' in page  # to remove it
    assert "signs you in without a password" not in page


async def test_what_is_set_up_is_counted(browse, standin):
    standin.enrolled(left=4)
    standin.state["passkeys"] = [{"id": uid(n), "name": "Phone", "created_at": ago(days=1)} for n in (1, 2)]
    page = (await browse(ANNA).get("/security")).text
    assert "4 of 10 recovery codes left" in page
    assert "2 passkeys" in page


async def test_a_missing_second_factor_that_is_required_stands_out(browse, standin):
    standin.state["two_factor"]["required"] = True
    assert "Off, but required" in (await browse(ANNA).get("/security")).text


@pytest.mark.parametrize("part", ["/sessions", "/passkeys", "/two-factor", "/auth/sign-in-methods"])
async def test_a_part_that_does_not_answer_leaves_the_others(browse, standin, part):
    standin.refuse(part, 500)
    page = await browse(ANNA).get("/security")
    assert page.status_code == 200
    assert "could not be loaded" in page.text
    assert "approver@acme.example" in page.text


async def test_each_session_says_where_it_is_and_only_others_can_be_ended(browse):
    page = (await browse(ANNA).get("/security")).text
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
    assert "Unknown browser" in (await browse(ANNA).get("/security")).text


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
    assert answer.headers["location"] == "/security"
    assert standin.written == [("DELETE", f"/sessions/{LAPTOP}", None)]
    page = (await browser.get("/security")).text
    assert "That browser is signed out" in page
    assert "Safari" not in page
    await browser.post(end(LAPTOP))
    assert "It was signed out already" in (await browser.get("/security")).text


@pytest.mark.parametrize("session", [uid(999), "nonsense"])
async def test_a_session_that_is_not_ones_own_is_not_there(browse, session):
    assert (await browse(ANNA).get(end(session))).status_code == 404


async def test_all_other_sessions_are_ended_together(browse, standin):
    browser = browse(ANNA)
    assert "Sign out everywhere else?" in (await browser.get(OTHERS)).text
    assert (await browser.post(OTHERS)).headers["location"] == "/security"
    page = (await browser.get("/security")).text
    assert "2 other browsers are signed out" in page
    assert OTHERS not in page
    await browser.post(OTHERS)
    assert "There was no other browser" in (await browser.get("/security")).text


async def test_who_is_signed_out_goes_to_sign_in(browse, standin):
    assert (await browse(NOBODY).get("/security")).headers["location"] == "/sign-in?next=%2Fsecurity"
    standin.refuse("/sessions", 401)
    assert (await browse(ANNA).get("/security")).headers["location"] == "/sign-in?next=%2Fsecurity"
