"""The second factor: on the way in, set up of one's own will or because it is a must, and looked after."""

import re

import pytest

from tests.portal.access import CODE, CODES, FLOW, RECOVERY, SECRET, URI
from tests.portal.people import ANNA, CLARA
from tests.portal.standin import PASSWORD

HOME = "/security/two-factor"
ROTATED = "portal_session=rotated"
"""Whoever does not hand this cookie on signs its owner out as well."""
FULL_WIDTH = {each: each + 0xFEE0 for each in (*range(0x30, 0x3A), *range(0x41, 0x5B))}
SIGN_IN = {"email": "approver@acme.example", "password": PASSWORD, "next": "/projects?status=delayed"}


@pytest.fixture
def halfway(browse):
    """A browser in which the first proof is given."""
    browser = browse()
    browser.cookies.set("portal_pending", FLOW)
    browser.cookies.set("portal_next", "/activity")
    return browser


@pytest.mark.parametrize(
    ("step", "leads_to"), [("second_factor", "/sign-in/second-factor"), ("enrol", "/sign-in/enrol")]
)
async def test_a_password_may_not_be_all(browse, standin, step, leads_to):
    standin.state["next"] = step
    answer = await browse().post("/sign-in/password", data=SIGN_IN)
    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    cookies = answer.headers.get_list("Set-Cookie")
    assert any(each.startswith(f"portal_pending={FLOW}") and "HttpOnly" in each for each in cookies)
    assert any(each.startswith("portal_next=") and "/projects?status=delayed" in each for each in cookies)
    assert not any(each.startswith("portal_session=") for each in cookies)


@pytest.mark.parametrize("path", ["/sign-in/second-factor", "/sign-in/enrol"])
async def test_a_step_without_its_first_proof_starts_again(browse, path):
    answer = await browse().get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


async def test_the_code_field_is_made_for_codes(halfway):
    page = (await halfway.get("/sign-in/second-factor")).text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert "recovery=1" in page


@pytest.mark.parametrize("typed", [CODE, "246 810", " 246-810 "])
async def test_the_code_leads_on_however_it_is_pasted(halfway, standin, typed):
    answer = await halfway.post("/sign-in/second-factor", data={"code": typed})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/activity")
    assert standin.calls[-1].body == {"code": CODE}
    cookies = answer.headers.get_list("Set-Cookie")
    assert any(each.startswith("portal_session=") for each in cookies)
    assert any(each.startswith("portal_next=") and "Max-Age=0" in each for each in cookies)


async def test_a_recovery_code_does_as_well(halfway, standin):
    page = (await halfway.get("/sign-in/second-factor", params={"recovery": "1"})).text
    assert 'name="recovery_code"' in page
    assert 'name="code"' not in page


@pytest.mark.parametrize(
    "around",
    [
        " {} ",
        "\u201c{}\u201d\r\n",
        "1. {}",
        "\u2022 2) {}",
        "\u200b{}\ufeff",
        "\u00a0{}\t",
    ],
)
@pytest.mark.parametrize("dash", ["-", "\u2011", "\u2013", " ", "\u00a0", "\u00ad", ""])
async def test_a_recovery_code_is_taken_as_it_is_pasted(halfway, standin, browse, around, dash):
    groups = [RECOVERY[at : at + 4] for at in range(0, len(RECOVERY), 4)]
    for typed in (around.format(dash.join(groups)), around.format(dash.join(groups).upper()).translate(FULL_WIDTH)):
        answer = await halfway.post("/sign-in/second-factor", data={"recovery_code": typed})
        assert answer.headers.get("Location") == "/activity", ascii(typed)
        assert standin.calls[-1].body == {"recovery_code": RECOVERY}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"code": "000000"}, "This code is not right"),
        ({"code": ""}, "Enter the six digits"),
        ({"recovery_code": "wrong-one"}, "This recovery code is not right"),
        ({"recovery_code": ""}, "Enter one of your recovery codes"),
        ({}, "Enter the six digits"),
    ],
)
async def test_a_wrong_code_is_refused_calmly_beside_its_field(halfway, typed, words):
    page = await halfway.post("/sign-in/second-factor", data=typed)
    assert page.status_code == 422
    assert words in page.text
    assert 'aria-invalid="true"' in page.text
    assert "000000" not in page.text


async def test_too_many_codes_say_how_long_to_wait(halfway, standin):
    standin.refuse("/auth/second-factor", 429, headers={"Retry-After": "290"})
    page = await halfway.post("/sign-in/second-factor", data={"code": "1"})
    assert "Please wait 5 minutes" in page.text


async def test_enrolment_on_the_way_in_says_why_and_ends_signed_in_with_codes(halfway, standin):
    assert "has to be protected by a second proof" in (await halfway.get("/sign-in/enrol")).text
    assert standin.calls == []
    setup = (await halfway.post("/sign-in/enrol/begin")).text
    assert "JBSW Y3DP EHPK 3PXP" in setup
    done = await halfway.post("/sign-in/enrol", data={"uri": URI, "code": CODE})
    assert done.status_code == 200
    assert all(code in done.text for code in CODES)
    assert 'href="/activity"' in done.text
    assert any(each.startswith("portal_session=") for each in done.headers.get_list("Set-Cookie"))


@pytest.mark.parametrize("recorded", [True, False])
async def test_who_is_recorded_from_now_on_is_told_there(halfway, standin, recorded):
    standin.state["recorded"] = recorded
    done = await halfway.post("/sign-in/enrol", data={"uri": URI, "code": CODE})
    assert ("Your visit is recorded for compliance." in done.text) is recorded


async def test_a_slip_while_setting_up_does_not_lose_the_secret(halfway, browse):
    first = (await halfway.post("/sign-in/enrol/begin")).text
    again = await halfway.post("/sign-in/enrol", data={"uri": URI, "code": "111111"})
    assert again.status_code == 422
    assert "This code is not right" in again.text
    assert picture(again.text) == picture(first)
    own = await browse(ANNA).post(f"{HOME}/confirm", data={"uri": URI, "code": "111111"})
    assert own.status_code == 422
    assert picture(own.text) == picture(first)


def picture(page: str) -> str:
    found = re.search(r"<svg[^>]* class=\"qr\".*?</svg>", page, re.DOTALL)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/sign-in/enrol/begin", {}),
        ("/sign-in/second-factor", {"code": CODE}),
        ("/sign-in/second-factor", {"recovery_code": RECOVERY}),
        ("/sign-in/enrol", {"uri": URI, "code": CODE}),
    ],
)
async def test_a_sign_in_that_waits_no_longer_starts_again_and_calls_no_code_wrong(browse, path, typed):
    browser = browse()
    browser.cookies.set("portal_pending", "flow-0")
    answer = await browser.post(path, data=typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "Start again; no code was used up." in (await browser.get("/sign-in")).text


@pytest.mark.parametrize(
    "uri", ["", "https://evil.example", "otpauth://totp/x", "otpauth://totp/x?secret=" + "A" * 700]
)
async def test_a_set_up_we_did_not_make_is_not_shown(halfway, browse, uri):
    assert (await halfway.post("/sign-in/enrol", data={"uri": uri, "code": CODE})).headers[
        "Location"
    ] == "/sign-in/enrol"
    answer = await browse(ANNA).post(f"{HOME}/confirm", data={"uri": uri, "code": CODE})
    assert answer.headers["Location"] == HOME


async def test_the_picture_needs_no_inline_style_and_holds_the_address(browse):
    page = (await browse(ANNA).post(f"{HOME}/enrol")).text
    drawn = picture(page)
    assert "style" not in drawn
    assert SECRET in page
    assert 'role="img" aria-label="Picture for the camera' in page


async def test_turning_it_on_ends_with_codes_shown_once(browse, standin):
    browser = browse(ANNA)
    assert "Set it up" in (await browser.get(HOME)).text
    done = await browser.post(f"{HOME}/confirm", data={"uri": URI, "code": "246 810"})
    assert done.status_code == 200
    assert ROTATED in done.headers["Set-Cookie"]
    assert all(done.text.count(f"<code>{code}</code>") == 1 for code in CODES)
    page = (await browser.get(HOME)).text
    assert "10 of 10" in page
    assert CODES[0] not in page


async def test_codes_are_downloaded_as_plain_text(browse):
    data = {"codes": " ".join(CODES) + " <script>alert(1)</script>"}
    answer = await browse(ANNA).post(f"{HOME}/recovery-codes/file", data=data)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert [line for line in answer.text.split("\r\n") if line in CODES] == CODES
    assert "script" not in answer.text


async def test_new_codes_are_asked_about_first(browse, standin):
    standin.enrolled(left=2)
    browser = browse(ANNA)
    assert "Only 2 recovery codes are left" in (await browser.get(HOME)).text
    assert "stop working" in (await browser.get(f"{HOME}/recovery-codes")).text
    assert standin.written == []
    made = await browser.post(f"{HOME}/recovery-codes")
    assert CODES[9] in made.text
    assert ROTATED in made.headers["Set-Cookie"]


async def test_it_is_turned_off_unless_it_is_required(browse, standin):
    standin.enrolled()
    browser = browse(ANNA)
    assert f'href="{HOME}/off"' in (await browser.get(HOME)).text
    assert "could then sign in as you" in (await browser.get(f"{HOME}/off")).text
    answer = await browser.post(f"{HOME}/off")
    assert (answer.headers["Location"], ROTATED in str(answer.headers.get_list("Set-Cookie"))) == (HOME, True)
    page = (await browser.get(HOME)).text
    assert "Set it up" in page
    assert "Every other browser is signed out." in page


async def test_a_required_one_cannot_be_turned_off(browse, standin):
    standin.enrolled(required=True)
    browser = browse(CLARA)
    page = (await browser.get(HOME)).text
    assert f'href="{HOME}/off"' not in page
    assert "Northwind Studio asks for it" in page
    await browser.post(f"{HOME}/off")
    assert "Your company asks for a second factor." in (await browser.get(HOME)).text


@pytest.mark.parametrize("path", ["/sign-in/second-factor", "/sign-in/enrol/begin", "/sign-in/enrol"])
async def test_a_page_of_an_earlier_sign_in_uses_nothing_of_the_newer(browse, standin, path):
    """Two tabs of a browser: the second sign-in takes the place of the first."""
    browser = browse()
    browser.cookies.set("portal_pending", "flow-0")
    page = (await browser.get("/sign-in/enrol" if "enrol" in path else path)).text
    step = re.search(r'name="step" value="(\w+)"', page)[1]
    browser.cookies.set("portal_pending", FLOW)
    before = len(standin.calls)
    answer = await browser.post(path, data={"step": step, "code": CODE})
    assert (answer.status_code, "in another tab of this browser" in answer.text) == (409, True)
    assert len(standin.calls) == before
