"""Signing in at one's own organisation: who comes in as whom, and what works once."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.clock import moved_to, now
from tests.identity.idp import CLIENT, SECRET
from tests.identity.races import one_of_all
from tests.identity.rig import Browser, Identity, full_step, somewhere
from tests.identity.single_sign_on.rig import REDIRECT_URI, REFUSED, Organisation, organisation, seen


def body_of(event: Any) -> dict[str, Any]:
    return json.loads(bytes(event.data))


async def linked(identity: Identity, person: dict[str, Any]) -> int:
    rows = await identity.execute("select 1 from federated_identities where person_id = $1", person["id"])
    return len(rows)


async def test_the_first_sign_in_links_and_the_next_goes_by_subject(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    acme.seat(person)
    browser = await identity.browser()
    answer = await acme.come_in(browser)
    assert answer.status_code == 200, answer.text
    assert answer.json()["person"]["id"] == person["id"]
    assert answer.json()["next"] is None
    await browser.refresh()
    assert (await browser("GET", "auth/me")).json()["id"] == person["id"]
    # The address there may change to anything: it is not who they are.
    acme.seat(person, email="somebody.else@elsewhere.example", email_verified=False)
    assert (await acme.come_in()).json()["person"]["id"] == person["id"]
    assert len(await identity.events("identity_linked", person["id"])) == 1
    told = [body_of(event) for event in await identity.events("login", person["id"])]
    assert [(each["method"], each["second_factor"]) for each in told] == [("sso", "provider")] * 2


async def test_the_way_there_is_pkce_with_state_and_nonce(acme: Organisation, identity: Identity) -> None:
    browser = await identity.browser()
    location = urlsplit(await acme.leave(browser))
    asked = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert f"{location.scheme}://{location.netloc}{location.path}" == f"{acme.idp.url}/authorize"
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT
    assert asked["redirect_uri"] == REDIRECT_URI
    assert asked["scope"].split()[0] == "openid"
    assert asked["code_challenge_method"] == "S256"
    again = {name: values[0] for name, values in parse_qs(urlsplit(await acme.leave(browser)).query).items()}
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]


async def test_no_secret_of_a_sign_in_is_kept_in_clear(acme: Organisation, identity: Identity) -> None:
    browser = await identity.browser()
    asked = parse_qs(urlsplit(await acme.leave(browser)).query)
    flow = (asked["state"][0], asked["nonce"][0], browser.cookies["portal_flow"])
    assert await identity.kept(*flow, SECRET, SECRET.encode().hex()) == []


async def test_an_address_of_no_provider_learns_nothing(acme: Organisation, identity: Identity) -> None:
    person = await identity.person(await identity.client())
    for email in (person["email"], "nobody@nowhere.example"):
        answer = await (await identity.browser())("POST", "auth/sso", json={"email": email})
        assert (answer.status_code, answer.json()) == (200, {"location": None})
        assert "set-cookie" not in answer.headers
    known = (await acme.person())["email"]
    answers = [
        (await (await identity.browser())("POST", "auth/sso", json={"email": email})).json()["location"]
        for email in (known, known.upper(), f"nobody@{acme.domain}")
    ]
    assert {each.partition("?")[0] for each in answers} == {f"{acme.idp.url}/authorize"}


UNVERIFIED: dict[str, dict[str, Any]] = {
    "not verified": {"email_verified": False},
    "nothing said": {"email_verified": None},
    "said as text": {"email_verified": "true"},
    "said as a number": {"email_verified": 1},
    "no address": {"email": None},
    "another's domain": {"email": "approver@birch.example"},
}


@pytest.mark.parametrize("user", UNVERIFIED.values(), ids=UNVERIFIED)
async def test_an_address_that_is_not_vouched_for_links_nobody(
    acme: Organisation, identity: Identity, user: dict[str, Any]
) -> None:
    person = await acme.person()
    acme.seat(person, **user)
    acme.idp.user = {name: value for name, value in acme.idp.user.items() if value is not None}
    assert seen(await acme.come_in()) == REFUSED
    assert await linked(identity, person) == 0


async def test_the_domain_must_be_one_the_provider_speaks_for(acme: Organisation, identity: Identity) -> None:
    person = await identity.person(acme.client_id)
    acme.seat(person)
    assert seen(await acme.come_in()) == REFUSED
    assert await linked(identity, person) == 0


async def test_nobody_of_the_staff_or_of_another_client_comes_in_this_way(
    acme: Organisation, identity: Identity
) -> None:
    staff = await identity.person(email=f"boss@{acme.domain}")
    other = await identity.person(await identity.client(), email=f"other@{acme.domain}")
    for person in (staff, other, None):
        acme.seat(person)
        assert seen(await acme.come_in()) == REFUSED
    assert await linked(identity, staff) + await linked(identity, other) == 0


async def test_a_second_issuer_does_not_become_a_person_another_vouched_for(
    acme: Organisation, identity: Identity
) -> None:
    victim = await acme.person()
    acme.seat(victim)
    assert (await acme.come_in()).status_code == 200
    async with organisation(identity) as birch:
        birch.seat(victim, sub=acme.idp.user["sub"])
        assert seen(await birch.come_in()) == REFUSED
    assert await linked(identity, victim) == 1


async def test_the_same_subject_at_a_shared_issuer_stays_with_its_client(
    acme: Organisation, identity: Identity
) -> None:
    person = await acme.person()
    acme.seat(person)
    assert (await acme.come_in()).status_code == 200
    birch = Organisation(identity, acme.idp, await identity.client())
    assert (await birch.configure()).status_code == 200
    assert seen(await birch.come_in()) == REFUSED


async def test_an_address_given_to_the_next_one_is_not_the_same_person(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    acme.seat(person)
    assert (await acme.come_in()).status_code == 200
    acme.seat(person, sub="who has the address now")
    assert seen(await acme.come_in()) == REFUSED
    assert await linked(identity, person) == 1


async def test_a_contact_without_access_is_not_let_in(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    await identity.execute("update people set portal_access = false where id = $1", person["id"])
    acme.seat(person)
    assert seen(await acme.come_in()) == REFUSED


async def test_who_is_shut_out_is_refused_like_anybody(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    acme.seat(person)
    assert (await acme.come_in()).status_code == 200
    answers = []
    for statement, about in (
        ("update people set active = $2 where id = $1", person["id"]),
        ("update people set portal_access = $2 where id = $1", person["id"]),
    ):
        await identity.execute(statement, about, False)
        answers.append(await acme.come_in())
        await identity.execute(statement, about, True)
    browser = await identity.browser()
    brought = await acme.idp.visit(await acme.leave(browser))
    await identity.execute("update clients set portal_enabled = false where id = $1", acme.client_id)
    answers.append(await browser("POST", "auth/sso/callback", json=brought))
    assert await acme.leave(browser) is None
    await identity.execute("update clients set portal_enabled = true where id = $1", acme.client_id)
    acme.idp.claims = {"nonce": "wrong"}
    answers.append(await acme.come_in())
    assert {(*seen(answer), answer.text, len(answer.headers)) for answer in answers} == {
        (*REFUSED, answers[0].text, len(answers[0].headers))
    }
    reasons = [body_of(event)["reason"] for event in await identity.events("failed_login", person["id"])]
    assert reasons == ["closed"] * 3


async def test_a_client_that_does_not_admit_it_has_no_way_there(identity: Identity) -> None:
    async with organisation(identity, sign_in_methods=["magic_link"]) as made:
        assert await made.leave(await identity.browser()) is None


async def test_a_state_is_good_once_and_in_its_own_browser(acme: Organisation, identity: Identity) -> None:
    acme.seat(await acme.person())
    mine, other = await identity.browser(), await identity.browser()
    await acme.leave(other)
    brought = await acme.idp.visit(await acme.leave(mine))
    for stranger in (other, await identity.browser()):
        assert seen(await stranger("POST", "auth/sso/callback", json=brought)) == REFUSED
    forged = brought | {"state": brought["state"][:-1] + "!"}
    assert seen(await mine("POST", "auth/sso/callback", json=forged)) == REFUSED
    assert (await mine("POST", "auth/sso/callback", json=brought)).status_code == 200
    assert seen(await mine("POST", "auth/sso/callback", json=brought)) == REFUSED


async def test_a_state_is_old_after_ten_minutes(acme: Organisation, identity: Identity) -> None:
    acme.seat(await acme.person())
    browser = await identity.browser()
    brought = await acme.idp.visit(await acme.leave(browser))
    with moved_to(now() + timedelta(minutes=10, seconds=1)):
        assert seen(await browser("POST", "auth/sso/callback", json=brought)) == REFUSED
    assert "/token" not in acme.idp.calls


async def test_of_fifty_returns_with_one_state_one_signs_in(acme: Organisation, identity: Identity) -> None:
    """A2."""
    person = await acme.person()
    acme.seat(person)
    browser = await identity.browser()
    brought = await acme.idp.visit(await acme.leave(browser))
    tabs = [Browser(identity, somewhere()) for _ in range(50)]
    for tab in tabs:
        tab.cookies = dict(browser.cookies)
    answers = await asyncio.gather(*(tab("POST", "auth/sso/callback", json=brought) for tab in tabs))
    one_of_all(answers, 200, 401)
    assert acme.idp.calls.count("/token") == 1


async def test_two_first_sign_ins_at_once_link_once(acme: Organisation, identity: Identity) -> None:
    person = await acme.person()
    acme.seat(person)
    answers = await asyncio.gather(*(acme.come_in() for _ in range(5)))
    assert 200 in {answer.status_code for answer in answers}
    assert await linked(identity, person) == 1
    assert len(await identity.events("identity_linked", person["id"])) == 1


async def test_a_code_is_good_once_and_for_whom_it_was_made(acme: Organisation, identity: Identity) -> None:
    """A code somebody else caught is of no use: it was asked for with another verifier (RFC 9700, 2.1.1)."""
    acme.seat(await acme.person())
    victim, thief = await identity.browser(), await identity.browser()
    caught = (await acme.idp.visit(await acme.leave(victim)))["code"]
    assert seen(await acme.come_in(thief, code=caught)) == REFUSED
    assert caught in acme.idp.codes, "the provider took it, although the verifier was another's"
    used = (await acme.idp.visit(await acme.leave(victim)))["code"]
    assert (await acme.come_in(victim, code=used)).status_code == 401
    assert seen(await acme.come_in(code="never made")) == REFUSED


async def test_another_issuer_s_answer_gets_no_code(acme: Organisation) -> None:
    """Mix-up (RFC 9207)."""
    acme.seat(await acme.person())
    for iss in ("https://honest.example", acme.idp.url + "/", None):
        assert seen(await acme.come_in(iss=iss)) == REFUSED
    assert "/token" not in acme.idp.calls


async def test_a_provider_that_does_not_name_itself_is_still_good(identity: Identity) -> None:
    async with organisation(identity) as made:
        made.idp.metadata = {"authorization_response_iss_parameter_supported": False}
        await made.configure()
        made.seat(await made.person())
        assert (await made.come_in()).status_code == 200
        assert seen(await made.come_in(iss="https://honest.example")) == REFUSED


async def test_a_provider_that_wants_the_secret_in_the_body_gets_it_there(identity: Identity) -> None:
    async with organisation(identity) as made:
        made.idp.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        await made.configure()
        made.seat(await made.person())
        assert (await made.come_in()).status_code == 200


async def test_settings_changed_meanwhile_end_what_was_under_way(acme: Organisation, identity: Identity) -> None:
    acme.seat(await acme.person())
    browser = await identity.browser()
    brought = await acme.idp.visit(await acme.leave(browser))
    await identity.execute(
        "update identity_providers set issuer = 'https://new.example' where client_id = $1", acme.client_id
    )
    assert seen(await browser("POST", "auth/sso/callback", json=brought)) == REFUSED
    assert "/token" not in acme.idp.calls


@pytest.mark.parametrize(
    "body", [{}, {"code": "x"}, {"code": "", "state": "x"}, {"code": "x", "state": "x", "more": 1}]
)
async def test_an_answer_without_code_or_state_is_no_answer(identity: Identity, body: dict[str, Any]) -> None:
    assert (await (await identity.browser())("POST", "auth/sso/callback", json=body)).status_code == 422


async def test_setting_out_is_bounded(identity: Identity) -> None:
    browser = await identity.browser()
    answers = [await browser("POST", "auth/sso", json={"email": "a@nowhere.example"}) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]


async def test_whom_a_provider_brings_for_the_first_time_shows_the_factor_they_have(
    acme: Organisation, identity: Identity
) -> None:
    """An address that a provider vouches for is not enough to be somebody who has set up a second factor."""
    person = await acme.person()
    app, _ = await (await identity.browser(person)).enrol()
    acme.seat(person)
    for _ in range(2):  # coming again is no way around it
        browser = await identity.browser()
        answer = await acme.come_in(browser)
        assert (answer.json()["person"], answer.json()["next"]) == (None, "second_factor")
        assert (await browser.show(code=app.wrong())).status_code == 401
    assert await linked(identity, person) == 0
    assert (await browser.show(code=app.code())).json()["person"]["id"] == person["id"]
    assert await linked(identity, person) == 1
    assert (await acme.come_in()).json()["person"]["id"] == person["id"]


async def test_who_joined_with_an_account_shows_the_accounts_factor(acme: Organisation, identity: Identity) -> None:
    account = await identity.person(await identity.client())
    app, _ = await (await identity.browser(account)).enrol()
    guest = await acme.person(password=None)
    joined = "update people set account_id = $2, joined_at = now() where id = $1"
    await identity.execute(joined, guest["id"], account["id"])
    acme.seat(guest)
    browser = await identity.browser()
    assert (await acme.come_in(browser)).json()["next"] == "second_factor"
    shown = await browser.show(code=app.code())
    assert shown.json()["person"]["id"] == guest["id"]
    assert await linked(identity, guest) == 1


async def test_another_subject_that_was_faster_is_not_overtaken(acme: Organisation, identity: Identity) -> None:
    """Between the address and the code somebody else may have become this person."""
    person = await acme.person()
    app, _ = await (await identity.browser(person)).enrol()
    browsers = [await identity.browser() for _ in range(2)]
    for number, browser in enumerate(browsers):
        acme.seat(person, sub=f"subject {number}")
        assert (await acme.come_in(browser)).json()["next"] == "second_factor"
    assert (await browsers[0].show(code=app.code())).status_code == 200
    await full_step()
    assert (await browsers[1].show(code=app.code(1))).status_code == 401
    assert await linked(identity, person) == 1


async def test_whether_a_domain_has_its_own_sign_in_is_told_of_the_domain_alone(
    acme: Organisation, identity: Identity
) -> None:
    """A5: whoever asks could begin it. It begins nothing, and somebody and nobody of the domain are answered alike."""
    person, browser = await acme.person(), await identity.browser()

    async def look(email: str) -> Any:
        return (await browser("POST", "auth/sso/domain", json={"email": email})).json()

    assert await look(person["email"]) == await look(f"nobody@{acme.domain}") == {"known": True}
    assert await look("nobody@elsewhere.example") == {"known": False}
    assert "portal_flow" not in browser.cookies
    narrowed = "update clients set sign_in_methods = '{magic_link}' where id = $1"
    await identity.execute(narrowed, acme.client_id)
    assert await look(person["email"]) == {"known": False}
    client = await identity.execute("select 1 from one_time_tokens where client_id = $1", acme.client_id)
    assert client == []
