"""What one may change about oneself."""

from typing import Any

import msgspec
import pytest

from tests.identity.rig import Identity


async def test_ones_own_details(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    said = {"first_name": "Änne", "title": "Head of Sales", "phone": "+49 30 1234", "language": "de"}
    answer = await browser("PATCH", "people/me", json=said)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in said} == said
    record = await browser.record()  # by which the gateway asks for pages
    assert record
    assert record["language"] == "de"
    (event,) = await identity.events("update_profile", person["id"])
    assert msgspec.json.decode(event.data) == {
        "fields": sorted(said),
        "standing": {"kind": "client", "may_enter": True},
    }
    await (await identity.browser())("POST", "auth/forgot-password", json={"email": person["email"]})
    assert "Guten Tag Änne," in (await identity.mail_to(person["email"])).text


@pytest.mark.parametrize(
    "patch",
    [
        *({"language": "fr"}, {"title": "a\nb"}, {"phone": "x" * 101}, {"email": "a@b.example"}, {"active": False}),
        *({"is_primary_contact": True}, {"policies": ["managePeople"]}, {"client_id": None}, {"email_verified": True}),
    ],
)
async def test_nothing_else(identity: Identity, patch: dict[str, Any]) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert (await browser("PATCH", "people/me", json=patch)).status_code == 422


async def test_a_link_of_a_mail_verifies_the_address(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    assert not (await (await identity.browser(person))("GET", "auth/me")).json()["email_verified"]
    for number in (1, 2):
        await browser.ask_for_link(person["email"])
        await browser.redeem(token=(await identity.mail_to(person["email"], number)).token)
    await browser.refresh()
    assert (await browser("GET", "auth/me")).json()["email_verified"]
    assert len(await identity.events("email_verified", person["id"])) == 1
