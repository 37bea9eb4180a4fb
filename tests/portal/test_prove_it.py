"""Proving once more that it is really you: from any page, and from any form without losing what was typed."""

import re
from html import unescape

import pytest

from tests.portal.access import CODE, MAIL_CODE, RECOVERY
from tests.portal.people import ANNA, CLARA, NOBODY
from tests.portal.standin import ACME

NEW_CLIENT = {"name": 'Café "Süd" & Söhne', "variant": "delivery"}


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', page)
    return {unescape(name): unescape(value) for name, value in found}


@pytest.fixture
def stale(standin):
    """The last proof is too old for what matters; a password may be used."""
    standin.state["fresh"] = False
    return standin


async def test_a_form_that_needs_a_proof_is_done_after_it(browse, stale):
    browser = browse(ANNA)
    sent = await browser.post("/security/two-factor/enrol", data={"why": "to be safe"})
    assert (sent.status_code, sent.headers["Location"]) == (307, "/prove-it/ask?next=%2Fsecurity%2Ftwo-factor%2Fenrol")
    asked = await browser.post(sent.headers["Location"], data={"why": "to be safe"})
    assert "Confirm that it is you" in asked.text
    waiting = hidden(asked.text)
    assert waiting["why"] == "to be safe"
    proven = await browser.post("/prove-it", data={**waiting, "proof_value": " as typed "})
    assert (proven.status_code, proven.headers["Location"]) == (307, "/security/two-factor/enrol")
    assert "portal_session=rotated" in proven.headers["Set-Cookie"]
    assert stale.calls[-1].body == {"password": " as typed "}
    assert "Set up two-factor sign-in" in (await browser.post(proven.headers["Location"], data=waiting)).text


async def test_any_form_of_any_page_goes_this_way(browse, standin):
    standin.say("/clients", 403, "auth.step_up_required", "Confirm first that it is you.")
    answer = await browse(CLARA).post("/clients/new", data=NEW_CLIENT)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/prove-it/ask?next=%2Fclients%2Fnew")
    standin.say(f"/clients/{ACME}", 403, "auth.step_up_required", "Confirm first that it is you.")
    answer = await browse(CLARA).post(f"/clients/{ACME}/edit", data={"opened": "", **NEW_CLIENT})
    assert answer.status_code == 307


async def test_what_was_typed_comes_back_as_it_was_but_passwords(browse, stale):
    data = {"name": ['Café "Süd" & Söhne', "twice"], "password": "never-repeated", "new_password": "nor-this"}
    page = (await browse(ANNA).post("/prove-it/ask?next=/clients/new%3Fa%3Db", data=data)).text
    assert page.count('name="name"') == 2
    assert "Café &#34;Süd&#34; &amp; Söhne" in page
    assert "never-repeated" not in page
    assert "nor-this" not in page
    assert hidden(page)["proof_next"] == "/clients/new?a=b"


async def test_a_page_comes_back_as_a_page(browse, stale):
    stale.refuse("/projects", 403)
    browser = browse(ANNA)
    page = (await browser.get("/prove-it", params={"next": "/security/email?x=1"})).text
    answer = await browser.post("/prove-it", data={**hidden(page), "proof_value": " as typed "})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/security/email?x=1")


async def test_a_fresh_proof_is_not_asked_for_again(browse, standin):
    answer = await browse(ANNA).get("/prove-it", params={"next": "/security"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/security")
    elsewhere = await browse(ANNA).get("/prove-it", params={"next": "//evil.example"})
    assert elsewhere.headers["Location"] == "/"


async def test_it_never_leads_elsewhere(browse, stale):
    data = {"proof_next": "https://evil.example", "proof_resend": "1", "proof_value": " as typed "}
    assert (await browse(ANNA).post("/prove-it", data=data)).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("method", "typed", "sent"),
    [
        ("totp", "246 810", {"code": CODE}),
        ("recovery_code", f" {RECOVERY}", {"recovery_code": RECOVERY}),
        ("mail_code", "135 791", {"mail_code": MAIL_CODE}),
    ],
)
async def test_each_method_asks_for_its_own(browse, stale, method, typed, sent):
    stale.state["methods"] = ["totp", "recovery_code", "password", "mail_code"]
    data = {"proof_method": method, "proof_value": typed, "proof_next": "/security"}
    assert (await browse(ANNA).post("/prove-it", data=data)).headers["Location"] == "/security"
    assert stale.calls[-1].body == sent


async def test_a_method_one_may_not_use_is_not_offered_nor_taken(browse, stale):
    stale.state["methods"] = ["totp", "recovery_code"]
    page = await browse(ANNA).post("/prove-it/ask", data={"proof_way": "password"})
    assert 'type="password"' not in page.text
    assert "authenticator app" in page.text
    await browse(ANNA).post("/prove-it", data={"proof_method": "password", "proof_value": " as typed "})
    assert stale.calls[-1].path != "/auth/step-up" or "password" not in (stale.calls[-1].body or {})


async def test_another_way_keeps_what_waits(browse, stale):
    stale.state["methods"] = ["totp", "recovery_code"]
    browser = browse(ANNA)
    first = hidden((await browser.post("/prove-it/ask?next=/clients/new", data={"name": "Süd"})).text)
    page = (await browser.post("/prove-it/ask", data={**first, "proof_way": "recovery_code"})).text
    assert "Recovery code" in page
    assert hidden(page) == {**first, "proof_method": "recovery_code"}


async def test_a_code_is_mailed_on_request(browse, stale):
    stale.state["methods"] = ["mail_code"]
    browser = browse(ANNA)
    page = (await browser.get("/prove-it")).text
    assert "Mail me a code" in page
    assert 'name="proof_value"' not in page
    mailed = (await browser.post("/prove-it/mail", data=hidden(page))).text
    assert stale.written[-1][1] == "/auth/step-up/mail"
    assert 'autocomplete="one-time-code"' in mailed
    stale.refuse("/auth/step-up/mail", 429, headers={"Retry-After": "60"})
    again = await browser.post("/prove-it/mail", data=hidden(page))
    assert "Ask for another in 1 minute" in again.text
    assert 'name="proof_value"' in again.text


async def test_what_is_not_right_is_said_beside_the_field(browse, stale):
    page = await browse(ANNA).post("/prove-it", data={"proof_value": "wrong-secret", "name": "Süd"})
    assert page.status_code == 422
    assert "This is not your password" in page.text
    assert "wrong-secret" not in page.text
    assert hidden(page.text)["name"] == "Süd"
    assert "Enter your password." in (await browse(ANNA).post("/prove-it", data={})).text


async def test_a_fragment_moves_its_whole_page(browse, standin):
    standin.refuse("/projects", 403)
    standin.say(f"/clients/{ACME}", 403, "auth.step_up_required", "Confirm first that it is you.")
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://portal.test/clients/{ACME}?tab=1"}
    answer = await browse(CLARA).post(f"/clients/{ACME}/edit", data={"opened": "", **NEW_CLIENT}, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["HX-Redirect"] == f"/prove-it?next=%2Fclients%2F{ACME}%3Ftab%3D1"


@pytest.mark.parametrize("path", ["/prove-it", "/prove-it/ask"])
async def test_who_is_signed_out_signs_in_first(browse, path):
    method = "GET" if path == "/prove-it" else "POST"
    assert (await browse(NOBODY).request(method, path)).headers["Location"].startswith("/sign-in")


async def test_a_session_that_ended_meanwhile_is_no_wrong_password(browse, stale):
    stale.problems["/auth/step-up"] = {"status": 401, "code": "auth.required", "detail": "Sign in first."}
    answer = await browse(ANNA).post("/prove-it", data={"proof_value": " as typed "})
    assert answer.headers["Location"].startswith("/sign-in")


async def test_a_page_where_a_password_is_typed_asks_before_and_not_after(browse, stale):
    answer = await browse(ANNA).get("/security/password")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/prove-it?next=%2Fsecurity%2Fpassword")
    stale.state["fresh"] = True
    assert (await browse(ANNA).get("/security/password")).status_code == 200


async def test_whoever_has_nothing_but_a_passkey_is_told_to_use_it(browse, stale):
    stale.state["methods"] = ["passkey"]
    page = await browse(ANNA).post("/prove-it", data={"proof_value": "123456"})
    assert page.status_code == 422
    assert "Use your passkey, with the button below" in page.text
    assert "Use your passkey once more" in page.text
    assert 'data-passkey="get"' in page.text


@pytest.mark.parametrize("path", ["/security/password", "/security/passkeys/new", f"/clients/{ACME}/single-sign-on"])
@pytest.mark.parametrize("minutes", [0.1, 1.9, 2.1, 9.9])
async def test_a_proof_about_to_end_sends_nobody_to_and_fro(browse, standin, path, minutes):
    """Pages want two minutes left; the page that asks for a proof must not send back whom they would send there."""
    standin.state["fresh_minutes"] = minutes
    browser = browse(CLARA)
    page = await browser.get(path, follow_redirects=True)
    assert page.status_code == 200
    assert ("Confirm that it is you" in page.text) == (minutes < 2)
    if minutes < 2:
        proven = await browser.post("/prove-it", data={**hidden(page.text), "proof_value": " as typed "})
        assert (proven.status_code, proven.headers["Location"]) == (303, path)
        assert (await browser.get(path)).status_code == 200
