"""Clients over HTTP."""

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from services.identity.clients import commands
from services.identity.sessions.admission import sign_in
from services.identity.sessions.models import Attempt
from services.identity.sessions.queries import Account
from services.identity.tokens import digest
from shared.actor import SYSTEM, Actor
from shared.clock import uuid7
from tests.identity.rig import ADMIN, Identity, colleague_of, staff


async def test_a_new_client_is_open_and_empty(identity: Identity) -> None:
    answer = await identity.api(ADMIN, "POST", "clients", json={"name": "Acme GmbH", "variant": "services"})
    assert answer.status_code == 201
    client = answer.json()
    assert client | {"id": 0, "created_at": 0} == {
        "id": 0,
        "name": "Acme GmbH",
        "active": True,
        "portal_enabled": True,
        "variant": "services",
        "people_count": 0,
        "created_at": 0,
        "sign_in_methods": ["magic_link"],
        "second_factor": "optional",
        "team_invites": True,
        "language": "en",
        "session_recording": False,
        "recorded_since": None,
        "portal_user_id": None,
        "allowed_networks": [],
        "allowed_domains": [],
        "closed_modules": [],
        "closed_actions": [],
        "settings": {},
    }
    (event,) = await identity.events("client_created", client["id"])
    assert str(event.clientid) == client["id"]
    assert (event.actorid, event.actorname, event.sessionid) == (ADMIN.id, ADMIN.name, ADMIN.session_id)
    assert msgspec.json.decode(event.data) == {"name": "Acme GmbH", "active": True, "portal_enabled": True}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "a" * 101},
        {"name": "Acme\n"},
        {"name": "Ac\x00me"},
        {"name": 7},
        {"name": "Acme", "variant": "healthcare"},
        {"name": "Acme", "active": False},
        {"name": "Acme", "id": str(uuid4())},
    ],
)
async def test_what_makes_no_client_is_422(identity: Identity, body: dict[str, object]) -> None:
    before = await identity.execute("select count(*) from clients")
    answer = await identity.api(ADMIN, "POST", "clients", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]
    assert await identity.execute("select count(*) from clients") == before


async def test_a_second_client_of_a_name_is_made_on_purpose_and_a_repeat_is_answered_alike(identity: Identity) -> None:
    """A repeat with its key is the same client: its own name is nobody else's."""
    name, key = f"Größl {uuid4().hex[:8]} GmbH", {"Idempotency-Key": str(uuid4())}
    body = {"name": name, "name_is_new": True}
    made = [await identity.api(ADMIN, "POST", "clients", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"]
    again = {"name": name.upper(), "name_is_new": True}
    refused = await identity.api(ADMIN, "POST", "clients", json=again)
    assert (refused.status_code, refused.json()["code"]) == (409, "client.same_name")
    assert (await identity.api(ADMIN, "POST", "clients", json=again | {"name_is_new": False})).status_code == 201


async def test_a_client_gets_the_name_of_another_on_purpose_only(identity: Identity) -> None:
    """Its own name, written otherwise, is nobody else's; and who acts within one client learns of no other."""
    name = f"Größl {uuid4().hex[:8]} GmbH"
    await identity.client(name)
    other = await identity.client()
    path = f"clients/{other}"
    asked = {"name": name.lower(), "name_is_new": True}
    refused = await identity.api(ADMIN, "PATCH", path, json=asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "client.same_name")
    assert [each["field"] for each in refused.json()["errors"]] == ["name"]
    assert (await identity.api(ADMIN, "GET", path)).json()["name"] != asked["name"]
    assert await identity.events("client_updated", other) == []
    for body in (asked | {"name_is_new": False}, asked | {"variant": "account"}):
        assert (await identity.api(ADMIN, "PATCH", path, json=body)).status_code == 200
    third = UUID(await identity.client())
    bound = Actor(id=uuid7(), kind="partner", client_id=third)
    async with identity.api.app.state.database.uow(bound) as db:
        await commands.change_client(db, bound, third, commands.PatchClient(name=name, name_is_new=True))


async def test_creating_and_changing_needs_the_policy(identity: Identity) -> None:
    client_id = await identity.client()
    for actor in (staff("managePeople", "viewAudit"), colleague_of(client_id, is_primary_contact=True)):
        assert (await identity.api(actor, "POST", "clients", json={"name": "X"})).status_code == 403
        assert (await identity.api(actor, "PATCH", f"clients/{client_id}", json={"name": "X"})).status_code == 403
    assert (await identity.api(None, "POST", "clients", json={"name": "X"})).status_code == 401


async def test_a_change_is_stored_and_told_once(identity: Identity) -> None:
    client_id = await identity.client("Acme GmbH")
    for _ in range(2):
        answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"name": "Acme AG"})
        assert (answer.status_code, answer.json()["name"]) == (200, "Acme AG")
    events = await identity.events("client_updated", client_id)
    assert [msgspec.json.decode(event.data) for event in events] == [
        {"name": "Acme AG", "active": True, "portal_enabled": True, "fields": ["name"]}
    ]
    assert (await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"variant": "clinic"})).status_code == 422
    assert (await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"name": None})).status_code == 422


async def test_its_kind_can_be_changed(identity: Identity) -> None:
    client_id = await identity.client("Acme GmbH")
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"variant": "account"})
    assert (answer.status_code, answer.json()["variant"]) == (200, "account")
    assert (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json()["variant"] == "account"


async def test_opening_and_closing_the_portal_needs_its_own_policy(identity: Identity) -> None:
    """Seed 000: only who holds managePortalAccess."""
    client_id = await identity.client()
    answer = await identity.api(
        staff("manageClients"), "PATCH", f"clients/{client_id}", json={"portal_enabled": False, "name": "X"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "access.needs_policy")
    client = (await identity.api(ADMIN, "GET", f"clients/{client_id}")).json()
    assert (client["portal_enabled"], client["name"]) == (True, "Acme GmbH")


async def test_a_client_sees_itself_and_no_other(identity: Identity) -> None:
    own, foreign = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    actor = colleague_of(own)
    answer = await identity.api(actor, "GET", f"clients/{own}")
    assert (answer.status_code, answer.json()["name"]) == (200, "Acme GmbH")
    refused = [await identity.api(actor, "GET", f"clients/{each}") for each in (foreign, uuid4())]
    assert {(answer.status_code, answer.text) for answer in refused} == {(404, refused[0].text)}
    assert (await identity.api(actor, "GET", "clients")).status_code == 403


async def test_ids_that_are_none_are_404(identity: Identity) -> None:
    for path in ("clients/1", "clients/None", f"clients/{uuid4()}x", f"clients/{uuid4()}"):
        assert (await identity.api(ADMIN, "GET", path)).status_code == 404
    assert (await identity.api(ADMIN, "PATCH", f"clients/{uuid4()}", json={"name": "X"})).status_code == 404


async def test_the_list_is_searched_and_read_page_by_page(identity: Identity) -> None:
    word = uuid4().hex[:8]
    for name in ("b", "C", "a", "A"):
        await identity.client(f"{word} {name}")
    found, cursor = [], ""
    while cursor is not None:
        answer = await identity.api(ADMIN, "GET", "clients", params={"q": word.upper(), "limit": 3, "cursor": cursor})
        page = answer.json()
        found += [client["name"].removeprefix(f"{word} ") for client in page["items"]]
        cursor = page["next_cursor"]
    assert [name.lower() for name in found] == ["a", "a", "b", "c"]
    nothing = await identity.api(ADMIN, "GET", "clients", params={"q": f"{word} %"})
    assert nothing.json() == {"items": [], "next_cursor": None}


async def test_the_list_is_narrowed_by_what_clients_are(identity: Identity) -> None:
    word = uuid4().hex[:8]
    for name, variant, changes in (
        ("open", "services", {}),
        ("closed", "services", {"portal_enabled": False}),
        ("gone", "account", {"active": False}),
    ):
        made = await identity.api(ADMIN, "POST", "clients", json={"name": f"{word} {name}", "variant": variant})
        await identity.api(ADMIN, "PATCH", f"clients/{made.json()['id']}", json=changes)

    async def found(**query: str) -> list[str]:
        answer = await identity.api(ADMIN, "GET", "clients", params={"q": word, **query})
        return [client["name"].removeprefix(f"{word} ") for client in answer.json()["items"]]

    assert await found() == ["closed", "gone", "open"]
    assert await found(active="true") == ["closed", "open"]
    assert await found(active="false") == ["gone"]
    assert await found(portal="true", active="true") == ["open"]
    assert await found(portal="false") == ["closed"]
    assert await found(variant="services", portal="true") == ["open"]
    assert await found(variant="regulated") == []


@pytest.mark.parametrize(
    "query",
    [
        {"active": "maybe"},
        {"portal": ""},
        {"variant": "healthcare"},
        {"cursor": "x"},
        {"cursor": "bm8"},
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"q": "\x00"},
        {"q": "x" * 101},
    ],
)
async def test_a_list_asked_for_wrongly_is_422(identity: Identity, query: dict[str, object]) -> None:
    assert (await identity.api(ADMIN, "GET", "clients", params=query)).status_code == 422


@pytest.mark.parametrize("closed", [{"active": False}, {"portal_enabled": False}])
async def test_closing_a_client_ends_its_sessions_and_nobody_elses(identity: Identity, closed: dict[str, bool]) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna, oliver = await identity.person(acme), await identity.person(birch)
    first, second, other = [await identity.browser(who) for who in (anna, anna, oliver)]
    answer = await identity.api(ADMIN, "PATCH", f"clients/{acme}", json=closed)
    assert answer.status_code == 200
    for browser in (first, second):
        assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
        assert await browser.record() is None
    assert await other.record()
    told = await identity.events("session_revoked")
    ours = [event for event in told if event.clientid and str(event.clientid) == acme]
    assert {msgspec.json.decode(event.data)["session_hash"] for event in ours} == {
        first.session_hash,
        second.session_hash,
    }
    assert (await (await identity.browser()).sign_in(anna["email"])).status_code == 401
    await identity.api(ADMIN, "PATCH", f"clients/{acme}", json=dict.fromkeys(closed, True))
    assert await first.record() is None
    assert (await (await identity.browser()).sign_in(anna["email"])).status_code == 200


async def test_nobody_slips_in_while_a_client_is_being_closed(identity: Identity) -> None:
    """Who signs in at the same moment is either too late or signed out again."""
    client_id = await identity.client()
    person = await identity.person(client_id)
    [row] = await identity.execute("select password_hash from people where id = $1", person["id"])
    account = Account(UUID(person["id"]), UUID(client_id), row["password_hash"], person["email"])
    attempt = Attempt(id=uuid4(), ip="", user_agent="")
    async with identity.api.app.state.database.uow(SYSTEM) as db:
        entry = await sign_in(db, attempt, account, "password", proven=True)
        closing = asyncio.create_task(
            identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"portal_enabled": False})
        )
        await asyncio.wait([closing], timeout=0.5)
    assert (await closing).status_code == 200
    assert entry
    assert await identity.redis.get(f"session:{digest(entry.token)}") == b"revoked"
    live = "select 1 from sessions where client_id = $1 and revoked_at is null"
    assert await identity.execute(live, client_id) == []
