"""Staff look through a client's eyes: what they then are, what they cannot do, what is told, and how it ends."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.tokens import digest
from shared.claims import admit
from tests.identity.rig import ADMIN, Browser, Identity, staff


async def viewer(identity: Identity, *policies: str) -> Browser:
    person = await identity.person(policies=sorted({"viewAsClient", *policies}))
    return await identity.browser(person)


async def change(identity: Identity, client_id: str, **fields: Any) -> None:
    answer = await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=fields)
    assert answer.status_code == 200, answer.text


async def view(browser: Browser, client_id: str, person: dict[str, Any] | None = None) -> httpx2.Response:
    """Start viewing; the browser is then whom the gateway takes it for."""
    whom = {"client_id": client_id} | ({"person_id": person["id"]} if person else {})
    answer = await browser("POST", "auth/view-as", json=whom)
    if answer.status_code == 200:
        await browser.refresh()
    return answer


async def test_staff_become_the_clients_eyes_and_nothing_more(identity: Identity) -> None:
    client_id = await identity.client("Birch AG")
    browser = await viewer(identity, "manageClients", "managePeople")
    before = browser.actor
    answer = await view(browser, client_id)
    me = answer.json()
    assert (answer.status_code, me["viewing_as"], me["id"]) == (200, "Birch AG", str(before.id))
    seen = browser.actor
    assert (seen.kind, str(seen.client_id), seen.read_only, seen.is_primary_contact) == (
        "client",
        client_id,
        True,
        True,
    )
    assert (seen.id, seen.name, seen.session_id) == (before.id, before.name, before.session_id)
    assert (seen.policies, seen.project_roles, seen.assignments) == (frozenset(), {}, None)


async def test_the_id_changes_on_the_way_in_and_out_and_the_one_before_ends_at_once(identity: Identity) -> None:
    browser = await viewer(identity)
    ids = [browser.cookies["portal_session"]]
    await view(browser, await identity.client())
    ids.append(browser.cookies["portal_session"])
    answer = await browser("POST", "auth/view-as/end")
    ids.append(browser.cookies["portal_session"])
    assert (answer.status_code, answer.json()["viewing_as"]) == (200, None)
    assert [(await identity.resolve(each)).status_code for each in ids] == [404, 404, 200]
    assert {await identity.redis.get(f"session:{digest(each)}") for each in ids[:2]} <= {b"revoked", b"old"}
    await browser.refresh()
    assert (browser.actor.kind, browser.actor.client_id, browser.actor.read_only) == ("staff", None, False)
    assert browser.actor.can("viewAsClient")


async def test_both_ends_are_told_at_the_client_with_the_viewers_name(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await viewer(identity)
    who, session = browser.actor.id, str(browser.actor.session_id)
    await view(browser, client_id)
    await browser("POST", "auth/view-as/end")
    (started,), (ended,) = (
        await identity.events("view_as_started", session),
        await identity.events("view_as_ended", session),
    )
    assert [(str(each.clientid), each.actorid, each.actorname) for each in (started, ended)] == [
        (client_id, who, "Anna Keller")
    ] * 2
    assert (started.actorkind, ended.actorkind) == ("staff", "viewing")
    assert msgspec.json.decode(ended.data)["reason"] == "left"


REFUSED: dict[str, Any] = {
    "somebody without the policy": (staff("manageClients"), 403),
    "a client's person": (None, 403),
    "a subcontractor": (msgspec.structs.replace(staff("viewAsClient"), assignments={}), 403),
    "nobody": ("anonymous", 401),
}


@pytest.mark.parametrize("who", REFUSED)
async def test_others_may_not(identity: Identity, who: str) -> None:
    client_id = await identity.client()
    actor, status = REFUSED[who]
    if actor is None:
        actor = (await identity.browser(await identity.person(client_id))).actor
    answer = await identity.api(
        None if actor == "anonymous" else actor, "POST", "auth/view-as", json={"client_id": client_id}
    )
    assert answer.status_code == status
    assert await identity.events("view_as_started") == [
        each for each in await identity.events("view_as_started") if str(each.clientid) != client_id
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"client_id": "1"}, 422), ({"client_id": None}, 422), ({"client_id": str(ADMIN.id)}, 404)],
)
async def test_what_is_no_client_cannot_be_viewed(identity: Identity, body: dict[str, Any], status: int) -> None:
    browser = await viewer(identity)
    assert (await browser("POST", "auth/view-as", json=body)).status_code == status
    assert (await browser("POST", "auth/view-as", json={**body, "more": 1})).status_code == 422
    assert await browser.record()


async def test_a_closed_portal_shows_nothing(identity: Identity) -> None:
    client_id = await identity.client()
    await change(identity, client_id, portal_enabled=False)
    answer = await view(await viewer(identity), client_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "viewing.client_closed")


async def test_who_is_not_viewing_cannot_leave(identity: Identity) -> None:
    browser = await viewer(identity)
    answer = await browser("POST", "auth/view-as/end")
    assert (answer.status_code, answer.json()["code"]) == (409, "viewing.not_viewing")


def writes(identity: Identity) -> list[tuple[str, str]]:
    """Every route of the service that could change something, but the two that leave, sign out."""
    return sorted(
        (method, route.path)
        for route in identity.api.app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in getattr(handler, "http_methods", ())
        if method not in ("GET", "HEAD", "OPTIONS") and not handler.opt.get("while_viewing")
    )


async def test_every_write_is_refused_and_one_can_look_at_oneself_leave_and_sign_out(identity: Identity) -> None:
    client_id = await identity.client()
    await identity.person(client_id)
    browser = await viewer(identity, "manageClients", "managePeople")
    await view(browser, client_id)
    found = writes(identity)
    assert len(found) > 10
    for method, path in found:
        if "internal" in path or path.startswith("/oauth"):
            continue
        url = path
        for name in ("client_id", "person_id", "session_id"):
            url = url.replace("{" + name + ":uuid}", client_id)
        answer = await browser(method, url, json={})
        assert answer.status_code in (403, 404, 405), (method, path, answer.status_code, answer.text)
        assert answer.status_code != 403 or answer.json()["code"] in ("auth.viewing_only", "forbidden"), (method, path)
    me = (await browser("GET", "auth/me")).json()
    assert (me["id"], me["kind"], me["viewing_as"]) == (str(browser.actor.id), "staff", "Acme GmbH")
    (session,) = (await browser("GET", "sessions")).json()["items"]
    assert (session["id"], session["current"]) == (str(browser.actor.session_id), True)
    colleagues = (await browser("GET", "people")).json()["items"]
    assert len(colleagues) == 1
    assert (await browser("GET", f"clients/{await identity.client()}")).status_code == 404
    assert (await browser("POST", "auth/view-as", json={"client_id": client_id})).status_code == 403
    assert (await browser("POST", "auth/logout")).status_code == 204
    (ended,) = await identity.events("logout", str(browser.actor.id))
    assert (str(ended.clientid), ended.actorkind) == (client_id, "viewing")


async def test_what_is_ones_own_stays_ones_own(identity: Identity) -> None:
    """The rows lie with the company, and the viewer's tenant is a client."""
    browser = await viewer(identity)
    paths = ("two-factor", "passkeys", "auth/step-up")
    before = [(await browser("GET", path)).json() for path in paths]
    await identity.execute(
        "insert into passkeys (id, person_id, credential_id, public_key, sign_count, transports, name, created_at)"
        " values (gen_random_uuid(), $1, gen_random_uuid()::text::bytea, '', 0, '{}', 'Mine', now())",
        browser.actor.id,
    )
    await view(browser, await identity.client())
    two_factor, passkeys, step_up = [(await browser("GET", path)).json() for path in paths]
    assert two_factor == before[0]
    assert [each["name"] for each in passkeys["items"]] == ["Mine"]
    assert set(step_up["methods"]) == {*before[2]["methods"], "passkey"}


def test_the_guard_stands_before_every_route(identity: Identity) -> None:
    """Not the routes refuse, but what stands in front of all of them."""
    unguarded = [
        (method, path)
        for method, path in writes(identity)
        if not any(
            admit in handler.resolve_guards()
            for route in identity.api.app.routes
            if route.path == path
            for handler in getattr(route, "route_handlers", [])
            if method in getattr(handler, "http_methods", ())
        )
    ]
    assert unguarded == []


async def test_closing_the_portal_makes_the_viewer_staff_again(identity: Identity) -> None:
    client_id = await identity.client()
    browser = await viewer(identity)
    await view(browser, client_id)
    session = str(browser.actor.session_id)
    await change(identity, client_id, portal_enabled=False)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    record = await browser.record()
    assert record
    assert (record["kind"], record["client_id"], record["read_only"], record["rotate"]) == ("staff", None, False, True)
    (ended,) = await identity.events("view_as_ended", session)
    assert (str(ended.clientid), msgspec.json.decode(ended.data)["reason"]) == (client_id, "client_closed")
    await change(identity, client_id, portal_enabled=True)
    record = await browser.record()
    assert record
    assert record["kind"] == "staff"


async def test_losing_the_policy_makes_the_viewer_staff_again(identity: Identity) -> None:
    browser = await viewer(identity)
    await view(browser, await identity.client())
    path = f"people/{browser.actor.id}/policies"
    assert (await identity.api(ADMIN, "PUT", path, json={"policies": []})).status_code == 200
    record = await browser.record()
    assert record
    assert (record["kind"], record["read_only"], record["policies"], record["rotate"]) == ("staff", False, [], True)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"


@pytest.mark.parametrize("loss", ["policies = '{manageClients}'", "limited = true"])
async def test_nothing_is_viewed_that_the_viewer_may_not_view_by_now(identity: Identity, loss: str) -> None:
    """Whatever had told the session, or had not."""
    browser = await viewer(identity)
    await view(browser, await identity.client())
    await identity.execute(f"update people set {loss} where id = $1", browser.actor.id)
    record = await browser.record()
    assert record
    assert (record["kind"], record["read_only"]) == ("staff", False)


async def test_the_viewers_own_session_does_not_end_with_the_clients(identity: Identity) -> None:
    """`client_closed` ends the sessions of the client's people; a viewer's is not one of them, wherever they look from."""
    client_id = await identity.client()
    await change(identity, client_id, allowed_networks=["203.0.113.0/24"])
    browser = await viewer(identity)
    await view(browser, client_id)
    record = await browser.record()
    assert record
    assert record["networks"] == []


async def test_staff_see_it_as_one_person_with_that_persons_rights_alone(identity: Identity) -> None:
    client_id = await identity.client("Birch AG")
    project = await identity.project(client_id)
    mira = await identity.person(client_id, first_name="Mira", last_name="Sand")
    await identity.api(ADMIN, "PUT", f"people/{mira['id']}/project-roles", json={"roles": {project: "feedback_only"}})
    own = (await identity.browser(mira)).actor
    browser = await viewer(identity, "manageClients", "managePeople")
    before = browser.actor
    answer = await view(browser, client_id, mira)
    me = answer.json()
    assert (answer.status_code, me["id"], me["name"], me["viewing_as"]) == (200, mira["id"], "Mira Sand", "Birch AG")
    assert me == (await browser("GET", "auth/me")).json()
    seen = browser.actor
    assert (seen.id, seen.name, seen.session_id) == (before.id, before.name, before.session_id)
    assert (str(seen.reader.id), seen.reader.name, seen.read_only) == (mira["id"], "Mira Sand", True)
    for fact in ("kind", "client_id", "policies", "project_roles", "is_primary_contact", "assignments", "closed"):
        assert getattr(seen, fact) == getattr(own, fact), fact
    assert (await browser("GET", "team")).status_code == 403
    (session,) = (await browser("GET", "sessions")).json()["items"]
    assert session["id"] == str(before.session_id)
    assert (await browser("PATCH", "people/me", json={"title": "x"})).json()["code"] == "auth.viewing_only"
    (started,) = await identity.events("view_as_started", str(before.session_id))
    assert (str(started.clientid), started.actorid) == (client_id, before.id)
    assert msgspec.json.decode(started.data)["person_id"] == mira["id"]


async def test_a_primary_contact_is_seen_with_the_team_and_leaving_forgets_whom(identity: Identity) -> None:
    client_id = await identity.client()
    anna = await identity.person(client_id, is_primary_contact=True)
    browser = await viewer(identity)
    await view(browser, client_id, anna)
    assert browser.actor.is_primary_contact
    assert (await browser("GET", "team")).status_code == 200
    assert (await browser("POST", "auth/view-as/end")).status_code == 200
    await browser.refresh()
    assert (browser.actor.kind, browser.actor.seen_as, browser.actor.project_roles) == ("staff", None, {})
    await view(browser, client_id)
    assert browser.actor.seen_as is None


async def test_who_is_not_of_the_client_cannot_be_viewed(identity: Identity) -> None:
    client_id, other = await identity.client(), await identity.client()
    browser = await viewer(identity)
    elsewhere, staff_member = await identity.person(other), await identity.person()
    for person in (elsewhere, staff_member, {"id": str(ADMIN.id)}, {"id": client_id}):
        assert (await view(browser, client_id, person)).status_code == 404
    assert (await view(browser, other, staff_member)).status_code == 404
    assert (await view(browser, client_id, {"id": "1"})).status_code == 422
    assert (await browser.record())["read_only"] is False  # type: ignore[index]


async def test_who_cannot_sign_in_sees_nothing(identity: Identity) -> None:
    client_id = await identity.client()
    contact = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json={"last_name": "Book"})
    gone = await identity.person(client_id)
    await identity.api(ADMIN, "PATCH", f"people/{gone['id']}", json={"active": False})
    browser = await viewer(identity)
    for person in (contact.json(), gone):
        answer = await view(browser, client_id, person)
        assert (answer.status_code, answer.json()["code"]) == (409, "viewing.person_without_access")


LEAVES: dict[str, Any] = {
    "deactivated": ("PATCH", "people/{id}", {"active": False}),
    "shut out": ("POST", "contacts/{id}/portal-access/disable", None),
    "given another address": ("PATCH", "contacts/{id}", {"email": "another@acme.example"}),
    "moved": ("POST", "contacts/{id}/move", {}),
}


@pytest.mark.parametrize("how", LEAVES)
async def test_who_leaves_meanwhile_makes_the_viewer_staff_again(identity: Identity, how: str) -> None:
    client_id = await identity.client()
    mira = await identity.person(client_id)
    browser = await viewer(identity)
    await view(browser, client_id, mira)
    session = str(browser.actor.session_id)
    method, path, body = LEAVES[how]
    body = {"client_id": await identity.client()} if how == "moved" else body
    answer = await identity.api(ADMIN, method, path.format(**mira), **({"json": body} if body else {}))
    assert answer.status_code in (200, 204), answer.text
    record = await browser.record()
    assert record
    assert (record["kind"], record["read_only"], record["seen_as"]) == ("staff", False, None)
    assert (record["project_roles"], record["rotate"]) == ({}, True)
    (ended,) = await identity.events("view_as_ended", session)
    assert (str(ended.clientid), msgspec.json.decode(ended.data)["reason"]) == (client_id, "person_left")
    await until_forgotten(identity, browser)


@pytest.mark.parametrize("loss", ["active = false", "portal_access = false", "client_id = $2"])
async def test_nobody_is_viewed_who_is_not_inside_by_now(identity: Identity, loss: str) -> None:
    """Whatever had told the session, or had not."""
    client_id = await identity.client()
    mira = await identity.person(client_id)
    browser = await viewer(identity)
    await view(browser, client_id, mira)
    values = [mira["id"], *([await identity.client()] if "$2" in loss else [])]
    await identity.execute(f"update people set {loss} where id = $1", *values)
    record = await browser.record()
    assert record
    assert (record["kind"], record["read_only"], record["seen_as"]) == ("staff", False, None)


async def test_what_the_person_may_do_by_now_is_what_is_seen(identity: Identity) -> None:
    client_id = await identity.client()
    project = await identity.project(client_id)
    mira = await identity.person(client_id)
    browser = await viewer(identity)
    await view(browser, client_id, mira)
    before = await browser.record()
    path = f"people/{mira['id']}/project-roles"
    assert (await identity.api(ADMIN, "PUT", path, json={"roles": {project: "viewer"}})).status_code == 200
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    record = await browser.record()
    assert record
    assert before
    assert (record["read_only"], record["project_roles"]) == (True, {project: "viewer"})
    assert record["version"] > before["version"]


async def until_forgotten(identity: Identity, browser: Browser) -> None:
    """The gateways hear it with the event."""
    async with asyncio.timeout(60):
        while await identity.redis.get(f"session:{browser.session_hash}") != b"old":
            await asyncio.sleep(0.05)
