"""Signing in and out, as forms that need no JavaScript."""

import json
import re

import pytest
from markupsafe import escape

from services.portal.toasts import recall
from tests.portal.access import FLOW
from tests.portal.keyring import CREDENTIAL
from tests.portal.people import ANNA, CLARA
from tests.portal.standin import PASSWORD
from tests.portal.test_single_sign_on import BACK

MAIL = "approver@acme.example"


async def test_email_comes_first_then_the_password(browse):
    browser = browse()
    answer = await browser.post("/sign-in", data={"email": MAIL, "next": "/projects"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in/proof")
    page = await browser.get("/sign-in/proof")
    assert page.status_code == 200
    assert 'name="password"' in page.text
    assert f'value="{MAIL}"' in page.text
    assert 'name="next" value="/projects"' in page.text


async def test_the_second_step_needs_the_first_and_nobody_who_is_in(browse):
    assert (await browse().get("/sign-in/proof")).headers["Location"] == "/sign-in"
    browser = browse(ANNA)
    browser.cookies.set("portal_address", MAIL)
    browser.cookies.set("portal_next", "/projects")
    assert (await browser.get("/sign-in/proof")).headers["Location"] == "/projects"


@pytest.mark.parametrize("address", ["jörg+büro@müller.example", '"a;b"@acme.example', "o'neil%2f@acme.example"])
async def test_whatever_is_in_an_address_comes_back_as_it_was(browse, address):
    browser = browse()
    await browser.post("/sign-in", data={"email": address})
    assert f'value="{escape(address)}"' in (await browser.get("/sign-in/proof")).text


async def test_the_address_is_forgotten_once_one_is_in(browse):
    browser = browse()
    await browser.post("/sign-in", data={"email": MAIL})
    assert "portal_address" in browser.cookies
    await browser.post("/sign-in/password", data={"email": MAIL, "password": PASSWORD})
    assert "portal_address" not in browser.cookies


@pytest.mark.parametrize("address", ["", "anna", "@acme.example", "anna@", "a" * 250 + "@b.example"])
async def test_an_impossible_address_is_refused_on_the_form_and_kept(browse, standin, address):
    page = await browse().post("/sign-in", data={"email": address})
    assert page.status_code == 422
    assert "Enter your e-mail address" in page.text
    assert address in page.text
    assert standin.calls == []


async def test_the_right_password_leads_on_with_the_session_cookie(browse):
    answer = await browse().post(
        "/sign-in/password", data={"email": MAIL, "password": PASSWORD, "next": "/projects?status=delayed"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/projects?status=delayed"
    session = next(cookie for cookie in answer.headers.get_list("Set-Cookie") if cookie.startswith("portal_session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session


async def test_a_wrong_password_is_refused_calmly_and_never_repeated(browse):
    page = await browse().post("/sign-in/password", data={"email": MAIL, "password": "wrong-secret"})
    assert page.status_code == 422
    assert "E-mail or password is not right" in page.text
    assert MAIL in page.text
    assert "wrong-secret" not in page.text
    assert "Set-Cookie" not in page.headers


async def test_password_with_spaces_around_reaches_identity_unchanged(browse, standin):
    await browse().post("/sign-in/password", data={"email": f" {MAIL} ", "password": "  spaced  "})
    (login,) = [call for call in standin.calls if call.path == "/auth/login"]
    assert login.body == {"email": MAIL, "password": "  spaced  "}


async def test_too_many_tries_say_how_long_to_wait(browse, standin):
    standin.refuse("/auth/login", 429, headers={"Retry-After": "840"})
    page = await browse().post("/sign-in/password", data={"email": MAIL, "password": "x"})
    assert page.status_code == 422
    assert "wait 14 minutes" in page.text


async def test_identity_out_of_reach_is_a_calm_page(browse, standin):
    standin.refuse("/auth/login", 503)
    page = await browse().post("/sign-in/password", data={"email": MAIL, "password": "x"})
    assert page.status_code == 503
    assert "Back in a moment" in page.text


async def test_a_mailed_link_starts_a_flow_in_this_browser(browse):
    answer = await browse().post("/sign-in/mail-link", data={"email": MAIL, "next": "/activity"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in/link"
    cookies = answer.headers.get_list("Set-Cookie")
    assert any(cookie.startswith("portal_flow=flow-1") and "HttpOnly" in cookie for cookie in cookies)
    assert any(cookie.startswith(("portal_next=/activity", 'portal_next="/activity"')) for cookie in cookies)


async def test_the_place_on_a_page_is_kept_by_password_and_by_link(browse):
    browser, place = browse(), "/settings#notifications"
    await browser.post("/sign-in", data={"email": MAIL, "next": place})
    assert f'name="next" value="{place}"' in (await browser.get("/sign-in/proof")).text
    data = {"email": MAIL, "password": PASSWORD, "next": place}
    assert (await browse().post("/sign-in/password", data=data)).headers["Location"] == place
    await browser.post("/sign-in/mail-link", data={"email": MAIL, "next": place})
    assert (await browser.post("/sign-in/link", data={"token": "good-token"})).headers["Location"] == place


async def test_opening_the_link_changes_nothing(browse, standin):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    page = await browser.get("/sign-in/link", params={"token": "good-token"})
    assert page.status_code == 200
    assert '<input type="hidden" name="token" value="good-token">' in page.text
    assert 'method="post"' in page.text
    assert [call.path for call in standin.calls] == ["/auth/magic-link/look"]


async def test_using_the_link_passes_the_flow_cookie_on_and_signs_in(browse, standin):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    browser.cookies.set("portal_next", "/activity")
    answer = await browser.post("/sign-in/link", data={"token": "good-token"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/activity")
    assert standin.calls[-1].body == {"token": "good-token"}
    assert standin.calls[-1].headers["Cookie"] == "portal_flow=flow-1"


@pytest.mark.parametrize(
    "pasted",
    [
        "123 456",
        "123\u00a0456",
        "\u2013 123456",
        "123-456\r\n",
        "\u200b123456\ufeff",
        "Your code: 123456",
        "１２３４５６",
    ],
)
async def test_the_code_is_taken_with_what_is_pasted_around_it(browse, standin, pasted):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    assert (await browser.post("/sign-in/link", data={"code": pasted})).status_code == 303
    assert standin.calls[-1].body == {"code": "123456"}


async def test_a_right_code_that_is_not_accepted_here_is_not_called_wrong(browse):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    page = await browser.post("/sign-in/link", data={"code": "654321"})
    assert page.status_code == 422
    assert "Your link is right, but it is not accepted here." in page.text


@pytest.mark.parametrize("proof", [{"token": "used-token"}, {"code": "000000"}])
async def test_an_unusable_link_or_code_is_refused_in_neutral_words(browse, proof):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    page = await browser.post("/sign-in/link", data=proof)
    assert page.status_code == 422
    assert "This link or code cannot be used" in page.text
    assert 'name="code"' in page.text


async def test_a_link_opened_in_another_browser_says_so(browse):
    page = await browse().get("/sign-in/link", params={"token": "good-token"})
    assert "This is another browser" in page.text
    assert "good-token" not in page.text


async def test_a_link_that_is_dead_says_so_before_it_is_pressed(browse):
    browser = browse()
    browser.cookies.set("portal_flow", "flow-1")
    page = await browser.get("/sign-in/link", params={"token": "used-token"})
    assert page.status_code == 410
    assert "This link cannot be used" in page.text
    assert 'href="/sign-in"' in page.text
    assert "One click and you are in" in (await browser.get("/sign-in/link", params={"token": "good-token"})).text
    browser.cookies.set("portal_flow", "flow-2")
    page = await browser.get("/sign-in/link", params={"token": "good-token"})
    assert "This is another browser" in page.text


async def test_a_link_opened_once_more_by_who_is_in_leads_on(browse, standin):
    browser = browse(ANNA)
    page = await browser.get("/sign-in/link", params={"token": "used-token"})
    assert "You are signed in already" in page.text
    browser.cookies.set("portal_flow", "flow-1")  # a second tab with the link, and the first was faster
    page = await browser.post("/sign-in/link", data={"token": "used-token"})
    assert "You are signed in already" in page.text
    assert "This is another browser" not in page.text


async def test_signing_out_ends_the_session_and_says_so(browse, standin):
    answer = await browse(ANNA).post("/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert standin.calls[-1].path == "/auth/logout"
    assert any(cookie.startswith('portal_session=""') for cookie in answer.headers.get_list("Set-Cookie"))
    assert any(cookie.startswith("portal_toast=") for cookie in answer.headers.get_list("Set-Cookie"))


async def test_signing_out_twice_is_fine(browse, standin):
    standin.refuse("/auth/logout", 401)
    answer = await browse().post("/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


async def test_an_ended_session_is_explained(browse):
    page = await browse().get("/sign-in", params={"next": "/projects", "ended": "1"})
    assert "Your session has ended. Sign in to go on." in page.text


async def test_who_is_signed_in_goes_on(browse):
    answer = await browse(ANNA).get("/sign-in", params={"next": "/projects"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects")


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/a\nb",
    "/\tevil",
    "evil",
    "/sign-in?next=/",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("target", ELSEWHERE, ids=range(len(ELSEWHERE)))
async def test_signing_in_never_leads_elsewhere(browse, target):
    data = {"email": MAIL, "password": PASSWORD, "next": target}
    answer = await browse().post("/sign-in/password", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


async def test_what_needs_scripts_says_so(browse):
    page = (await browse().get("/sign-in")).text
    assert re.search("<noscript>.*passkey needs JavaScript.*</noscript>", page)
    assert "data-passkeys inert" in page


BUTTONS = {
    "magic_link": "Mail me a sign-in link",
    "sso": 'action="/sign-in/sso"',
    "passkey": "Sign in with a passkey",
    "password": 'type="password"',
}


def ways(page: str) -> list[str]:
    """The ways a page offers, in order; the first one has its main button."""
    found = sorted((page.index(words), way) for way, words in BUTTONS.items() if words in page)
    first = page[: page.index("Other ways")]
    assert page.count("btn-primary") == first.count("btn-primary") == 1
    return [way for _, way in found]


async def proof(browser, email):
    await browser.post("/sign-in", data={"email": email})
    return (await browser.get("/sign-in/proof")).text


async def test_an_organisations_own_sign_in_comes_first_for_its_domain_and_is_offered_to_no_other(browse, standin):
    assert ways(await proof(browse(), MAIL)) == ["sso", "magic_link", "passkey", "password"]
    assert ways(await proof(browse(), "anna@nowhere.example")) == ["magic_link", "passkey", "password"]
    standin.refuse("/auth/sso/domain", 503)
    assert ways(await proof(browse(), MAIL)) == ["magic_link", "sso", "passkey", "password"]


@pytest.mark.parametrize("way", ["passkey", "password", "magic_link", "sso"])
async def test_the_way_last_used_in_this_browser_comes_first_and_says_nothing_of_the_person(browse, standin, way):
    browser = browse()
    browser.cookies.set("portal_flow", FLOW)
    sent = {
        "password": ("POST", "/sign-in/password", {"data": {"email": MAIL, "password": PASSWORD}}),
        "magic_link": ("POST", "/sign-in/link", {"data": {"token": "good-token"}}),
        "passkey": ("POST", "/sign-in/passkey", {"data": {"credential": json.dumps(CREDENTIAL)}}),
        "sso": ("GET", "/sign-in/sso/callback", {"params": BACK}),
    }
    method, path, what = sent[way]
    answer = await browser.request(method, path, **what)
    assert answer.status_code == 303
    (cookie,) = [line for line in answer.headers.get_list("Set-Cookie") if line.startswith("portal_way=")]
    assert cookie.startswith(f"portal_way={way};")
    others = [each for each in ("magic_link", "passkey", "password") if each != way]
    expected = others if way == "sso" else [way, *others]  # this domain has none
    assert ways(await proof(browser, "anna@nowhere.example")) == expected
    page = (await browser.get("/sign-in")).text
    assert (page.index("Sign in with a passkey") < page.index('name="email"')) is (way == "passkey")
    assert page.count("btn-primary") == 1


async def test_a_way_nobody_knows_is_no_way(browse):
    browser = browse()
    browser.cookies.set("portal_way", "../x")
    assert ways(await proof(browser, "anna@nowhere.example"))[0] == "magic_link"


async def test_what_was_tried_stays_first_when_it_was_refused(browse):
    page = await browse().post("/sign-in/password", data={"email": MAIL, "password": "wrong words"})
    assert page.status_code == 422
    assert ways(page.text)[0] == "password"


async def test_the_address_typed_once_is_there_wherever_one_goes(browse):
    browser = browse()
    await browser.post("/sign-in", data={"email": MAIL})
    for path in ("/sign-in", "/sign-in/sso", "/register", "/forgot-password"):
        assert f'value="{MAIL}"' in (await browser.get(path)).text, path
    back = await browser.get("/sign-in/sso/callback", params={"error": "access_denied"})
    assert f'value="{MAIL}"' in back.text


async def test_a_mailed_link_is_the_first_way_and_no_address_is_asked_twice(browse):
    browser = browse()
    await browser.post("/sign-in", data={"email": "anna+x@nowhere.example"})
    page = (await browser.get("/sign-in/proof")).text
    assert ways(page)[0] == "magic_link"
    assert "anna%2Bx" not in page
    assert 'value="anna+x@nowhere.example"' in (await browser.get("/forgot-password")).text


async def test_a_link_over_somebodys_session_says_whose_it_ends_and_who_comes_in(browse, standin):
    standin.state["link_of"] = "mia@acme.example"
    browser = browse(CLARA)
    browser.cookies.set("portal_flow", "flow-1")
    page = (await browser.get("/sign-in/link", params={"token": "good-token"})).text
    assert "Clara Hoffmann</bdi> is signed in here. Signing in with this link signs them out" in page
    for words in ("mia@acme.example", "Sign them out and sign in", "Stay signed in as <bdi>Clara Hoffmann</bdi>"):
        assert words in page
    answer = await browser.post("/sign-in/link", data={"token": "good-token"})
    toast = recall(answer.cookies["portal_toast"])
    assert toast
    assert toast.text == "Clara Hoffmann is signed out. You are signed in as Anna Keller."


async def test_a_link_of_whoever_is_signed_in_asks_nothing(browse, standin):
    standin.state["link_of"] = standin.state["me"]["email"]
    browser = browse(ANNA)
    browser.cookies.set("portal_flow", "flow-1")
    page = (await browser.get("/sign-in/link", params={"token": "good-token"})).text
    assert "You are signed in already" in page
    assert "good-token" not in page


async def test_no_link_is_on_its_way_that_nobody_asked_for(browse):
    answer = await browse().get("/sign-in/link")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
