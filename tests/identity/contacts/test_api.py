"""A client's contacts over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.identity.contacts.conftest import MakeContact
from tests.identity.rig import ADMIN, Identity, colleague_of, staff


async def test_a_new_contact_cannot_sign_in_and_speaks_the_clients_language(identity: Identity) -> None:
    client_id = await identity.client(language="de")
    email = f"{uuid4().hex}@Acme.Example"
    body = {"first_name": "Sabine", "last_name": "Vogt", "email": email, "phone": "+49 30 1", "title": "Purchasing"}
    answer = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made | {"id": 0} == {
        **body,
        "id": 0,
        "client_id": client_id,
        "name": "Sabine Vogt",
        "email": email.lower(),
        "language": "de",
        "active": True,
        "is_primary_contact": False,
        "portal_access": False,
        "has_account": False,
        "two_factor": False,
        "last_sign_in_at": None,
        "project_roles": {},
        "offered_roles": {},
        "invitation": {"status": "none", "sent_at": None, "expires_at": None, "failure": ""},
    }
    assert (await identity.api(ADMIN, "GET", f"contacts/{made['id']}")).json() == made
    (event,) = await identity.events("contact_created", made["id"])
    assert str(event.clientid) == client_id
    assert msgspec.json.decode(event.data) == {"standing": {"kind": "client", "may_enter": False}}
    browser = await identity.browser()
    await browser.ask_for_link(made["email"])
    await identity.until("select 1 where not exists (select from mails where address = $1)", made["email"])
    assert identity.mails_to(made["email"]) == []


async def test_a_contact_needs_no_address(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    for _ in range(2):
        assert (await contact(client_id, email=None))["email"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"first_name": "", "last_name": ""},
        {"email": "anna"},
        {"email": ""},
        {"email": "a@b.example\nBcc: c@d.example"},
        {"phone": "1" * 101},
        {"title": "a\nb"},
        {"language": "fr"},
        {"first_name": " "},
        {"last_name": "\x00"},
        {"is_primary_contact": "yes"},
        {"portal_access": True},
        {"policies": ["managePeople"]},
    ],
)
async def test_what_makes_no_contact_is_422(identity: Identity, body: dict[str, Any]) -> None:
    client_id = await identity.client()
    full = {"first_name": "Anna", "last_name": "Keller", **body} if body and "first_name" not in body else body
    answer = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=full)
    assert answer.status_code == 422, answer.text
    assert await identity.execute("select 1 from people where client_id = $1", client_id) == []


async def test_an_address_stands_once_in_a_clients_book(identity: Identity, contact: MakeContact) -> None:
    acme, birch = await identity.client(), await identity.client("Birch Ltd")
    sabine = await contact(acme)
    again = {"first_name": "S.", "last_name": "Vogt", "email": sabine["email"].upper()}
    tries = [identity.api(ADMIN, "POST", f"clients/{acme}/contacts", json=again) for _ in range(3)]
    refused = await asyncio.gather(*tries)
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "person.listed_already")}
    assert refused[0].json()["errors"][0]["field"] == "email"
    person = {**again, "kind": "client", "client_id": acme}
    assert (await identity.api(ADMIN, "POST", "people", json=person)).status_code == 409
    assert (await contact(birch, email=sabine["email"]))["client_id"] == birch


async def test_the_list_is_searched_and_read_page_by_page(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    for name in ("moser", "Nowak", "lutz"):
        await contact(client_id, last_name=name)
    await contact(await identity.client(), last_name="lutz")
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (
            await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts", params={"limit": 2, "cursor": cursor})
        ).json()
        found += [each["last_name"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert found == ["lutz", "moser", "Nowak"]
    for q in ("SABINE now", "now SABINE"):
        one = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts", params={"q": q})
        assert [each["last_name"] for each in one.json()["items"]] == ["Nowak"]
    none = await identity.api(ADMIN, "GET", f"clients/{client_id}/contacts", params={"q": "%"})
    assert none.json()["items"] == []


async def test_whom_a_portal_can_be_linked_to_is_listed_alone(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    await contact(client_id, last_name="Here")
    gone = await contact(client_id, last_name="Gone")
    await identity.api(ADMIN, "PATCH", f"contacts/{gone['id']}", json={"active": False})
    await contact(client_id, last_name="Mute", email=None)
    path = f"clients/{client_id}/contacts"
    found = (await identity.api(ADMIN, "GET", path, params={"reachable": "true"})).json()
    assert [each["last_name"] for each in found["items"]] == ["Here"]


async def test_who_may_what(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    sabine = await contact(client_id)
    body = {"first_name": "A", "last_name": "B"}
    for actor in (colleague_of(client_id, is_primary_contact=True), colleague_of(await identity.client())):
        for path in (f"clients/{client_id}/contacts", f"clients/{client_id}/contacts.csv", f"contacts/{sabine['id']}"):
            assert (await identity.api(actor, "GET", path)).status_code == 403
    for actor in (staff("managePeople", "managePortalAccess"), colleague_of(client_id)):
        assert (await identity.api(actor, "POST", f"clients/{client_id}/contacts", json=body)).status_code == 403
        assert (await identity.api(actor, "PATCH", f"contacts/{sabine['id']}", json=body)).status_code == 403
        moved = await identity.api(actor, "POST", f"contacts/{sabine['id']}/move", json={"client_id": client_id})
        assert moved.status_code == 403
    for way in ("portal-access/enable", "portal-access/disable", "invitation/resend"):
        answer = await identity.api(staff("manageClients", "managePeople"), "POST", f"contacts/{sabine['id']}/{way}")
        assert answer.status_code == 403
    assert (await identity.api(staff(), "GET", f"clients/{client_id}/contacts")).status_code == 200


async def test_a_subcontractor_reads_no_address_book(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    sabine = await contact(client_id)
    limited = msgspec.structs.replace(staff("manageClients"), assignments={uuid4(): client_id})
    for path in (f"clients/{client_id}/contacts", f"clients/{client_id}/contacts.csv", f"contacts/{sabine['id']}"):
        assert (await identity.api(limited, "GET", path)).status_code == 404


async def test_what_does_not_exist_is_404(identity: Identity) -> None:
    nobody, body = uuid4(), {"first_name": "A", "last_name": "B"}
    colleague = await identity.person()
    for method, path, sent in (
        ("GET", f"clients/{nobody}/contacts", None),
        ("GET", f"clients/{nobody}/contacts.csv", None),
        ("POST", f"clients/{nobody}/contacts", body),
        ("GET", f"contacts/{nobody}", None),
        ("PATCH", f"contacts/{nobody}", body),
        ("POST", f"contacts/{nobody}/portal-access/enable", None),
        ("GET", f"contacts/{colleague['id']}", None),
        ("PATCH", f"contacts/{colleague['id']}", body),
        ("POST", f"contacts/{colleague['id']}/portal-access/disable", None),
    ):
        assert (await identity.api(ADMIN, method, path, json=sent)).status_code == 404, path


async def test_a_change_is_stored_and_told_without_names(identity: Identity, contact: MakeContact) -> None:
    sabine = await contact(await identity.client())
    change = {"last_name": "Vogt-Lang", "title": "Head of purchasing", "language": "de", "email": None}
    for _ in range(2):
        answer = await identity.api(ADMIN, "PATCH", f"contacts/{sabine['id']}", json=change)
        assert answer.status_code == 200, answer.text
    assert answer.json() == sabine | change | {"name": "Sabine Vogt-Lang"}
    (event,) = await identity.events("update_profile", sabine["id"])
    assert msgspec.json.decode(event.data) == {
        "fields": ["email", "language", "last_name", "title"],
        "standing": {"kind": "client", "may_enter": False},
    }
