"""Who works with several clients: the menu, the switch, an invitation with an account, and what is looked after at home."""

import json
import re
from urllib.parse import urlencode

import pytest

from services.portal.toasts import TOAST_COOKIE, Toast, recall
from tests.portal.accounts import INVITED, TOKEN
from tests.portal.keyring import CREDENTIAL
from tests.portal.people import ANNA, CLARA, NOBODY
from tests.portal.standin import ACME, BIRCH, PASSWORD, uid
from tests.portal.test_view_as import VIEWING

ANNAS = "approver@acme.example"
ANNA_AT_BIRCH = uid(91)
"""Who she is in the book of the other one."""
HTMX = {"HX-Request": "true"}


def both(standin, obstacle: str = "", *, current: str = ACME, home: str = ACME) -> None:
    standin.state["organisations"] = [
        {
            "client_id": id_,
            "person_id": who,
            "name": name,
            "current": id_ == current,
            "home": id_ == home,
            "obstacle": why,
        }
        for id_, who, name, why in (
            (ACME, str(ANNA.id), "Acme GmbH", ""),
            (BIRCH, ANNA_AT_BIRCH, "Birch Ltd", obstacle),
        )
    ]


async def opened(browse, actor):
    browser = browse(actor)
    page = await browser.get("/invitation", params={"token": TOKEN})
    for line in page.headers.get_list("set-cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        browser.cookies.set(name, value)
    return browser, page


async def test_the_menu_lists_them_with_a_mark_at_the_one_one_is_in(browse, standin):
    both(standin)
    page = (await browse(ANNA).get("/profile")).text
    menu = page[page.index("Your organisations") :]
    assert re.search(r'aria-current="true".*?Acme GmbH.*?You are here', menu, re.DOTALL)
    assert f'<button class="menu-item" name="client_id" value="{BIRCH}">' in menu
    assert f'value="{ACME}"' not in menu


@pytest.mark.parametrize("actor", [ANNA, CLARA, VIEWING])
async def test_who_has_none_to_choose_from_sees_no_list(browse, standin, actor):
    if actor is not ANNA:
        both(standin)
    assert "Your organisations" not in (await browse(actor).get("/profile")).text


async def test_a_list_that_does_not_come_in_time_is_left_out(browse, standin):
    both(standin)
    standin.refuse("/auth/organisations", 500)
    page = await browse(ANNA).get("/profile")
    assert (page.status_code, "Your organisations" in page.text) == (200, False)
    assert "could not be loaded" in (await browse(ANNA).get("/organisations")).text


async def test_switching_lands_on_the_dashboard_and_says_where_one_is(browse, standin):
    both(standin)
    browser = browse(ANNA)
    answer = await browser.post("/organisations/switch", data={"client_id": BIRCH})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookies = answer.headers.get_list("set-cookie")
    assert any(line.startswith("portal_session=elsewhere;") for line in cookies)
    (toast,) = [line.partition(";")[0].partition("=")[2] for line in cookies if line.startswith(f"{TOAST_COOKIE}=")]
    assert recall(toast) == Toast("You are in Birch Ltd now")
    (call,) = [call for call in standin.calls if call.path == "/auth/switch-organisation"]
    assert call.body == {"client_id": BIRCH}


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        ("method", "another method"),
        ("second_factor", "asks for a second factor"),
        ("closed", "closed at the moment"),
        ("network", "certain networks only"),
    ],
)
async def test_what_keeps_one_out_is_said_calmly_and_one_stays(browse, standin, obstacle, words):
    both(standin, obstacle)
    browser = browse(ANNA)
    answer = await browser.post("/organisations/switch", data={"client_id": BIRCH})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/organisations?refused={BIRCH}")
    assert not any(line.startswith("portal_session=") for line in answer.headers.get_list("set-cookie"))
    page = (await browser.get(answer.headers["location"])).text
    assert "Birch Ltd could not be opened." in page
    assert words in page
    assert "You are still in Acme GmbH" in page


async def test_who_added_an_organisation_is_led_there_at_once(browse, standin):
    both(standin)
    page = (await browse(ANNA).get(f"/organisations?added={BIRCH}")).text
    added = page[page.index("added-title") :].partition("</section>")[0]
    for words in ("Birch Ltd is one of your organisations now", "You are still in Acme GmbH", "Switch to Birch Ltd"):
        assert words in added
    assert f'name="client_id" value="{BIRCH}" autofocus' in added
    both(standin, current=BIRCH)
    assert "added-title" not in (await browse(ANNA).get(f"/organisations?added={BIRCH}")).text


async def test_settings_say_for_which_organisation_a_language_holds(browse, standin):
    assert "our mails to you are in this language." in (await browse(ANNA).get("/settings")).text
    both(standin)
    page = (await browse(ANNA).get("/settings")).text
    assert re.search(
        "mails to you about \\W?Acme GmbH\\W? are in this language. Your other organisations keep theirs", page
    )


@pytest.mark.parametrize("client_id", ["", "birch", "\x00"])
async def test_what_is_no_organisation_is_not_found(browse, standin, client_id):
    assert (await browse(ANNA).post("/organisations/switch", data={"client_id": client_id})).status_code == 404


async def test_another_tab_begins_anew(browse):
    """Its stream ended; it is somebody else's page now, under the same browser's new cookie."""
    same = await browse(ANNA).get("/widgets/session", params={"person": str(ANNA.id)}, headers=HTMX)
    other = await browse(ANNA).get("/widgets/session", params={"person": BIRCH}, headers=HTMX)
    plain = await browse(ANNA).get("/widgets/session", headers=HTMX)
    assert [(each.status_code, each.headers.get("HX-Redirect")) for each in (same, other, plain)] == [
        (204, None),
        (200, "/"),
        (204, None),
    ]


async def test_not_signed_in_one_signs_in_first_and_comes_back(browse, standin):
    standin.state["invitation"] |= {"joins_account": True, "client_name": "Birch Ltd"}
    page = (await browse(NOBODY).get("/invitation", params={"token": TOKEN})).text
    assert "You already sign in with this address. Sign in to add Birch Ltd to your organisations." in page
    assert f'href="/sign-in?next=/invitation%3Ftoken%3D{TOKEN}"' in page
    assert "/invitation/join" not in page
    assert "password" not in page


async def test_signed_in_with_it_there_is_one_button(browse, standin):
    both(standin)
    standin.state["invitation"] |= {"joins_account": True, "client_name": "Birch Ltd", "email": ANNAS}
    browser, page = await opened(browse, ANNA)
    assert 'action="/invitation/join"' in page.text
    answer = await browser.post("/invitation/join", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/organisations?added={BIRCH}")
    (call,) = [call for call in standin.calls if call.path == "/auth/organisations/join"]
    assert call.body == {"token": TOKEN}


async def test_a_scanner_that_sends_the_form_joins_nothing(browse, standin):
    standin.state["invitation"] |= {"joins_account": True, "client_name": "Birch Ltd", "email": ANNAS}
    answer = await browse(ANNA).post("/invitation/join", data={"token": TOKEN})
    assert "Press the button once more" in answer.text
    assert [call for call in standin.calls if call.path == "/auth/organisations/join"] == []


@pytest.mark.parametrize("actor", [ANNA, CLARA])
async def test_signed_in_as_another_it_says_so(browse, standin, actor):
    standin.state["invitation"] |= {"joins_account": True, "client_name": "Birch Ltd"}
    page = (await browse(actor).get("/invitation", params={"token": TOKEN})).text
    assert f"You are signed in as {actor.name}, with another address." in page
    assert INVITED in page
    assert "/invitation/join" not in page


async def test_a_refusal_is_shown_on_the_page_and_a_void_link_as_any_other(browse, standin):
    standin.state["invitation"] |= {"joins_account": True, "client_name": "Birch Ltd", "email": ANNAS}
    standin.state["join_refused"] = "organisation.somebody_else"
    browser, _ = await opened(browse, ANNA)
    answer = await browser.post("/invitation/join", data={"token": TOKEN})
    assert (answer.status_code, "This was asked to fail." in answer.text) == (409, True)
    standin.state["join_refused"] = "auth.token_invalid"
    assert (await browser.post("/invitation/join", data={"token": TOKEN})).status_code == 410


async def test_elsewhere_the_security_page_leads_home(browse, standin):
    both(standin, home=BIRCH)
    standin.state["managed_here"] = False
    page = (await browse(ANNA).get("/security")).text
    assert "Manage your sign-in methods at Birch Ltd" in page
    assert f'name="client_id" value="{BIRCH}"' in page
    assert 'href="/security/password"' not in page
    assert "Sessions" in page
    both(standin, "closed", home=BIRCH)
    assert "For a new password, log out" in (await browse(ANNA).get("/security")).text
    standin.state["managed_here"] = True  # home is closed to them, and so this is the place
    assert 'href="/security/password"' in (await browse(ANNA).get("/security")).text


async def test_a_form_that_belongs_to_the_account_says_so(browse, standin):
    standin.state["elsewhere"] = True
    data = {"password": "three quiet herons", "current": "my present words"}
    answer = await browse(ANNA).post("/security/password", data=data)
    assert (answer.status_code, "at another of your organisations" in answer.text) == (409, True)


OF_BIRCH = f"/projects/{uid(2)}?organisation={BIRCH}"


async def test_a_link_of_another_organisation_says_whose_it_is_and_leads_there(browse, standin):
    both(standin)
    standin.calls.clear()
    browser = browse(ANNA)
    for path in (OF_BIRCH, f"/team?organisation={BIRCH}", f"/?organisation={BIRCH}", f"/brand?organisation={BIRCH}"):
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert "This page belongs to Birch Ltd" in page.text, path
        assert "You are in Acme GmbH at the moment." in page.text
        assert (
            f'<input type="hidden" name="next" value="{path}"><button class="btn btn-primary btn-named" name="client_id" value="{BIRCH}">Switch to Birch Ltd</button>'
            in page.text
        )
    assert not [call for call in standin.calls if call.path.startswith(("/projects", "/team", "/brand"))]
    answer = await browser.post("/organisations/switch", data={"client_id": BIRCH, "next": OF_BIRCH})
    assert (answer.status_code, answer.headers["location"]) == (303, OF_BIRCH)


async def test_what_is_no_other_organisation_of_ones_own_changes_nothing(browse, standin):
    """A stranger's, one's present one, none at all; for whom has one only, or looks through a client's eyes."""
    both(standin)
    for actor, named in ((ANNA, uid(99)), (ANNA, ACME), (ANNA, "birch"), (CLARA, BIRCH), (VIEWING, BIRCH)):
        for path in (f"/projects/{uid(999)}", "/profile"):
            plain = await browse(actor).get(path)
            page = await browse(actor).get(path, params={"organisation": named})
            assert (page.status_code, page.text) == (plain.status_code, plain.text), (actor.name, named, path)
    part = await browse(ANNA).get(OF_BIRCH, headers=HTMX)
    assert "This page belongs to" not in part.text


async def test_what_is_not_known_yet_is_no_page_that_is_not_there(browse, standin):
    standin.refuse("/auth/organisations", 500)
    assert (await browse(ANNA).get(OF_BIRCH)).status_code == 503


async def test_where_one_cannot_go_now_the_page_says_why_and_what_to_do(browse, standin):
    for obstacle, words, leaves in (("method", "another method", True), ("network", "certain networks only", False)):
        both(standin, obstacle)
        page = (await browse(ANNA).get(OF_BIRCH)).text
        assert "You cannot open Birch Ltd now." in page
        assert words in page
        assert "Switch to Birch Ltd</button>" not in page
        assert (f'name="next" value="{OF_BIRCH}"' in page) is leaves
    answer = await browse(ANNA).post("/sign-out", data={"next": OF_BIRCH})
    assert answer.headers["location"] == f"/sign-in?{urlencode({'next': OF_BIRCH})}"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", ""])
async def test_the_way_leads_nowhere_but_into_the_portal(browse, standin, elsewhere):
    both(standin)
    answer = await browse(ANNA).post("/organisations/switch", data={"client_id": BIRCH, "next": elsewhere})
    assert answer.headers["location"] == "/"
    answer = await browse(ANNA).post("/organisations/switch", data={"client_id": ACME, "next": elsewhere})
    assert answer.headers["location"] == "/"
    assert (await browse(ANNA).post("/sign-out", data={"next": elsewhere})).headers["location"] == "/sign-in"


async def test_a_sign_in_goes_to_the_organisation_of_the_link(browse, standin):
    """Whichever was used last: identity begins the session there, where that is one's own."""
    page = await browse(NOBODY).get(OF_BIRCH)
    assert page.headers["location"] == f"/sign-in?{urlencode({'next': OF_BIRCH})}"
    sent = {
        "/auth/magic-link/consume": ("/sign-in/link", {"token": "good-token"}),
        "/auth/login": ("/sign-in/password", {"email": ANNAS, "password": PASSWORD, "next": OF_BIRCH}),
        "/auth/passkey": ("/sign-in/passkey", {"credential": json.dumps(CREDENTIAL), "next": OF_BIRCH}),
    }
    browser = browse(NOBODY)
    await browser.post("/sign-in/mail-link", data={"email": ANNAS, "next": OF_BIRCH})
    for asked, (path, form) in sent.items():
        await browser.post(path, data=form)
        (call,) = [call for call in standin.calls if call.path == asked]
        assert call.body["organisation"] == BIRCH
