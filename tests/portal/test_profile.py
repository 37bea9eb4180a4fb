"""One's own profile: the name and details others see."""

import base64
import re

import pytest
from msgspec.structs import replace

from tests.portal.gallery import PIXEL
from tests.portal.people import ANNA, CLARA, MIA, NOBODY
from tests.portal.standin import uid

FULL = {"first_name": "Anna", "last_name": "Keller", "title": "", "phone": ""}


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


@pytest.mark.parametrize("person", [ANNA, MIA, CLARA], ids=["approver", "feedback", "staff"])
async def test_everybody_has_a_profile(browse, person):
    page = (await browse(person).get("/profile")).text
    assert 'value="Anna"' in page
    assert "approver@acme.example" in page


async def test_what_is_saved_is_only_what_changed(browse, standin):
    standin.state["me"] |= {"title": "Head of Sales", "phone": "+49 30 1"}
    browser = browse(ANNA)
    opened = hidden((await browser.get("/profile")).text)
    answer = await browser.post(
        "/profile", data={**opened, **FULL, "first_name": "Ann", "title": "", "phone": "+49 30 1"}
    )
    assert answer.headers["location"] == "/profile"
    assert standin.written == [("PATCH", "/people/me", {"first_name": "Ann", "title": ""})]
    page = (await browser.get("/profile")).text
    assert "Your details are saved" in page
    assert 'value="Ann"' in page


async def test_saving_nothing_asks_nothing(browse, standin):
    browser = browse(ANNA)
    opened = hidden((await browser.get("/profile")).text)
    assert (await browser.post("/profile", data={**opened, **FULL})).status_code == 303
    assert standin.written == []


async def test_a_name_that_is_missing_or_refused_stays_on_the_form(browse, standin):
    browser = browse(ANNA)
    page = await browser.post("/profile", data={**FULL, "first_name": "", "last_name": "", "title": "<i>Lead"})
    assert page.status_code == 422
    assert "Give a first or a last name." in page.text
    assert 'value="&lt;i&gt;Lead"' in page.text
    standin.say("/people/me", 403, "forbidden", "You are viewing as the client: nothing can be changed here.")
    page = await browser.post("/profile", data={**FULL, "first_name": "Ann"})
    assert page.status_code == 403
    assert "nothing can be changed here" in page.text
    assert 'value="Ann"' in page.text


async def test_a_field_that_is_refused_says_so_beside_it(browse, standin):
    errors = [{"field": "phone", "message": "Write the number with its country, such as +49 30 123456."}]
    standin.say("/people/me", 422, "invalid", "Not right.", errors=errors)
    page = await browse(ANNA).post("/profile", data={**FULL, "phone": "12"})
    assert page.status_code == 422
    assert 'id="error-phone"' in page.text
    assert 'value="12"' in page.text


async def test_who_is_signed_out_goes_to_sign_in(browse):
    assert (await browse(NOBODY).get("/profile")).headers["location"] == "/sign-in?next=%2Fprofile"


async def test_a_picture_is_sent_as_it_is_and_shown_from_then_on(browse, standin):
    browser = browse(ANNA)
    opened = hidden((await browser.get("/profile")).text)
    sent = {"data": {"opened_by": opened["opened_by"]}, "files": {"image": ("me.png", PIXEL, "image/png")}}
    answer = await browser.post("/profile/picture", **sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/profile")
    assert standin.written == [("PUT", "/people/me/picture", {"image": base64.b64encode(PIXEL).decode()})]
    standin.state["pictures"] = {standin.state["me"]["id"]: uid(500)}
    page = (await browser.get("/profile")).text
    assert f'src="/api/client-portal/people/pictures/{uid(500)}"' in page
    assert (await browser.post("/profile/picture/remove", data=opened)).status_code == 303
    assert standin.written[1:] == [("DELETE", "/people/me/picture", None)]


async def test_a_file_that_is_no_picture_or_none_at_all_says_so_at_its_field(browse, standin):
    browser = browse(ANNA)
    words = "This is no picture that can be read here."
    errors = [{"field": "image", "message": words}]
    standin.say("/people/me/picture", 422, "picture.refused", words, errors=errors)
    page = await browser.post("/profile/picture", files={"image": ("me.svg", b"<svg/>", "image/svg+xml")})
    assert (page.status_code, page.text.count(words)) == (422, 1)
    standin.calls.clear()
    for nothing in ({"files": {"other": ("x", b"x")}}, {"data": {"image": "text"}}):
        page = await browser.post("/profile/picture", **nothing)
        assert (page.status_code, "Choose a file." in page.text) == (422, True)
    assert standin.written == []


async def test_a_picture_chosen_by_somebody_else_is_not_saved(browse, standin):
    """A form with a file in it is opened for one person like any other (0117); it cannot wait, so it says no."""
    opened = hidden((await browse(CLARA).get("/profile")).text)
    sent = {"data": {"opened_by": opened["opened_by"]}, "files": {"image": ("me.png", PIXEL, "image/png")}}
    assert (await browse(ANNA).post("/profile/picture", **sent)).status_code == 409
    assert standin.written == []


async def test_where_the_company_keeps_the_details_there_is_no_picture_to_choose(browse):
    page = (await browse(replace(ANNA, closed=frozenset({"edit_profile"}))).get("/profile")).text
    assert "/profile/picture" not in page
