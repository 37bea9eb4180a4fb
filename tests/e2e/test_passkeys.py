"""Passkeys in a real browser, with an authenticator that Chromium plays itself (CDP WebAuthn)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import CDPSession, expect

from services.identity.sessions.cache import SessionCache
from services.identity.tokens import digest
from shared.cache import Cache
from tests.e2e.appearance import inaccessible
from tests.e2e.conftest import Seat, Sit
from tests.e2e.test_story import make_person
from tests.portal_stack import API, Portal

HOME = "/security/passkeys"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Device:
    """The authenticator of one seat."""

    def __init__(self, seat: Seat, **differs: Any) -> None:
        self._session: CDPSession = seat.context.new_cdp_session(seat.page)
        self._session.send("WebAuthn.enable")
        self._id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE | differs})[
            "authenticatorId"
        ]

    def credentials(self) -> list[dict[str, Any]]:
        return self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._id})["credentials"]

    def refuse_the_finger(self) -> None:
        self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": False})


@pytest.fixture(scope="module")
def person(portal: Portal) -> str:
    """Somebody whose client admits passkeys; their address."""
    made = make_person(portal, "birch", "Pia", "Kessler")
    client = portal.me("birch")["client_id"]
    methods = {"sign_in_methods": ["magic_link", "password", "passkey"]}
    answer = portal.as_("admin").patch(f"{API}/clients/{client}", json=methods)
    assert answer.status_code == 200, answer.text
    return made


def add(seat: Seat, name: str) -> None:
    seat.open(HOME)
    seat.page.get_by_role("link", name="Add a passkey").first.click()
    seat.page.get_by_label("Name").fill(name)
    seat.page.get_by_role("button", name="Continue").click()


def test_a_passkey_is_made_signs_in_and_is_removed(sit: Sit, person: str) -> None:
    with sit(person) as seat:
        device = Device(seat)
        add(seat, "Work laptop")
        expect(seat.page.get_by_text("Your passkey is ready to sign you in")).to_be_visible()
        expect(seat.page.get_by_role("list", name="Your passkeys")).to_contain_text("not used yet")
        assert [each["rpId"] for each in device.credentials()] == ["localhost"]
        assert inaccessible(seat.page) == []

        seat.context.clear_cookies()
        seat.open("/sign-in?next=/security/passkeys")
        assert inaccessible(seat.page) == []
        seat.page.get_by_role("button", name="Sign in with a passkey").click()
        seat.page.wait_for_url(f"**{HOME}")
        listed = seat.page.get_by_role("list", name="Your passkeys")
        expect(listed).to_contain_text("last used")
        assert device.credentials()[0]["signCount"] > 0

        listed.get_by_role("link", name="Rename").click()
        seat.page.get_by_label("Name").fill("Old laptop")
        seat.page.get_by_role("button", name="Save name").click()
        expect(listed).to_contain_text("Old laptop")
        listed.get_by_role("button", name="Remove").click()
        seat.page.get_by_role("dialog").get_by_role("button", name="Remove passkey").click()
        expect(seat.page.get_by_text("No passkey yet")).to_be_visible()

        seat.context.clear_cookies()
        seat.complaints.clear()
        seat.open("/sign-in")
        seat.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(seat.page.get_by_text("This passkey was not accepted.")).to_be_visible()
        assert inaccessible(seat.page) == []


def grow_stale(portal: Portal, seat: Seat) -> None:
    """Let the last proof of whoever sits there be eleven minutes old, and the gateway hear of it."""
    token = next(each["value"] for each in seat.context.cookies() if each["name"] == "portal_session")

    async def age() -> None:
        connection = await asyncpg.connect(portal.run.addresses["PORTAL_DATABASE_ADMIN_URL"])
        await connection.execute(
            "update identity.sessions set proven_at = now() - interval '11 minutes' where hash = $1", digest(token)
        )
        await connection.close()
        cache = Cache(portal.run.addresses["PORTAL_REDIS_URL"])
        await SessionCache(cache).insist(changed=[digest(token)])
        await cache.close()

    with ThreadPoolExecutor() as elsewhere:  # the browser's own loop runs in this thread
        elsewhere.submit(asyncio.run, age()).result(60)
    portal.until(lambda: not seat.context.request.get(f"{API}/auth/step-up").json()["fresh"])


def test_a_passkey_is_the_proof_that_a_page_or_a_waiting_form_asks_for(portal: Portal, sit: Sit, person: str) -> None:
    with sit(person) as seat:
        Device(seat)
        add(seat, "Work laptop")
        expect(seat.page.get_by_text("Your passkey is ready to sign you in")).to_be_visible()

        grow_stale(portal, seat)
        seat.open(f"{HOME}/new")
        assert inaccessible(seat.page) == []
        seat.page.get_by_role("button", name="Use your passkey").click()
        seat.page.wait_for_url(f"**{HOME}/new")
        expect(seat.page.get_by_role("heading", name="Add a passkey")).to_be_visible()

        seat.open(HOME)
        grow_stale(portal, seat)
        listed = seat.page.get_by_role("list", name="Your passkeys")
        listed.get_by_role("button", name="Remove").click()
        seat.page.get_by_role("dialog").get_by_role("button", name="Remove passkey").click()
        seat.page.get_by_role("button", name="Use your passkey").click()
        expect(seat.page.get_by_text("That passkey is removed")).to_be_visible()


def test_a_person_who_cancels_stays_where_they_were(sit: Sit, person: str) -> None:
    with sit(person) as seat:
        device = Device(seat)
        device.refuse_the_finger()
        add(seat, "Phone")
        expect(seat.page.get_by_role("button", name="Continue")).to_be_enabled()
        expect(seat.page.get_by_text("No passkey was used.")).to_be_visible()
        assert seat.page.url.endswith(f"{HOME}/new")
        assert device.credentials() == []
        assert seat.complaints == []


def test_without_passkeys_the_page_says_so_and_the_sign_in_stays_silent(
    portal: Portal, sit: Sit, person: str, cookies: Callable[[str], list[Any]]
) -> None:
    with sit("birch", scripts=False) as seat:
        seat.open(f"{HOME}/new")
        expect(seat.page.get_by_text("This browser cannot make passkeys")).to_be_visible()
        expect(seat.page.get_by_role("button", name="Continue")).to_be_hidden()
    with sit("anonymous", scripts=False) as seat:
        seat.open("/sign-in")
        expect(seat.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
