"""A contact who changes sides takes along what stands in an address book, and nothing else."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import msgspec

from tests.identity.contacts.conftest import MakeContact
from tests.identity.rig import ADMIN, Identity


async def move(identity: Identity, contact: dict[str, Any], client_id: str) -> httpx2.Response:
    return await identity.api(ADMIN, "POST", f"contacts/{contact['id']}/move", json={"client_id": client_id})


async def test_nothing_of_the_old_client_goes_along(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna = await identity.person(acme, is_primary_contact=True)
    browser = await identity.browser(anna)
    roles = {"roles": {await identity.project(acme): "approver"}}
    assert (await identity.api(ADMIN, "PUT", f"people/{anna['id']}/project-roles", json=roles)).status_code == 200

    answer = await move(identity, anna, birch)
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["client_id"], moved["portal_access"], moved["is_primary_contact"]) == (birch, False, False)
    assert (moved["email"], moved["has_account"], moved["two_factor"]) == (anna["email"], False, False)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None
    assert not await identity.execute("select from project_roles where person_id = $1", anna["id"])
    assert (await (await identity.browser()).sign_in(anna["email"])).status_code == 401
    for client_id in (acme, birch):
        (event,) = [
            each for each in await identity.events("contact_moved", anna["id"]) if str(each.clientid) == client_id
        ]
        assert msgspec.json.decode(event.data) == {
            "from_client_id": acme,
            "to_client_id": birch,
            "standing": {"kind": "client", "may_enter": False},
        }
    people = await identity.api(ADMIN, "GET", f"clients/{acme}/contacts")
    assert people.json()["items"] == []


async def test_let_in_again_they_are_the_new_clients(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna = await identity.person(acme)
    await move(identity, anna, birch)
    answer = await identity.api(ADMIN, "POST", f"contacts/{anna['id']}/portal-access/enable")
    assert (answer.status_code, answer.json()["invitation"]["status"] != "none") == (200, True)
    browser = await identity.browser()
    await browser.ask_for_link(anna["email"])
    mail = await identity.mail_to(anna["email"], 2)
    assert mail


async def test_what_forbids_it(identity: Identity, contact: MakeContact) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna = await identity.person(acme)
    await identity.api(ADMIN, "POST", f"clients/{acme}/portal/enable", json={"user_id": anna["id"]})
    browser = await identity.browser(anna)
    refusals = [
        (anna, birch, 409, "contact.linked_to_portal"),
        (anna, acme, 409, "contact.same_client"),
        (anna, str(uuid4()), 404, "not_found"),
    ]
    sabine = await contact(acme)
    await contact(birch, email=sabine["email"])
    refusals.append((sabine, birch, 409, "person.listed_already"))
    closed = await identity.client("Cedar & Co")
    await identity.api(ADMIN, "PATCH", f"clients/{closed}", json={"active": False})
    refusals.append((sabine, closed, 409, "client.inactive"))
    for who, where, status, code in refusals:
        answer = await move(identity, who, where)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await identity.api(ADMIN, "GET", f"contacts/{who['id']}")).json()["client_id"] == acme
    assert await browser.record()
    assert await identity.events("contact_moved", anna["id"]) == []
    assert await identity.events("contact_moved", sabine["id"]) == []


async def test_moved_to_two_clients_at_once_they_end_up_in_one_of_them_and_never_half(identity: Identity) -> None:
    clients = [await identity.client() for _ in range(3)]
    anna = await identity.person(clients[0])
    answers = await asyncio.gather(*(move(identity, anna, each) for each in clients[1:] * 2))
    assert {answer.status_code for answer in answers} <= {200, 404, 409}
    ((home,),) = await identity.execute("select client_id::text from people where id = $1", anna["id"])
    events = await identity.events("contact_moved", anna["id"])
    done = sum(answer.status_code == 200 for answer in answers)
    assert (home in clients[1:], len(events)) == (True, 2 * done)
