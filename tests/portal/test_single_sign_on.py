"""Pages of an organisation's own sign-in: there and back, and staff's settings for it."""

from html import unescape

import pytest

from tests.portal.access import FLOW
from tests.portal.keyring import PROVIDER, SETTINGS
from tests.portal.people import ANNA, CLARA, JONAS, NOBODY
from tests.portal.standin import ACME
from tests.portal.test_project_forms import typed

BACK = {"code": "c-1", "state": "s-1", "iss": "https://login.acme.example"}
PATH = f"/clients/{ACME}/single-sign-on"
FORM = {"issuer": "https://login.acme.example", "oauth_client_id": "portal", "domains": "acme.example"}


async def test_the_address_leads_to_the_organisation_without_scripts_or_forms(browse):
    browser = browse(NOBODY)
    page = await browser.post("/sign-in/sso", data={"email": "anna@acme.example", "next": "/projects"})
    assert page.status_code == 201 or page.status_code == 200
    text = unescape(page.text)
    assert f'<meta http-equiv="refresh" content="0; url={PROVIDER}">' in text
    assert f'href="{PROVIDER}"' in text
    cookies = page.headers.get_list("set-cookie")
    assert any(cookie.startswith(f"portal_flow={FLOW}") for cookie in cookies)
    assert any(cookie.startswith("portal_next=") and "HttpOnly" in cookie for cookie in cookies)


async def test_the_sign_in_offers_it(browse):
    browser = browse(NOBODY)
    await browser.post("/sign-in", data={"email": "anna@acme.example"})
    page = (await browser.get("/sign-in/proof")).text
    assert 'action="/sign-in/sso"' in page
    assert "E-mail" in (await browse(NOBODY).get("/sign-in/sso?next=/projects")).text


async def test_coming_back_signs_in_and_goes_on(browse):
    browser = browse(NOBODY)
    browser.cookies.set("portal_flow", FLOW)
    browser.cookies.set("portal_next", "/projects")
    answer = await browser.get("/sign-in/sso/callback", params=BACK)
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")
    assert any(cookie.startswith("portal_session=") for cookie in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "c-1"},
        BACK | {"error": "<script>"},
        BACK | {"state": "another"},
        BACK | {"iss": "https://evil.example"},
    ],
)
async def test_an_answer_that_is_none_is_refused_calmly(browse, query):
    browser = browse(NOBODY)
    browser.cookies.set("portal_flow", FLOW)
    answer = await browser.get("/sign-in/sso/callback", params=query)
    assert answer.status_code == 401
    assert "leads to no account here" in answer.text
    assert "access_denied" not in answer.text
    assert "portal_session" not in str(answer.headers)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "You left your organisation&#39;s sign-in"),
        ("server_error", "a problem of its own (server_error)"),
    ],
)
@pytest.mark.parametrize("query", [{}, {"state": "s-1"}, BACK])
async def test_leaving_the_provider_is_told_as_what_it_is(browse, standin, query, error, words):
    browser = browse(NOBODY)
    browser.cookies.set("portal_flow", FLOW)
    answer = await browser.get("/sign-in/sso/callback", params=query | {"error": error})
    assert answer.status_code == 401
    assert words in answer.text
    assert "leads to no account" not in answer.text
    assert not [call for call in standin.calls if call.path == "/auth/sso/callback"]


async def test_an_address_of_nobody_is_told_to_take_another_way(browse):
    page = await browse(NOBODY).post("/sign-in/sso", data={"email": "anna@nowhere.example"})
    assert "No organisation" in page.text
    assert 'value="anna@nowhere.example"' in page.text


async def test_an_organisation_that_is_away_is_said_to_be(browse, standin):
    for path in ("/auth/sso", "/auth/sso/callback"):
        standin.say(path, 503, "auth.sso_away", "Not answering.")
    browser = browse(NOBODY)
    there = await browser.post("/sign-in/sso", data={"email": "anna@acme.example"})
    back = await browser.get("/sign-in/sso/callback", params=BACK)
    for page in (there, back):
        assert page.status_code == 503
        assert "is not answering right now" in page.text
        assert 'href="/sign-in?next=' in page.text


async def test_settings_show_what_to_register_and_never_a_secret(browse, standin):
    page = (await browse(CLARA).get(PATH)).text
    assert "https://portal.example/sign-in/sso/callback" in page
    assert f"{PATH}/remove" not in page
    standin.state["single_sign_on"] = dict(SETTINGS)
    page = (await browse(CLARA).get(PATH)).text
    assert 'value="https://login.acme.example"' in page
    assert 'value="acme.de, acme.example"' in page
    assert "2 people" in page
    assert f"{PATH}/remove" in page


async def test_settings_are_saved(browse, standin):
    data = FORM | {"client_secret": "s3cret", "domains": "Acme.example, acme.de\n  acme.at "}
    answer = await browse(CLARA).post(PATH, data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    (sent,) = [body for method, _, body in standin.written if method == "PUT"]
    assert sent == FORM | {"client_secret": "s3cret", "domains": ["Acme.example", "acme.de", "acme.at"]}


async def test_an_empty_secret_is_left_as_it_is(browse, standin):
    await browse(CLARA).post(PATH, data=FORM | {"client_secret": ""})
    (sent,) = [body for method, _, body in standin.written if method == "PUT"]
    assert "client_secret" not in sent


async def test_what_is_missing_or_refused_stays_on_the_form_but_the_secret(browse, standin):
    page = await browse(CLARA).post(PATH, data=FORM | {"issuer": "", "client_secret": "s3cret"})
    assert page.status_code == 422
    assert "Enter the issuer" in page.text
    assert "s3cret" not in page.text
    words = "Nothing that speaks OpenID Connect answers at this address."
    standin.say(
        f"/clients/{ACME}/single-sign-on", 422, "single_sign_on.issuer_unusable", words,
        errors=[{"field": "issuer", "message": words}],
    )  # fmt: skip
    page = await browse(CLARA).post(PATH, data=FORM | {"client_secret": "s3cret"})
    assert words in page.text
    assert "s3cret" not in page.text


async def test_a_domain_that_somebody_else_added_meanwhile_stays(browse, standin):
    standin.state["single_sign_on"] = dict(SETTINGS)
    browser = browse(CLARA)
    opened = typed((await browser.get(PATH)).text)
    standin.state["single_sign_on"] |= {"domains": ["acme.at", "acme.de", "acme.example"]}
    await browser.post(PATH, data=opened | {"oauth_client_id": "another", "client_secret": "s3cret"})
    (sent,) = [body for method, _, body in standin.written if method == "PUT"]
    assert (sent["oauth_client_id"], sent["domains"]) == ("another", ["acme.at", "acme.de", "acme.example"])
    both = await browser.post(PATH, data=opened | {"domains": "acme.de"})
    assert (both.status_code, "saved this" in both.text, "acme.at" in both.text) == (412, True, True)
    assert len(standin.written) == 1


async def test_a_proof_comes_first_and_carries_no_secret(browse, standin):
    standin.state["fresh"] = False
    browser = browse(CLARA)
    opened = await browser.get(PATH)
    assert (opened.status_code, opened.headers["location"].partition("?")[0]) == (303, "/prove-it")
    sent = await browser.post(PATH, data=FORM | {"client_secret": "s3cret"})
    assert sent.status_code == 307
    asked = await browser.post(sent.headers["location"], data=FORM | {"client_secret": "s3cret"})
    assert "s3cret" not in asked.text
    assert 'name="issuer" value="https://login.acme.example"' in asked.text


async def test_removing_asks_first(browse, standin):
    standin.state["single_sign_on"] = dict(SETTINGS)
    browser = browse(CLARA)
    assert "Remove the sign-in of Acme GmbH?" in (await browser.get(f"{PATH}/remove")).text
    assert (await browser.post(f"{PATH}/remove")).headers["location"] == PATH
    assert ("DELETE", f"/clients/{ACME}/single-sign-on", None) in standin.written


@pytest.mark.parametrize("person", [ANNA, JONAS])
async def test_settings_are_for_who_manages_clients(browse, person):
    for path in (PATH, f"{PATH}/remove"):
        assert (await browse(person).get(path)).status_code == 403
        assert (await browse(person).post(path, data=FORM)).status_code == 403
