"""Signing in at one's own organisation, with a real provider, in a real browser."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.appearance import inaccessible
from tests.e2e.conftest import Sit
from tests.e2e.test_story import make_person
from tests.identity.idp import CLIENT, SECRET, IdentityProvider
from tests.portal_stack import API, PEOPLE, Portal

DOMAIN = "birch.example"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    """The provider, on a loop of its own: the browser's belongs to the tests."""
    provider, loop = IdentityProvider(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(provider.start(), loop).result(60)
    yield provider
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)


@pytest.fixture(scope="module")
def birch(portal: Portal, idp: IdentityProvider) -> str:
    """Birch's id; its people may sign in at their own provider, besides the ways they had."""
    client_id = portal.me("birch")["client_id"]
    staff = portal.sign_in(PEOPLE["admin"])
    methods = {"sign_in_methods": ["magic_link", "password", "passkey", "sso"]}
    assert staff.patch(f"{API}/clients/{client_id}", json=methods).status_code == 200
    settings = {"issuer": idp.url, "oauth_client_id": CLIENT, "client_secret": SECRET, "domains": [DOMAIN]}
    answer = staff.put(f"{API}/clients/{client_id}/single-sign-on", json=settings)
    assert answer.status_code == 200, answer.text
    return client_id


def test_somebody_signs_in_with_the_account_of_their_organisation(
    portal: Portal, sit: Sit, birch: str, idp: IdentityProvider
) -> None:
    email = make_person(portal, "birch", "Ole", "Sander")
    idp.user = {"sub": "ole", "email": email, "email_verified": True}
    with sit("anonymous", scripts=False) as seat:
        seat.open("/sign-in?next=/profile")
        seat.page.get_by_label("E-mail").fill(email)
        seat.page.get_by_role("button", name="Continue").click()
        seat.page.get_by_role("button", name="Use your organisation's sign-in").click()
        seat.page.wait_for_url("**/profile")
        expect(seat.page.get_by_text(email).first).to_be_visible()
        assert seat.complaints == []


def test_whoever_has_an_address_of_the_domain_is_offered_the_same(portal: Portal, sit: Sit, birch: str) -> None:
    somebody = make_person(portal, "birch", "Alva", "Lind")

    def offered(address: str) -> str:
        with sit("anonymous") as seat:
            seat.open("/sign-in")
            seat.page.get_by_label("E-mail").fill(address)
            seat.page.get_by_role("button", name="Continue").click()
            for name in ("Use your organisation's sign-in", "Mail me a sign-in link", "Sign in with a passkey"):
                expect(seat.page.get_by_role("button", name=name)).to_be_visible()
            return seat.page.content().replace(address, "ADDRESS")

    # The domain is looked up for a moment only: where that is busy, a page comes that is for every domain.
    portal.until(lambda: offered(somebody) == offered(f"nobody@{DOMAIN}"))


def test_somebody_the_organisation_does_not_vouch_for_is_calmly_refused(
    portal: Portal, sit: Sit, birch: str, idp: IdentityProvider
) -> None:
    email = make_person(portal, "birch", "Nils", "Thorsen")
    idp.user = {"sub": "nils", "email": email, "email_verified": False}
    with sit("anonymous") as seat:
        seat.open("/sign-in/sso")
        assert inaccessible(seat.page) == []
        seat.page.get_by_label("E-mail").fill(email)
        seat.page.get_by_role("button", name="Continue").click()
        expect(seat.page.get_by_text("leads to no account here")).to_be_visible()
        assert inaccessible(seat.page) == []
        assert [cookie for cookie in seat.context.cookies() if cookie["name"] == "portal_session"] == []


def test_staff_see_how_a_client_signs_in(sit: Sit, birch: str) -> None:
    with sit(PEOPLE["admin"]) as seat:  # who has just proven who they are
        seat.open(f"/clients/{birch}/single-sign-on")
        expect(seat.page.get_by_text("/sign-in/sso/callback")).to_be_visible()
        expect(seat.page.get_by_label("E-mail domains")).to_have_value(DOMAIN)
        expect(seat.page.get_by_label("Client secret")).to_have_value("")
        assert [*seat.faults(), *seat.complaints] == []
