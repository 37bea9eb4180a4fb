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


async def test_a_picture_chosen_by_somebody_else_is_not_saved_and_its_form_waits_without_it(browse, back, standin):
    """A form with a file in it is opened for one person like any other (0117)."""
    opened = hidden((await browse(CLARA).get("/profile")).text)
    data = {"opened_by": opened["opened_by"], "caption": "At the harbour"}
    files = {"image": ("me.png", PIXEL, "image/png")}
    anna = browse(ANNA)
    await anna.get("/profile")
    for other, status in ((anna, 409), (back(anna, NOBODY), 303)):
        answer = await other.post("/profile/picture", data=data, files=files)
        assert (answer.status_code, standin.written) == (307, [])
        answer = await other.post(answer.headers["Location"], data=data, files=files)
        assert (answer.status_code, "harbour" in answer.text) == (status, False)
        clara = back(other, CLARA)
        kept = await clara.get("/kept-form")
        assert ('value="At the harbour"' in kept.text, "files chosen again" in kept.text) == (True, True)
        sent = await clara.post("/kept-form?next=/profile/picture", data={"caption": "At the harbour"})
        assert (sent.status_code, sent.headers["Location"]) == (307, "/profile/picture")
        shown = await clara.post("/profile/picture", data={"caption": "At the harbour"})
        assert (shown.status_code, "Choose a file." in shown.text, standin.written) == (422, True, [])


async def test_a_form_with_a_file_that_is_refused_keeps_what_was_typed_beside_it(browse, standin):
    for path in ("/people/me/picture", "/auth/me"):
        standin.refuse(path, 503)
    files = {"image": ("me.png", PIXEL, "image/png")}
    answer = await browse(ANNA).post("/profile/picture", data={"caption": "At the harbour"}, files=files)
    said = ("At the harbour</textarea>", "The file was not saved", 'action="/profile/picture"')
    assert (answer.status_code, [words in answer.text for words in said]) == (503, [True] * 3)
    assert "The file was not saved" not in (await browse(ANNA).post("/profile", data={"opened": "", **FULL})).text


async def test_where_the_company_keeps_the_details_there_is_no_picture_to_choose(browse):
    page = (await browse(replace(ANNA, closed=frozenset({"edit_profile"}))).get("/profile")).text
    assert "/profile/picture" not in page


async def test_a_picture_that_cannot_be_saved_now_or_any_more_is_not_refused_without_a_word(browse, standin):
    for who, status, code, words in (
        (ANNA, 503, "unavailable", "Nothing was saved"),
        (replace(ANNA, closed=frozenset({"edit_profile"})), 403, "action.closed", "Ask your contact"),
    ):
        standin.say("/people/me/picture", status, code, "Ask your contact to change this.")
        page = await browse(who).post("/profile/picture", files={"image": ("me.png", PIXEL, "image/png")})
        assert (page.status_code, words in page.text) == (status, True)


async def test_staff_take_a_picture_down_where_there_is_one(browse, standin):
    clara = browse(CLARA)
    person = standin.state["people"][0]
    page = await clara.get(f"/people/{person['id']}", follow_redirects=True)
    assert "Remove picture" not in page.text
    standin.state["pictures"] = {person["id"]: uid(500)}
    page = await clara.get(f"/people/{person['id']}", follow_redirects=True)
    assert f'action="/people/{person["id"]}/picture/remove"' in page.text
    answer = await clara.post(f"/people/{person['id']}/picture/remove")
    assert (answer.status_code, standin.written) == (303, [("DELETE", f"/people/{person['id']}/picture", None)])
