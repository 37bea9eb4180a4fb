"""A passkey as a fresh proof."""

import asyncio
import json
from datetime import timedelta

import httpx2
import msgspec
from webauthn.helpers import bytes_to_base64url

from shared.clock import now
from tests.identity.authenticator import PRESENT, Authenticator
from tests.identity.passkeys.rig import add, options, registered, seen, stale
from tests.identity.races import one_of_all
from tests.identity.rig import Browser, Identity, somewhere


async def prove(browser: Browser, authenticator: Authenticator) -> httpx2.Response:
    credential = authenticator.sign(await options(browser, "auth/step-up/passkey/options"))
    return await browser("POST", "auth/step-up/passkey", json={"credential": credential})


async def test_a_passkey_is_a_fresh_proof_and_renews_the_session(identity: Identity) -> None:
    person, browser, authenticator = await registered(identity)
    await stale(browser)
    before = browser.cookies["portal_session"]
    answer = await prove(browser, authenticator)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == person["id"]
    assert (await identity.resolve(before)).status_code == 404
    await browser.refresh()
    assert browser.actor.proven_at is not None
    assert now() - browser.actor.proven_at < timedelta(minutes=1)
    (event,) = await identity.events("stepped_up", person["id"])
    assert json.loads(bytes(event.data))["method"] == "passkey"


async def test_only_one_s_own_passkey_in_one_s_own_session_proves_it(identity: Identity) -> None:
    person, browser, authenticator = await registered(identity)
    colleague, other = await identity.browser(await identity.person(str(browser.actor.client_id))), Authenticator()
    assert (await add(colleague, other)).status_code == 201
    refused = (422, "auth.proof_invalid")
    assert seen(await prove(browser, other)) == refused
    asked = await options(colleague, "auth/step-up/passkey/options")
    credential = authenticator.sign(asked)
    assert seen(await browser("POST", "auth/step-up/passkey", json={"credential": credential})) == refused
    sign_in = authenticator.sign(await options(browser, "auth/passkey/options"))
    assert seen(await browser("POST", "auth/step-up/passkey", json={"credential": sign_in})) == refused
    asked = await options(browser, "auth/step-up/passkey/options")
    assert [each["id"] for each in asked["allowCredentials"]] == [bytes_to_base64url(authenticator.credential_id)]
    authenticator.flags = PRESENT
    assert seen(await prove(browser, authenticator)) == refused
    assert len(await identity.events("step_up_failed", person["id"])) == 4


async def test_a_way_the_client_does_not_admit_proves_nothing_inside(identity: Identity) -> None:
    _, browser, authenticator = await registered(identity)
    await identity.execute(
        "update clients set sign_in_methods = '{password}' where id = $1", str(browser.actor.client_id)
    )
    assert seen(await prove(browser, authenticator)) == (422, "auth.proof_invalid")


async def test_of_fifty_answers_to_one_step_up_one_renews(identity: Identity) -> None:
    """A2."""
    _, browser, authenticator = await registered(identity)
    credential = authenticator.sign(await options(browser, "auth/step-up/passkey/options"))
    tabs = [Browser(identity, msgspec.structs.replace(browser.actor, ip=somewhere().ip)) for _ in range(50)]
    body = {"credential": credential}
    answers = await asyncio.gather(*(tab("POST", "auth/step-up/passkey", json=body) for tab in tabs))
    one_of_all(answers, 200, 422)


async def test_a_challenge_for_a_proof_adds_no_passkey_and_the_other_way_round(identity: Identity) -> None:
    """Both belong to the session, and yet each is for its own purpose."""
    _, browser, authenticator = await registered(identity)
    asked = await options(browser, "auth/step-up/passkey/options")
    made = Authenticator().make(asked | {"user": {"id": "AAAA"}})
    answer = await browser("POST", "passkeys", json={"name": "Phone", "credential": made})
    assert seen(answer) == (422, "passkey.unusable")
    credential = authenticator.sign(await options(browser, "passkeys/options"))
    answer = await browser("POST", "auth/step-up/passkey", json={"credential": credential})
    assert seen(answer) == (422, "auth.proof_invalid")
