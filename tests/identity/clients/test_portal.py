"""The switch of a client's portal, rule by rule."""

from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest

from shared.actor import Actor
from tests.identity.rig import ADMIN, Identity, colleague_of, staff


async def enable(identity: Identity, client_id: str, user_id: Any, actor: Actor = ADMIN) -> httpx2.Response:
    body = {} if user_id is None else {"user_id": user_id}
    return await identity.api(actor, "POST", f"clients/{client_id}/portal/enable", json=body)


async def disable(identity: Identity, client_id: str, actor: Actor = ADMIN) -> httpx2.Response:
    return await identity.api(actor, "POST", f"clients/{client_id}/portal/disable")


async def told(identity: Identity, client_id: str) -> list[str]:
    kinds = ("client_updated", "portal_enabled", "portal_disabled")
    events = [event for kind in kinds for event in await identity.events(kind, client_id)]
    return [event.type for event in sorted(events, key=lambda event: event.id)]


async def test_enabling_links_the_portal_to_a_person_of_the_client(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id)
    answer = await enable(identity, client_id, person["id"])
    assert answer.status_code == 200, answer.text
    assert (answer.json()["portal_user_id"], answer.json()["portal_enabled"]) == (person["id"], True)
    (event,) = await identity.events("portal_enabled", client_id)
    assert msgspec.json.decode(event.data) == {"portal_user_id": person["id"]}
    assert await told(identity, client_id) == ["client_updated", "portal_enabled"]
    assert (await enable(identity, client_id, person["id"])).status_code == 200
    assert len(await told(identity, client_id)) == 2


@pytest.mark.parametrize("user_id", ["nobody", "", 7, "12345678-1234-1234-1234-12345678901", [], {}])
async def test_a_malformed_id_is_422(identity: Identity, user_id: Any) -> None:
    answer = await enable(identity, await identity.client(), user_id)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "user_id"


async def test_an_inactive_client_is_409(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id)
    await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"active": False, "portal_enabled": False})
    answer = await enable(identity, client_id, person["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "client.inactive")
    client = (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json()
    assert (client["portal_enabled"], client["portal_user_id"]) == (False, None)


async def test_another_clients_user_and_staff_are_409(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    oliver = await identity.person(birch)
    assert (await enable(identity, birch, oliver["id"])).status_code == 200
    for stranger in (oliver, await identity.person(birch), await identity.person()):
        answer = await enable(identity, acme, stranger["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "client.portal_user_elsewhere")
    assert (await identity.api(ADMIN, "GET", f"clients/{acme}")).json()["portal_user_id"] is None


async def test_without_the_policy_it_is_403(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id)
    for actor in (staff("manageClients", "managePeople"), colleague_of(client_id, is_primary_contact=True)):
        assert (await enable(identity, client_id, person["id"], actor)).status_code == 403
        assert (await disable(identity, client_id, actor)).status_code == 403
    assert await told(identity, client_id) == []
    assert (await enable(identity, client_id, person["id"], staff("managePortalAccess"))).status_code == 200


async def test_what_does_not_exist_is_404(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id)
    assert (await enable(identity, client_id, str(uuid4()))).status_code == 404
    assert (await enable(identity, str(uuid4()), person["id"])).status_code == 404
    assert (await disable(identity, str(uuid4()))).status_code == 404


async def test_a_person_who_cannot_be_let_in_is_named_with_all_that_lacks(identity: Identity) -> None:
    client_id = await identity.client()
    made = {"first_name": "Jean", "last_name": "Martin"}
    contact = (await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=made)).json()
    await identity.api(ADMIN, "PATCH", f"contacts/{contact['id']}", json={"active": False})
    answer = await enable(identity, client_id, contact["id"])
    assert (answer.status_code, answer.json()["code"]) == (422, "contact.not_ready")
    assert [each["field"] for each in answer.json()["errors"]] == ["email", "active"]
    assert await told(identity, client_id) == []


async def test_enabling_lets_the_linked_person_in(identity: Identity) -> None:
    client_id = await identity.client()
    made = {"first_name": "Jean", "last_name": "Martin", "email": f"{uuid4().hex}@acme.example"}
    contact = (await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=made)).json()
    assert (await enable(identity, client_id, contact["id"])).status_code == 200
    seen = (await identity.api(ADMIN, "GET", f"contacts/{contact['id']}")).json()
    assert seen["portal_access"]


async def test_disabling_ends_sessions_keeps_the_link_and_enabling_restores(identity: Identity) -> None:
    client_id = await identity.client()
    anna, felix = await identity.person(client_id), await identity.person(client_id)
    await enable(identity, client_id, anna["id"])
    browsers = [await identity.browser(who) for who in (anna, felix)]
    answer = await disable(identity, client_id)
    assert (answer.status_code, answer.json()["portal_enabled"], answer.json()["portal_user_id"]) == (
        200,
        False,
        anna["id"],
    )
    for browser in browsers:
        assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
        assert await browser.record() is None
    assert (await (await identity.browser()).sign_in(anna["email"])).status_code == 401
    (event,) = await identity.events("portal_disabled", client_id)
    assert msgspec.json.decode(event.data) == {"portal_user_id": anna["id"]}

    again = await enable(identity, client_id, None)
    assert (again.status_code, again.json()["portal_enabled"], again.json()["portal_user_id"]) == (
        200,
        True,
        anna["id"],
    )
    for who in (anna, felix):
        assert (await (await identity.browser()).sign_in(who["email"])).status_code == 200
    assert await browsers[0].record() is None


async def test_without_a_link_of_before_somebody_must_be_named(identity: Identity) -> None:
    answer = await enable(identity, await identity.client(), None)
    assert (answer.status_code, answer.json()["code"]) == (422, "client.portal_user_needed")


async def test_staff_who_look_through_its_eyes_stop_when_it_closes(identity: Identity) -> None:
    client_id = await identity.client()
    clara = await identity.browser(await identity.person(policies=["viewAsClient"]))
    answer = await clara("POST", "auth/view-as", json={"client_id": client_id})
    assert answer.status_code == 200, answer.text
    record = await clara.record()
    assert record
    assert record["read_only"]
    await disable(identity, client_id)
    assert await identity.redis.get(f"session:{clara.session_hash}") == b"old"
    record = await clara.record()
    assert record
    assert not record["read_only"]
