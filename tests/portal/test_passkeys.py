"""Pages of passkeys: one's own, signing in with one, and proving it with one."""

import json

import pytest

from tests.portal.access import FLOW
from tests.portal.keyring import CREDENTIAL
from tests.portal.people import ANNA, CLARA, NOBODY
from tests.portal.standin import ago, uid

HOME = "/security/passkeys"
FRAGMENT = {"HX-Request": "true"}
GOOD = json.dumps(CREDENTIAL)
LAPTOP, PHONE = uid(301), uid(302)


@pytest.fixture
def two(standin):
    """Anna has two passkeys."""
    standin.state["passkeys"] = [
        {"id": LAPTOP, "name": "Work <laptop>", "created_at": ago(days=30), "last_used_at": ago(hours=3)},
        {"id": PHONE, "name": "Phone", "created_at": ago(days=1), "last_used_at": None},
    ]
    return standin


async def test_without_a_passkey_the_page_says_what_one_is_for(browse):
    page = (await browse(ANNA).get(HOME)).text
    assert "No passkey yet" in page
    assert f'href="{HOME}/new"' in page


async def test_passkeys_are_listed_with_when_they_were_used(browse, two):
    page = (await browse(ANNA).get(HOME)).text
    assert "Work &lt;laptop&gt;" in page
    assert "3 hours ago" in page
    assert "not used yet" in page
    for passkey in (LAPTOP, PHONE):
        assert f"{HOME}/{passkey}/rename" in page
        assert f"{HOME}/{passkey}/remove" in page


async def test_a_new_one_is_made_by_the_browser_and_sent_as_a_form(browse, standin):
    browser = browse(CLARA)
    page = (await browser.get(f"{HOME}/new")).text
    assert 'data-passkey="create"' in page
    assert 'data-options="/api/client-portal/passkeys/options"' in page
    assert "data-no-passkeys" in page
    answer = await browser.post(f"{HOME}/new", data={"name": "Laptop", "credential": GOOD})
    assert (answer.status_code, answer.headers["location"]) == (303, HOME)
    assert standin.written[-1] == ("POST", "/passkeys", {"name": "Laptop", "credential": CREDENTIAL})
    assert "Your passkey is ready" in (await browser.get(HOME)).text


async def test_where_passkeys_are_not_accepted_none_is_offered_and_those_there_are_say_so(browse, two):
    two.state |= {"accepted": ["magic_link", "sso"], "fresh": False}
    page = (await browse(ANNA).get(HOME)).text
    assert "Passkeys do not sign you in" in page
    assert "Acme GmbH accepts mailed links and your organisation's own sign-in only." in page.replace("&#39;", "'")
    assert f'href="{HOME}/new"' not in page
    assert f"{HOME}/{PHONE}/remove" in page
    answer = await browse(ANNA).get(f"{HOME}/new")
    assert (answer.status_code, answer.headers["location"]) == (303, HOME)
    two.state["passkeys"] = []
    page = (await browse(ANNA).get(HOME)).text
    assert "No passkey yet" not in page


async def test_the_proof_is_asked_for_before_the_form(browse, standin):
    standin.state["fresh"] = False
    answer = await browse(ANNA).get(f"{HOME}/new")
    assert (answer.status_code, answer.headers["location"]) == (303, "/prove-it?next=%2Fsecurity%2Fpasskeys%2Fnew")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "", "credential": GOOD}, "Give it a name."),
        ({"name": "Laptop", "credential": ""}, "Your browser made no passkey."),
        ({"name": "Laptop", "credential": "[1]"}, "Your browser made no passkey."),
        ({"name": "Laptop", "credential": '{"id": "bad"}'}, "The passkey could not be added. Start again."),
    ],
)
async def test_what_is_missing_or_refused_is_said_and_the_name_stays(browse, data, words):
    page = await browse(ANNA).post(f"{HOME}/new", data=data)
    assert page.status_code == 422
    assert words in page.text
    assert f'value="{data["name"]}"' in page.text


async def test_a_passkey_is_renamed(browse, two):
    browser = browse(ANNA)
    assert 'value="Work &lt;laptop&gt;"' in (await browser.get(f"{HOME}/{LAPTOP}/rename")).text
    empty = await browser.post(f"{HOME}/{LAPTOP}/rename", data={"name": " "})
    assert (empty.status_code, "Give it a name." in empty.text) == (422, True)
    answer = await browser.post(f"{HOME}/{LAPTOP}/rename", data={"name": "Laptop"})
    assert answer.headers["location"] == HOME
    assert two.written == [("PATCH", f"/passkeys/{LAPTOP}", {"name": "Laptop"})]


async def test_removing_asks_first_and_is_done_once(browse, two):
    browser, path = browse(ANNA), f"{HOME}/{PHONE}/remove"
    for shown in ((await browser.get(path)).text, (await browser.get(path, headers=FRAGMENT)).text):
        assert "Remove Phone?" in shown
        assert f'action="{path}" method="post"' in shown
    assert two.written == []
    answer = await browser.post(path)
    assert answer.headers["location"] == HOME
    assert "portal_session=rotated" in str(answer.headers.get_list("Set-Cookie"))
    assert "That passkey is removed" in (await browser.get(HOME)).text
    await browser.post(path)
    assert "It was removed already" in (await browser.get(HOME)).text


@pytest.mark.parametrize("passkey", [uid(999), "nonsense"])
async def test_a_passkey_that_is_not_ones_own_is_not_there(browse, two, passkey):
    for page in ("rename", "remove"):
        assert (await browse(ANNA).get(f"{HOME}/{passkey}/{page}")).status_code == 404


async def test_the_sign_in_offers_it_and_goes_where_the_person_was_heading(browse):
    browser = browse(NOBODY)
    page = (await browser.get("/sign-in?next=/projects")).text
    assert 'data-options="/api/client-portal/auth/passkey/options"' in page
    browser.cookies.set("portal_flow", FLOW)
    answer = await browser.post("/sign-in/passkey", data={"credential": GOOD, "next": "/projects"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")
    assert any(cookie.startswith("portal_session=") for cookie in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("credential", ['{"id": "bad"}', "", "nonsense"])
async def test_a_refused_passkey_leads_calmly_back(browse, credential):
    answer = await browse(NOBODY).post("/sign-in/passkey", data={"credential": credential, "next": "//evil.example"})
    assert answer.status_code in (401, 422)
    assert "This passkey was not accepted." in answer.text
    assert 'href="/sign-in?next=/"' in answer.text
    assert "set-cookie" not in answer.headers


async def test_too_many_tries_say_how_long_to_wait(browse, standin):
    standin.refuse("/auth/passkey", 429, headers={"Retry-After": "120"})
    page = await browse(NOBODY).post("/sign-in/passkey", data={"credential": GOOD})
    assert "Please wait 2 minutes" in page.text


async def test_a_passkey_proves_it_and_the_form_goes_on(browse, standin):
    standin.state |= {"fresh": False, "methods": ["totp", "recovery_code", "passkey"]}
    browser = browse(ANNA)
    page = (await browser.get("/prove-it?next=/security")).text
    assert 'data-options="/api/client-portal/auth/step-up/passkey/options"' in page
    sent = {"proof_credential": GOOD, "proof_next": f"{HOME}/{LAPTOP}/remove", "proof_resend": "1"}
    answer = await browser.post("/prove-it/passkey", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (307, f"{HOME}/{LAPTOP}/remove")
    assert "portal_session=rotated" in answer.headers["set-cookie"]
    page = await browser.post(
        "/prove-it/passkey", data={"proof_credential": GOOD, "proof_next": "https://evil.example"}
    )
    assert (page.status_code, page.headers["location"]) == (303, "/")


async def test_a_passkey_that_does_not_prove_it_is_said_so(browse, standin):
    data = {"proof_credential": "{}", "proof_next": "/security"}
    answer = await browse(ANNA).post("/prove-it/passkey", data=data)
    assert answer.status_code == 422
    assert 'href="/prove-it?next=/security"' in answer.text
