"""Signing in with a passkey, and with everything that is none."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from shared.clock import moved_to, now, uuid7
from tests.identity.authenticator import Authenticator
from tests.identity.passkeys.rig import REFUSED, WRONG, add, enter, options, registered, seen
from tests.identity.races import one_of_all
from tests.identity.rig import PUBLIC_URL, Browser, Identity, somewhere


async def test_a_passkey_signs_in_without_an_address(identity: Identity) -> None:
    person, _, authenticator = await registered(identity)
    browser = await identity.browser()
    answer = await enter(browser, authenticator)
    assert answer.status_code == 200, answer.text
    assert answer.json()["person"]["id"] == person["id"]
    assert answer.json()["next"] is None
    await browser.refresh()
    assert (await browser("GET", "auth/me")).json()["id"] == person["id"]
    event = (await identity.events("login", person["id"]))[-1]
    assert json.loads(bytes(event.data)) | {"method": "passkey", "second_factor": "user_verification"} == json.loads(
        bytes(event.data)
    )


async def test_staff_have_passkeys_too(identity: Identity) -> None:
    person, authenticator = await identity.person(), Authenticator()
    assert (await add(await identity.browser(person), authenticator)).status_code == 201
    assert (await enter(await identity.browser(), authenticator)).json()["person"]["id"] == person["id"]


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_what_no_authenticator_of_ours_would_sign_opens_nothing(
    identity: Identity, wrong: dict[str, Any]
) -> None:
    person, _, authenticator = await registered(identity)
    for name, value in wrong.items():
        setattr(authenticator, name, value)
    assert seen(await enter(await identity.browser(), authenticator)) == REFUSED
    failed = (await identity.events("failed_login", person["id"]))[-1]
    assert json.loads(bytes(failed.data))["reason"] == "wrong"


async def test_a_signature_of_another_key_or_for_another_person_opens_nothing(identity: Identity) -> None:
    _, _, authenticator = await registered(identity)
    forged = Authenticator(credential_id=authenticator.credential_id)
    assert seen(await enter(await identity.browser(), forged)) == REFUSED
    authenticator.user_handle = uuid7().bytes
    assert seen(await enter(await identity.browser(), authenticator)) == REFUSED
    assert seen(await enter(await identity.browser(), Authenticator())) == REFUSED


async def test_a_challenge_is_good_in_the_browser_it_went_to(identity: Identity) -> None:
    _, _, authenticator = await registered(identity)
    first, second = await identity.browser(), await identity.browser()
    asked = await options(first, "auth/passkey/options")
    await options(second, "auth/passkey/options")
    credential = authenticator.sign(asked)
    for stranger in (second, await identity.browser()):
        assert seen(await stranger("POST", "auth/passkey", json={"credential": credential})) == REFUSED
    assert (await first("POST", "auth/passkey", json={"credential": credential})).status_code == 200


async def test_a_challenge_is_old_after_five_minutes(identity: Identity) -> None:
    _, _, authenticator = await registered(identity)
    browser = await identity.browser()
    asked = await options(browser, "auth/passkey/options")
    with moved_to(now() + timedelta(minutes=5, seconds=1)):
        answer = await browser("POST", "auth/passkey", json={"credential": authenticator.sign(asked)})
    assert seen(answer) == REFUSED


async def test_a_challenge_for_one_thing_is_good_for_nothing_else(identity: Identity) -> None:
    _, browser, authenticator = await registered(identity)
    asked = await options(browser, "passkeys/options")
    assert seen(await browser("POST", "auth/passkey", json={"credential": authenticator.sign(asked)})) == REFUSED
    asked = await options(browser, "auth/passkey/options")
    made = Authenticator().make(asked | {"user": {"id": bytes_to_base64url(uuid7().bytes)}})
    answer = await browser("POST", "passkeys", json={"name": "Phone", "credential": made})
    assert seen(answer) == (422, "passkey.unusable")


async def test_of_fifty_answers_to_one_challenge_one_signs_in(identity: Identity) -> None:
    """A2."""
    _, _, authenticator = await registered(identity)
    browser = await identity.browser()
    credential = authenticator.sign(await options(browser, "auth/passkey/options"))
    tabs = [Browser(identity, somewhere()) for _ in range(50)]
    for tab in tabs:
        tab.cookies = dict(browser.cookies)
    answers = await asyncio.gather(*(tab("POST", "auth/passkey", json={"credential": credential}) for tab in tabs))
    one_of_all(answers, 200, 401)


async def test_a_counter_that_does_not_rise_is_a_copied_key(identity: Identity) -> None:
    person, _, authenticator = await registered(identity, counter=5)
    assert (await enter(await identity.browser(), authenticator)).status_code == 200
    for counter in (4, 5):
        authenticator.counter = counter
        assert seen(await enter(await identity.browser(), authenticator)) == REFUSED
    assert len(await identity.events("passkey_clone_suspected", person["id"])) == 2
    assert len(await identity.events("failed_login", person["id"])) == 2
    authenticator.counter = 6
    assert (await enter(await identity.browser(), authenticator)).status_code == 200


async def test_a_forged_signature_does_not_speak_of_copies(identity: Identity) -> None:
    person, _, authenticator = await registered(identity, counter=5)
    forged = Authenticator(credential_id=authenticator.credential_id, counter=1)
    assert seen(await enter(await identity.browser(), forged)) == REFUSED
    assert await identity.events("passkey_clone_suspected", person["id"]) == []


async def test_two_copies_at_once_are_seen(identity: Identity) -> None:
    person, _, authenticator = await registered(identity, counter=5)
    browsers = [await identity.browser() for _ in range(2)]
    credentials = []
    for browser in browsers:
        authenticator.counter = 7
        credentials.append(authenticator.sign(await options(browser, "auth/passkey/options")))
    tries = zip(browsers, credentials, strict=True)
    answers = await asyncio.gather(
        *(browser("POST", "auth/passkey", json={"credential": credential}) for browser, credential in tries)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert len(await identity.events("passkey_clone_suspected", person["id"])) == 1


async def test_an_authenticator_that_never_counts_may_go_on(identity: Identity) -> None:
    _, _, authenticator = await registered(identity)
    for _ in range(2):
        assert (await enter(await identity.browser(), authenticator)).status_code == 200


async def test_who_is_shut_out_is_refused_like_anybody(identity: Identity) -> None:
    person, browser, authenticator = await registered(identity)
    answers = [await enter(await identity.browser(), Authenticator())]
    closures: list[tuple[str, str]] = [
        ("update people set active = $2 where id = $1", person["id"]),
        ("update clients set portal_enabled = $2 where id = $1", str(browser.actor.client_id)),
    ]
    for statement, about in closures:
        await identity.execute(statement, about, False)
        answers.append(await enter(await identity.browser(), authenticator))
        await identity.execute(statement, about, True)
    methods = "update clients set sign_in_methods = $2 where id = $1"
    await identity.execute(methods, str(browser.actor.client_id), ["magic_link"])
    answers.append(await enter(await identity.browser(), authenticator))
    assert {(answer.status_code, answer.text, len(answer.headers)) for answer in answers} == {
        (401, answers[0].text, len(answers[0].headers))
    }
    reasons = [json.loads(bytes(event.data))["reason"] for event in await identity.events("failed_login", person["id"])]
    assert reasons == ["closed", "closed", "method"]


async def test_a_mailed_code_still_works_after_looking_for_a_passkey(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    await browser.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    await options(browser, "auth/passkey/options")
    assert (await browser.redeem(code=mail.code)).status_code == 200


def spoil(part: str) -> Callable[[dict[str, Any]], None]:
    """Damage one part of a credential's response."""

    def damage(credential: dict[str, Any]) -> None:
        raw = bytearray(base64url_to_bytes(credential["response"][part]))
        raw[len(raw) // 2] ^= 0xFF
        credential["response"][part] = bytes_to_base64url(bytes(raw))

    return damage


def shorten(part: str) -> Callable[[dict[str, Any]], None]:
    def damage(credential: dict[str, Any]) -> None:
        credential["response"][part] = credential["response"][part][:21]

    return damage


def tell(told: object) -> Callable[[dict[str, Any]], None]:
    """Replace the client data by something else that is JSON."""

    def damage(credential: dict[str, Any]) -> None:
        credential["response"]["clientDataJSON"] = bytes_to_base64url(json.dumps(told).encode())

    return damage


DAMAGE = [
    *(make(part) for make in (spoil, shorten) for part in ("clientDataJSON", "authenticatorData", "signature")),
    *(tell(told) for told in (None, [], 7, {}, {"type": 1, "challenge": 2, "origin": 3}, {"challenge": "x"})),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
async def test_damaged_proofs_are_refused_and_never_an_error(
    identity: Identity, damage: Callable[[dict[str, Any]], None]
) -> None:
    _, _, authenticator = await registered(identity)
    browser = await identity.browser()
    credential = authenticator.sign(await options(browser, "auth/passkey/options"))
    damage(credential)
    assert seen(await browser("POST", "auth/passkey", json={"credential": credential})) == REFUSED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"credential": {}},
        {"credential": {"id": "a", "response": {}}},
        {"credential": {"id": "=", "response": {"clientDataJSON": "a", "authenticatorData": "a", "signature": "a"}}},
        {"credential": {"id": "x" * 30_000, "response": {}}},
        {"credential": None, "more": 1},
    ],
)
async def test_what_is_no_credential_at_all_is_named(identity: Identity, body: dict[str, Any]) -> None:
    assert (await (await identity.browser())("POST", "auth/passkey", json=body)).status_code == 422


async def test_looking_for_passkeys_is_bounded(identity: Identity) -> None:
    browser = await identity.browser()
    answers = [await browser("POST", "auth/passkey/options", json={}) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert PUBLIC_URL not in answers[-1].text
