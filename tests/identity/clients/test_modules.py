"""What the company closes for a client: whose sessions learn of it, and what stays everybody's own."""

from typing import Any

import pytest

from services.identity.clients.models import Client
from tests.identity.partners import call, create, token_of
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity
from tests.identity.viewing.test_viewing import view, viewer


async def close(identity: Identity, client_id: str, **lists: list[str]) -> None:
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=lists)
    assert answer.status_code == 200, answer.text


async def told(browser: Browser) -> dict[str, Any]:
    """What the gateway learns of a browser's session, as far as it concerns this."""
    record = await browser.record()
    assert record
    return {name: record[name] for name in ("closed", "rotate")}


def test_a_client_has_everything_at_first() -> None:
    client = Client(name="Acme GmbH")
    assert (client.closed_modules, client.closed_actions) == ([], [])


async def test_every_open_session_of_the_client_learns_of_it_and_gets_a_new_id_and_no_other(identity: Identity) -> None:
    client_id = await identity.client()
    its = [await identity.browser(await identity.person(client_id)) for _ in range(2)]
    its.append(await viewer(identity))
    assert (await view(its[-1], client_id)).status_code == 200
    others = [await identity.browser(await identity.person(await identity.client())), await viewer(identity)]
    await close(identity, client_id, closed_modules=["figures", "activity"], closed_actions=["edit_profile"])
    closed = {"closed": ["activity", "figures", "edit_profile"], "rotate": True}
    assert [await told(each) for each in its] == [closed] * 3
    assert [await identity.redis.get(f"session:{each.session_hash}") for each in its] == [b"old"] * 3
    assert [await told(each) for each in others] == [{"closed": [], "rotate": False}] * 2
    await close(identity, client_id, closed_modules=[], closed_actions=[])
    assert [(await told(each))["closed"] for each in its] == [[]] * 3


async def test_everybody_is_told_what_they_do_not_have(identity: Identity) -> None:
    client_id = await identity.client()
    browser, eyes = await identity.browser(await identity.person(client_id)), await viewer(identity)
    await close(identity, client_id, closed_modules=["projects"])
    await view(eyes, client_id)
    for each in (browser, eyes):
        assert (await each("GET", "auth/me")).json()["closed"] == ["projects"]
    assert (await (await viewer(identity))("GET", "auth/me")).json()["closed"] == []


async def test_who_may_not_change_their_details_still_looks_after_language_and_security(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(person := await identity.person(client_id))
    await close(identity, client_id, closed_actions=["edit_profile"])
    await browser.refresh()
    for patch in ({"first_name": "Anne"}, {"phone": "1"}, {"title": "Boss", "language": "de"}):
        refused = await browser("PATCH", "people/me", json=patch)
        assert (refused.status_code, refused.json()["code"]) == (403, "action.closed")
    assert await identity.events("update_profile", person["id"]) == []
    assert (await browser("PATCH", "people/me", json={"language": "de"})).json()["language"] == "de"
    another = {"current": PASSWORD, "password": "another good long one"}
    assert (await browser("POST", "people/me/password", json=another)).status_code < 300
    await browser.refresh()
    for method, path in (("GET", "sessions"), ("POST", "passkeys/options"), ("POST", "sessions/revoke-others")):
        assert (await browser(method, path)).status_code in (200, 201), path
    assert (await browser("POST", "auth/logout")).status_code == 204


async def test_open_again_is_as_before(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await identity.browser(await identity.person(client_id))
    for closed, status in ((["edit_profile"], 403), ([], 200)):
        await close(identity, client_id, closed_actions=closed)
        await browser.refresh()
        assert (await browser("PATCH", "people/me", json={"title": "Boss"})).status_code == status


@pytest.mark.parametrize("name", ["closed_modules", "closed_actions"])
async def test_what_a_client_has_is_for_staff_to_say(identity: Identity, name: str) -> None:
    client_id = await identity.client()
    person = await identity.browser(await identity.person(client_id, is_primary_contact=True))
    assert (await person("PATCH", f"clients/{client_id}", json={name: []})).status_code == 403
    token = await token_of(identity, await create(identity, client_id=client_id))
    refused = await call(identity, token, "PATCH", f"clients/{client_id}", json={name: []})
    assert (refused.status_code, refused.json()["code"]) == (403, "client.ways_in_are_for_staff")
