"""One's own passkeys: making, naming and dropping them."""

import asyncio
from typing import Any

import pytest
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from services.identity.passkeys.models import MOST
from shared.clock import uuid7
from tests.identity.authenticator import Authenticator
from tests.identity.passkeys.rig import REFUSED, WRONG, add, enter, options, registered, seen, stale
from tests.identity.races import one_of_all
from tests.identity.rig import Identity


async def test_options_ask_for_a_verified_person_and_a_key_the_browser_finds_itself(identity: Identity) -> None:
    _, browser, authenticator = await registered(identity)
    asked = await options(browser, "passkeys/options")
    assert asked["rp"] == {"id": "portal.test", "name": "Northwind <Studio>"}
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [each["id"] for each in asked["excludeCredentials"]] == [bytes_to_base64url(authenticator.credential_id)]
    asked = await options(await identity.browser(), "auth/passkey/options")
    assert asked["userVerification"] == "required"
    assert asked["allowCredentials"] == []


async def test_one_s_own_passkeys_are_listed_renamed_and_removed(identity: Identity) -> None:
    person, browser, authenticator = await registered(identity)
    (passkey,) = (await browser("GET", "passkeys")).json()["items"]
    assert passkey["name"] == "Laptop"
    assert passkey["last_used_at"] is None
    await enter(await identity.browser(), authenticator)
    answer = await browser("PATCH", f"passkeys/{passkey['id']}", json={"name": "Werkzeug"})
    assert answer.json()["name"] == "Werkzeug"
    assert answer.json()["last_used_at"] is not None
    assert (await browser("DELETE", f"passkeys/{passkey['id']}")).status_code == 204
    assert (await browser("GET", "passkeys")).json() == {"items": []}
    assert seen(await enter(await identity.browser(), authenticator)) == REFUSED
    kinds = [event.type for event in await identity.api.published() if str(event.subject) == person["id"]]
    assert kinds.count("passkey_added") == kinds.count("passkey_removed") == 1


async def test_somebody_else_s_passkey_is_not_there(identity: Identity) -> None:
    _, browser, _ = await registered(identity)
    (passkey,) = (await browser("GET", "passkeys")).json()["items"]
    colleague = await identity.browser(await identity.person(str(browser.actor.client_id)))
    stranger = await identity.browser(await identity.person(await identity.client()))
    for other in (colleague, stranger):
        assert (await other("GET", "passkeys")).json() == {"items": []}
        for method, body in (("PATCH", {"name": "Mine"}), ("DELETE", None)):
            answers = [await other(method, f"passkeys/{each}", json=body) for each in (passkey["id"], uuid7())]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].text == answers[1].text
    assert (await browser("GET", "passkeys")).json()["items"] == [passkey]


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb"])
async def test_a_name_is_one_line_of_words(identity: Identity, name: str) -> None:
    person = await identity.person(await identity.client())
    assert (await add(await identity.browser(person), Authenticator(), name)).status_code == 422


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_what_no_authenticator_of_ours_would_make_is_not_kept(identity: Identity, wrong: dict[str, Any]) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    answer = await add(browser, Authenticator(**wrong))
    assert seen(answer) == (422, "passkey.unusable")
    assert (await browser("GET", "passkeys")).json() == {"items": []}


async def test_a_registration_belongs_to_the_session_that_began_it(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    first, second = await identity.browser(person), await identity.browser(person)
    made = Authenticator().make(await options(first, "passkeys/options"))
    answer = await second("POST", "passkeys", json={"name": "Phone", "credential": made})
    assert seen(answer) == (422, "passkey.unusable")
    assert (await first("POST", "passkeys", json={"name": "Phone", "credential": made})).status_code == 201
    assert seen(await first("POST", "passkeys", json={"name": "Phone", "credential": made})) == (
        422,
        "passkey.unusable",
    )


async def test_of_fifty_answers_to_one_registration_one_is_kept(identity: Identity) -> None:
    """A2."""
    browser = await identity.browser(await identity.person(await identity.client()))
    made = Authenticator().make(await options(browser, "passkeys/options"))
    body = {"name": "Phone", "credential": made}
    answers = await asyncio.gather(*(browser("POST", "passkeys", json=body) for _ in range(50)))
    one_of_all(answers, 201, 422)
    assert len((await browser("GET", "passkeys")).json()["items"]) == 1


async def test_a_key_is_registered_once(identity: Identity) -> None:
    _, browser, authenticator = await registered(identity)
    assert seen(await add(browser, authenticator)) == (409, "passkey.known")
    other = await identity.browser(await identity.person(await identity.client()))
    assert seen(await add(other, authenticator)) == (409, "passkey.known")


async def test_nobody_has_more_than_twenty(identity: Identity) -> None:
    person, browser, _ = await registered(identity)
    ready = [Authenticator().make(await options(browser, "passkeys/options")) for _ in range(2)]
    await identity.execute(
        """insert into passkeys select gen_random_uuid(), person_id, client_id, uuid_send(gen_random_uuid()), public_key,
           0, '{}', 'x', now() from passkeys, generate_series(1, $2) where person_id = $1""",
        person["id"],
        MOST - 2,
    )
    bodies = [{"name": "Phone", "credential": made} for made in ready]
    answers = await asyncio.gather(*(browser("POST", "passkeys", json=body) for body in bodies))
    assert sorted(seen(answer) for answer in answers) == [(201, ""), (409, "passkey.too_many")]
    assert seen(await browser("POST", "passkeys/options", json={})) == (409, "passkey.too_many")


async def test_no_challenge_is_kept_in_clear(identity: Identity) -> None:
    browser = await identity.browser()
    asked = await options(browser, "auth/passkey/options")
    challenge = asked["challenge"]
    secrets = (challenge, base64url_to_bytes(challenge).hex(), browser.cookies["portal_flow"])
    assert await identity.kept(*secrets) == []


async def test_every_damaged_byte_of_an_attestation_is_refused_and_never_an_error(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    attestation = Authenticator().make(await options(browser, "passkeys/options"))["response"]["attestationObject"]
    raw = base64url_to_bytes(attestation)
    for position in range(60):
        damaged = bytearray(raw)
        damaged[position] ^= 0xFF
        made = Authenticator().make(await options(browser, "passkeys/options"))
        made["response"]["attestationObject"] = bytes_to_base64url(bytes(damaged))
        answer = await browser("POST", "passkeys", json={"name": "Phone", "credential": made})
        assert seen(answer) == (422, "passkey.unusable"), position


async def test_adding_and_removing_need_a_fresh_proof(identity: Identity) -> None:
    _, browser, _ = await registered(identity)
    (passkey,) = (await browser("GET", "passkeys")).json()["items"]
    made = Authenticator().make(await options(browser, "passkeys/options"))
    await stale(browser)
    assert seen(await browser("POST", "passkeys/options", json={})) == (403, "auth.step_up_required")
    assert seen(await browser("DELETE", f"passkeys/{passkey['id']}")) == (403, "auth.step_up_required")
    assert (await browser("PATCH", f"passkeys/{passkey['id']}", json={"name": "Mine"})).status_code == 200
    # What was begun with a fresh proof may be finished: it is bound to the session and to five minutes.
    assert (await browser("POST", "passkeys", json={"name": "Phone", "credential": made})).status_code == 201


async def test_the_owner_hears_of_a_new_passkey(identity: Identity) -> None:
    person, _, _ = await registered(identity)
    mail = await identity.mail_to(person["email"])
    assert "passkey" in mail.message["Subject"]
    assert "Laptop" in mail.text


async def test_a_person_of_another_client_keeps_their_passkeys(identity: Identity) -> None:
    person, _, authenticator = await registered(identity)
    await identity.execute("update sessions set client_id = $2 where person_id = $1", person["id"], None)
    await identity.execute("delete from mails where person_id = $1", person["id"])
    await identity.execute("delete from one_time_tokens where person_id = $1", person["id"])
    await identity.execute("update people set client_id = $2 where id = $1", person["id"], await identity.client())
    assert (await enter(await identity.browser(), authenticator)).status_code == 200
