"""What tests of passkeys share."""

from datetime import timedelta
from typing import Any

import httpx2
import msgspec

from shared.clock import now
from tests.identity.authenticator import PRESENT, Authenticator
from tests.identity.rig import Browser, Identity

REFUSED = (401, "auth.passkey_refused")
WRONG: dict[str, dict[str, Any]] = {
    "another site": {"origin": "https://portal.test.evil.example"},
    "another port of the host": {"origin": "http://portal.test:9090"},
    "another relying party": {"rp_id": "evil.example"},
    "inside a frame": {"framed": True},
    "no fingerprint and no PIN": {"flags": PRESENT},
    "nobody there": {"flags": 0},
}
"""What an authenticator or its browser may get wrong."""


def seen(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def registered(identity: Identity, **device: Any) -> tuple[dict[str, Any], Browser, Authenticator]:
    """Somebody who is signed in, and the device with their passkey."""
    person = await identity.person(await identity.client())
    browser, authenticator = await identity.browser(person), Authenticator(**device)
    answer = await add(browser, authenticator)
    assert answer.status_code == 201, answer.text
    return person, browser, authenticator


async def options(browser: Browser, path: str) -> dict[str, Any]:
    answer = await browser("POST", path, json={})
    assert answer.status_code == 200, answer.text
    return answer.json()["options"]


async def add(browser: Browser, authenticator: Authenticator, name: str = "Laptop") -> httpx2.Response:
    credential = authenticator.make(await options(browser, "passkeys/options"))
    return await browser("POST", "passkeys", json={"name": name, "credential": credential})


async def enter(browser: Browser, authenticator: Authenticator, **more: str) -> httpx2.Response:
    credential = authenticator.sign(await options(browser, "auth/passkey/options"))
    return await browser("POST", "auth/passkey", json={"credential": credential, **more})


async def stale(browser: Browser) -> None:
    """The last proof is eleven minutes old."""
    browser.actor = msgspec.structs.replace(browser.actor, proven_at=now() - timedelta(minutes=11))
