"""Subcontractors: staff limited to named projects."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.actor import Actor
from shared.clock import uuid7
from tests.identity.rig import ADMIN, Identity, staff


def limited(*policies: str, to: dict[str, str]) -> Actor:
    """Somebody limited to these projects (project: client)."""
    assignments = {UUID(project): UUID(client) for project, client in to.items()}
    return msgspec.structs.replace(staff(*policies), assignments=assignments)


async def test_assignments_are_replaced_told_and_in_the_session_at_once(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    shop, site = await identity.project(acme), await identity.project(birch)
    person = await identity.person(policies=["manageProjects"])
    browser = await identity.browser(person)
    for body, seen in (
        ({"limited": True, "project_ids": [shop, site, shop]}, {shop: acme, site: birch}),
        ({"limited": True, "project_ids": [site]}, {site: birch}),
        ({"limited": True}, {}),
        ({"limited": False}, None),
    ):
        answer = await identity.api(ADMIN, "PUT", f"people/{person['id']}/assignments", json=body)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["limited"], answer.json()["assigned_projects"]) == (seen is not None, sorted(seen or {}))
        record = await browser.record()
        assert record
        assert (record["assignments"], record["rotate"]) == (seen, True)
    assert record["version"] == 5
    events = await identity.events("assignments_changed", person["id"])
    assert [msgspec.json.decode(event.data) for event in events] == [
        {"limited": True, "project_ids": sorted([shop, site])},
        {"limited": True, "project_ids": [site]},
        {"limited": True, "project_ids": []},
        {"limited": False, "project_ids": []},
    ]
    again = await identity.api(ADMIN, "PUT", f"people/{person['id']}/assignments", json={"limited": False})
    assert again.status_code == 200
    assert len(await identity.events("assignments_changed", person["id"])) == 4


async def test_what_cannot_be_assigned(identity: Identity) -> None:
    acme = await identity.client()
    shop, contact, person = await identity.project(acme), await identity.person(acme), await identity.person()
    cases: list[tuple[dict[str, Any], dict[str, Any], int]] = [
        (contact, {"limited": True, "project_ids": [shop]}, 409),
        (person, {"limited": True, "project_ids": [shop, str(uuid4())]}, 404),
        (person, {"limited": False, "project_ids": [shop]}, 422),
        (person, {"project_ids": [shop]}, 422),
        (person, {"limited": True, "project_ids": ["1"]}, 422),
        (person, {"limited": True, "client_id": acme}, 422),
        (person, {"limited": True, "project_ids": [str(uuid4()) for _ in range(101)]}, 422),
        ({"id": str(uuid4())}, {"limited": True}, 404),
    ]
    for who, body, status in cases:
        answer = await identity.api(ADMIN, "PUT", f"people/{who['id']}/assignments", json=body)
        assert answer.status_code == status, answer.text
    assert (await identity.api(ADMIN, "GET", f"people/{person['id']}")).json()["limited"] is False


async def test_the_database_itself_limits_staff_only(identity: Identity) -> None:
    contact = await identity.person(await identity.client())
    with pytest.raises(Exception, match="people_limited_check"):
        await identity.execute("update people set limited = true where id = $1", UUID(contact["id"]))


async def test_they_see_the_people_of_their_clients_as_colleagues_do(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna, oliver, member = await identity.person(acme), await identity.person(birch), await identity.person()
    everything = ("manageClients", "managePeople", "managePortalAccess", "viewAudit", "manageProjects")
    emil = limited(*everything, to={str(uuid7()): acme})
    page = (await identity.api(emil, "GET", "people")).json()
    assert [person["id"] for person in page["items"]] == [anna["id"]]
    assert set(page["items"][0]) == {"id", "email", "first_name", "last_name", "name", "is_primary_contact"}
    unseen = [
        await identity.api(emil, "GET", path)
        for path in (f"people/{oliver['id']}", f"people/{member['id']}", f"people/{uuid4()}", f"people?client_id={birch}",
                     f"clients/{birch}", f"clients/{uuid4()}")
    ]  # fmt: skip
    assert {(answer.status_code, answer.text) for answer in unseen} == {(404, unseen[0].text)}
    assert [client["id"] for client in (await identity.api(emil, "GET", "clients")).json()["items"]] == [acme]
    assert (await identity.api(emil, "GET", f"clients/{acme}")).status_code == 200


async def test_no_policy_widens_the_limit(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    person = await identity.person(birch)
    emil = limited("manageClients", "managePeople", "managePortalAccess", to={str(uuid7()): acme})
    for method, path, body in (
        ("POST", "clients", {"name": "Cedar"}),
        ("PATCH", f"clients/{acme}", {"name": "Mine"}),
        ("PATCH", f"people/{person['id']}", {"active": False}),
        ("PUT", f"people/{person['id']}/project-roles", {"roles": {}}),
        ("PUT", f"people/{emil.id}/assignments", {"limited": False}),
        ("PUT", f"people/{emil.id}/policies", {"group": "admin"}),
    ):
        assert (await identity.api(emil, method, path, json=body)).status_code == 403, path


async def test_differences_keep_what_their_author_did_not_see(identity: Identity) -> None:
    """Each names what it adds and takes; with `If-Match`, only at the version it has seen."""
    acme = await identity.client()
    shop, site, app = [await identity.project(acme) for _ in range(3)]
    person = await identity.person()
    path = f"people/{person['id']}/assignments"
    opened = await identity.api(ADMIN, "PUT", path, json={"limited": True, "project_ids": [shop, site]})
    added = await identity.api(ADMIN, "PATCH", path, json={"add": [app]})
    assert added.json()["assigned_projects"] == sorted([shop, site, app])
    taken = await identity.api(ADMIN, "PATCH", path, json={"remove": [shop, str(uuid4())]})
    assert taken.json()["assigned_projects"] == sorted([site, app])
    match = {"If-Match": f'"{opened.json()["version"]}"'}
    for method, body in (("PATCH", {"add": [shop]}), ("PUT", {"limited": False})):
        late = await identity.api(ADMIN, method, path, json=body, headers=match)
        assert (late.status_code, late.json()["code"]) == (412, "stale")
    lifted = await identity.api(ADMIN, "PATCH", path, json={"limited": False})
    assert (lifted.json()["limited"], lifted.json()["assigned_projects"]) == (False, [])
    unlimited = await identity.api(ADMIN, "PATCH", path, json={"add": [shop]})
    assert (unlimited.status_code, unlimited.json()["errors"][0]["field"]) == (422, "add")
