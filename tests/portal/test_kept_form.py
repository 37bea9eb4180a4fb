"""A session that ends while somebody types: the form waits for them, and for nobody else, while they sign in."""

import re
from datetime import timedelta
from html import unescape

import pytest

from services.portal.kept_form import views
from services.portal.look import whose
from services.portal.page import PERSON_COOKIE
from shared.clock import now
from tests.portal.people import ANNA, CLARA, NOBODY
from tests.portal.standin import PASSWORD

NEW_CLIENT = {"name": 'Café "Süd" & Söhne', "variant": "delivery"}


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page)
    return {unescape(name): unescape(value) for name, value in found if name != "opened_by"}


@pytest.fixture
async def browser(browse, back, standin):
    """Clara's, after her session ended elsewhere."""
    clara = browse(CLARA)
    await clara.get("/")
    return back(clara, NOBODY)


async def keep(browser, path="/clients/new", data=None, **headers):
    """A form that Clara opened."""
    data = {"opened_by": whose(CLARA)} | (data or NEW_CLIENT)
    sent = await browser.post(path, data=data, headers=headers)
    assert sent.status_code == 307
    return await browser.post(sent.headers["Location"], data=data, headers=headers)


async def test_a_form_is_sent_after_signing_in_once(browser, back, standin):
    kept = await keep(browser)
    assert kept.status_code == 303
    page = await browser.get(kept.headers["Location"])
    assert "what you typed is kept" in page.text
    data = hidden(page.text) | {"email": "clara@northwind.example", "password": PASSWORD}
    arrived = await browser.post("/sign-in/password", data=data)
    assert arrived.headers["Location"] == "/kept-form"
    assert not [call for call in standin.calls if call.method == "POST" and call.path == "/clients"]

    clara = back(browser, CLARA)
    asked = await clara.get("/kept-form")
    assert "Your form is still here" in asked.text
    assert hidden(asked.text) == NEW_CLIENT
    action = unescape(re.search(r'action="(/kept-form\?[^"]+)"', asked.text)[1])
    sent = await clara.post(action, data=hidden(asked.text))
    assert (sent.status_code, sent.headers["Location"]) == (307, "/clients/new")
    made = await clara.post(sent.headers["Location"], data=hidden(asked.text))
    assert made.status_code == 303
    assert [call.body["name"] for call in standin.calls if call.method == "POST" and call.path == "/clients"] == [
        NEW_CLIENT["name"]
    ]
    again = await clara.post(action, data=hidden(asked.text))
    assert (again.status_code, again.headers["Location"]) == (303, "/")


async def test_nobody_else_reads_it_and_its_person_still_finds_it(browser, back):
    await keep(browser)
    assert [word for word in ("Café", "Caf%", "Caf\\", "delivery") if word in str(browser.cookies)] == []
    page = await back(browser, ANNA).get("/kept-form")
    assert "This form cannot be opened" in page.text
    assert "Café" not in page.text
    assert hidden((await back(browser, CLARA).get("/kept-form")).text) == NEW_CLIENT


async def test_it_says_which_form_it_is_and_what_was_typed_and_asks_before_it_is_discarded(browser, back):
    typed = {
        "opened_by": f"{whose(CLARA)} New client",
        "current": "my present words",
        "token": "as-mailed",
        **NEW_CLIENT,
    }
    await keep(browser, data=typed)
    clara = back(browser, CLARA)
    page = (await clara.get("/kept-form")).text
    said = page[page.index("kept-said") :].partition("</section>")[0]
    assert ("New client" in said, unescape(said).count(NEW_CLIENT["name"])) == (True, 1)
    assert ("my present words" in page, "as-mailed" in page) == (False, False)
    assert 'action="/kept-form/discard"' not in page
    question = (await clara.get("/kept-form/discard")).text
    assert "Discard the form?" in question
    assert hidden((await clara.get("/kept-form")).text) == NEW_CLIENT
    gone = await clara.post("/kept-form/discard")
    assert sum(line.startswith("portal_form_") for line in gone.headers.get_list("set-cookie")) == 2


async def test_a_form_lasts_an_hour_whatever_the_browser_keeps(browser, back, monkeypatch):
    await keep(browser)
    clara = back(browser, CLARA)
    for minutes, found in ((59, NEW_CLIENT), (61, {})):
        monkeypatch.setattr(views, "now", lambda minutes=minutes: now() + timedelta(minutes=minutes))
        assert hidden((await clara.get("/kept-form")).text) == found


@pytest.mark.parametrize("at", [0, 15, 16, -2], ids=["nonce", "end of the nonce", "content", "tag"])
async def test_a_form_that_was_changed_is_not_opened(browser, back, at):
    await keep(browser)
    clara = back(browser, CLARA)
    whole = clara.cookies["portal_form_0"]
    changed = whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at:][1:]
    for brought, found in ((changed, {}), (whole, NEW_CLIENT)):
        clara.cookies.delete("portal_form_0")
        clara.cookies.set("portal_form_0", brought)
        page = await clara.get("/kept-form")
        assert (page.status_code, hidden(page.text)) == (200, found)


async def test_passwords_are_typed_again(browser, back):
    await keep(browser, "/security/password", {"password": "never-kept-anywhere", "current": "nor this one", "x": "y"})
    assert hidden((await back(browser, CLARA).get("/kept-form")).text) == {"x": "y"}


async def test_a_long_one_fits_and_what_does_not_is_shown_to_be_copied(browser, back):
    words = " ".join(f"Absatz {number}: Leistungen und Termine." for number in range(800))
    await keep(browser, "/projects/new", {"scope": words})
    assert hidden((await back(browser, CLARA).get("/kept-form")).text)["scope"] == words
    noise = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(20000))
    answer = await keep(browser, "/projects/new", {"scope": noise})
    assert "Copy your text first" in answer.text
    assert noise in answer.text


async def test_a_fragment_moves_its_whole_page(browser, back):
    answer = await keep(browser, **{"HX-Request": "true", "HX-Current-URL": "http://portal.test/clients/new"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in?next=/kept-form&ended=1")
    assert hidden((await back(browser, CLARA).get("/kept-form")).text) == NEW_CLIENT


async def test_a_proof_under_way_goes_on_to_what_waited_behind_it(browser, back):
    proof = {"proof_next": "/clients/new", "proof_resend": "1", "proof_value": "as typed", **NEW_CLIENT}
    await keep(browser, "/prove-it", proof)
    page = await back(browser, CLARA).get("/kept-form")
    assert hidden(page.text) == NEW_CLIENT
    assert 'action="/kept-form?next=/clients/new"' in page.text
    answer = await keep(browser, "/prove-it", {"proof_next": "/security/email", "proof_value": "as typed"})
    assert answer.headers["Location"] == "/sign-in?next=%2Fsecurity%2Femail&ended=1"


async def test_a_page_says_why_it_asks_to_sign_in(browser, back, browse):
    answer = await browser.get("/projects?q=a")
    assert answer.headers["Location"] == "/sign-in?next=%2Fprojects%3Fq%3Da&ended=1"
    assert "ended" not in (await browse(NOBODY).get("/projects")).headers["Location"]


async def test_who_signs_out_leaves_nothing_behind(browser, back, browse):
    clara = back(browser, CLARA)
    await clara.post("/sign-out")
    assert clara.cookies[PERSON_COOKIE] == "nobody"
    gone = back(clara, NOBODY)
    assert (await gone.get("/projects")).headers["Location"] == "/sign-in?next=%2Fprojects"
    for path in ("/clients/new", "/kept-form/keep?next=/clients/new"):
        assert (await gone.post(path, data=NEW_CLIENT)).headers["Location"] == "/sign-in"
    assert not any(name.startswith("portal_form") for name in gone.cookies)
