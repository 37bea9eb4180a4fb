"""People over HTTP."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from services.identity.people.commands import CreatePerson, create_person
from shared.actor import SYSTEM
from tests.identity.rig import ADMIN, PASSWORD, Identity, colleague_of, staff


def body(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "staff",
        "email": f"{uuid4().hex}@northwind.example",
        "first_name": "Jonas",
        "last_name": "Weber",
        **fields,
    }


async def test_a_new_person_is_stored_told_and_can_sign_in(identity: Identity) -> None:
    client_id = await identity.client()
    email = f"Anna.{uuid4().hex[:8]}@Acme.example"
    asked = body(kind="client", client_id=client_id, email=email, password=PASSWORD, is_primary_contact=True)
    answer = await identity.api(ADMIN, "POST", "people", json=asked)
    assert answer.status_code == 201
    person = answer.json()
    assert "password" not in answer.text
    assert (person["email"], person["name"], person["is_primary_contact"]) == (email.lower(), "Jonas Weber", True)
    (event,) = await identity.events("person_created", person["id"])
    assert (str(event.clientid), event.actorid) == (client_id, ADMIN.id)
    assert msgspec.json.decode(event.data) == {
        "kind": "client",
        "standing": {"kind": "client", "may_enter": True, "is_primary_contact": True},
    }
    assert (await (await identity.browser()).sign_in(email.upper())).status_code == 200


async def test_an_address_signs_in_one_person_only(identity: Identity) -> None:
    first = body()
    assert (await identity.api(ADMIN, "POST", "people", json=first)).status_code == 201
    again = await identity.api(ADMIN, "POST", "people", json=first | {"email": first["email"].upper()})
    assert (again.status_code, again.json()["code"]) == (409, "person.email_taken")
    together = body()
    answers = await asyncio.gather(*(identity.api(ADMIN, "POST", "people", json=together) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "anna"},
        {"email": "anna@acme"},
        {"email": "anna@acme.example\n"},
        {"email": "anna@acme.example\r\nBcc: x@y.z"},
        {"email": "anna@acme.example, eve@evil.example"},
        {"email": "<anna@acme.example>"},
        {"email": f"{'a' * 250}@acme.example"},
        {"first_name": "", "last_name": ""},
        {"first_name": "\t"},
        {"last_name": "K\x1beller"},
        {"last_name": "K" * 101},
        {"kind": "admin"},
        {"password": "short"},
        {"password": "p" * 201},
        {"policies": ["everything"]},
        {"client_id": "1"},
        {"active": False},
        {"version": 9},
        {"password_hash": "x"},
    ],
)
async def test_what_makes_no_person_is_422(identity: Identity, wrong: dict[str, object]) -> None:
    answer = await identity.api(ADMIN, "POST", "people", json=body(**wrong))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_kind_and_client_must_agree(identity: Identity) -> None:
    client_id = await identity.client()
    for wrong, field in (
        ({"kind": "client"}, "client_id"),
        ({"kind": "client", "client_id": client_id, "policies": ["viewAudit"]}, "policies"),
        ({"client_id": client_id}, "client_id"),
        ({"is_primary_contact": True}, "is_primary_contact"),
    ):
        answer = await identity.api(ADMIN, "POST", "people", json=body(**wrong))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    nowhere = await identity.api(ADMIN, "POST", "people", json=body(kind="client", client_id=str(uuid4())))
    assert nowhere.status_code == 404


async def test_nobody_grants_what_they_do_not_hold(identity: Identity) -> None:
    member = staff("managePeople", "manageProjects")
    beyond = await identity.api(member, "POST", "people", json=body(policies=["manageProjects", "viewAudit"]))
    assert (beyond.status_code, beyond.json()["code"]) == (403, "person.grants_beyond_own")
    within = await identity.api(member, "POST", "people", json=body(policies=["manageProjects", "manageProjects"]))
    assert (within.status_code, within.json()["policies"]) == (201, ["manageProjects"])


async def test_an_error_of_the_database_says_nothing_of_the_person(identity: Identity) -> None:
    """What ends in a log carries no address and no hash."""
    asked = CreatePerson(kind="visitor", email="visitor@acme.example", first_name="Eve", last_name="X")  # type: ignore[arg-type]
    with pytest.raises(IntegrityError) as refused:
        async with identity.api.app.state.database.uow(SYSTEM) as db:
            await create_person(db, SYSTEM, asked, "the hash")
    said = str(refused.value)
    assert "people_kind_check" in said
    assert "the hash" not in said


async def test_managing_people_needs_the_policy(identity: Identity) -> None:
    client_id = await identity.client()
    person = await identity.person(client_id)
    for actor in (staff("manageClients"), colleague_of(client_id, is_primary_contact=True)):
        assert (await identity.api(actor, "POST", "people", json=body())).status_code == 403
        path = f"people/{person['id']}/project-roles"
        assert (await identity.api(actor, "PUT", path, json={"roles": {}})).status_code == 403
    assert (await identity.api(None, "GET", "people")).status_code == 401


async def test_colleagues_see_each_other_and_nobody_else(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    anna, felix, oliver = await identity.person(acme), await identity.person(acme), await identity.person(birch)
    await identity.execute("update people set active = false where id = $1", felix["id"])
    actor = colleague_of(acme)
    for query in ({}, {"client_id": acme}):
        page = (await identity.api(actor, "GET", "people", params=query)).json()
        assert [person["id"] for person in page["items"]] == [anna["id"]]
    assert set(page["items"][0]) == {"id", "email", "first_name", "last_name", "name", "is_primary_contact"}
    assert (await identity.api(actor, "GET", f"people/{anna['id']}")).json() == page["items"][0]
    refused = [
        await identity.api(actor, "GET", path)
        for path in (
            f"people?client_id={birch}",
            f"people?client_id={uuid4()}",
            f"people/{oliver['id']}",
            f"people/{uuid4()}",
            f"people/{felix['id']}",
        )
    ]
    assert {(answer.status_code, answer.text) for answer in refused} == {(404, refused[0].text)}


async def test_a_caller_with_no_client_sees_nobody(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    stray = colleague_of(str(uuid4()))
    stray = msgspec.structs.replace(stray, client_id=None)
    assert (await identity.api(stray, "GET", "people")).json()["items"] == []
    assert (await identity.api(stray, "GET", f"people/{person['id']}")).status_code == 404


async def test_staff_list_people_by_name_page_by_page(identity: Identity) -> None:
    client_id = await identity.client()
    for last, first in (("Weber", "Jonas"), ("adler", "Zoe"), ("Keller", "Anna"), ("Keller", "Ada")):
        await identity.person(client_id, first_name=first, last_name=last)
    found, cursor = [], ""
    while cursor is not None:
        query = {"client_id": client_id, "limit": 2, "cursor": cursor}
        page = (await identity.api(staff(), "GET", "people", params=query)).json()
        found += [person["name"] for person in page["items"]]
        cursor = page["next_cursor"]
    assert found == ["Zoe adler", "Ada Keller", "Anna Keller", "Jonas Weber"]
    member = await identity.person(first_name="Aaron", last_name="\u0021")
    everybody = (await identity.api(staff(), "GET", "people", params={"limit": 1})).json()["items"]
    assert [person["id"] for person in everybody] == [member["id"]]


async def test_changing_ones_own_name_reaches_the_session_at_once(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser(person)
    before = await browser.record()
    assert before
    await identity.redis.set(f"session:{browser.session_hash}", msgspec.json.encode(before), ex=300)
    answer = await browser("PATCH", "people/me", json={"first_name": "Anne"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Anne Keller")
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    after = await browser.record()
    assert after
    assert (after["name"], after["version"]) == ("Anne Keller", before["version"] + 1)
    (event,) = await identity.events("update_profile", person["id"])
    assert msgspec.json.decode(event.data) == {
        "fields": ["first_name"],
        "standing": {"kind": "client", "may_enter": True},
    }
    assert (await browser("PATCH", "people/me", json={"first_name": "Anne"})).status_code == 200
    assert len(await identity.events("update_profile", person["id"])) == 1


@pytest.mark.parametrize(
    "wrong", [{"email": "x@y.example"}, {"policies": []}, {"first_name": "", "last_name": ""}, {"last_name": None}]
)
async def test_ones_name_is_all_one_changes(identity: Identity, wrong: dict[str, object]) -> None:
    browser = await identity.browser(await identity.person(await identity.client()))
    assert (await browser("PATCH", "people/me", json=wrong)).status_code == 422


async def test_project_roles_are_replaced_told_and_in_the_session_at_once(identity: Identity) -> None:
    client_id = await identity.client()
    one, two = await identity.project(client_id), await identity.project(client_id)
    person = await identity.person(client_id)
    browser = await identity.browser(person)
    for roles in ({one: "approver", two: "viewer"}, {two: "feedback_only"}, {}):
        answer = await identity.api(ADMIN, "PUT", f"people/{person['id']}/project-roles", json={"roles": roles})
        assert (answer.status_code, answer.json()["project_roles"]) == (200, roles)
        assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
        record = await browser.record()
        assert record
        assert record["project_roles"] == roles
        assert (await browser("GET", "auth/me")).json()["project_roles"] == roles
    assert record["version"] == 4
    events = await identity.events("project_roles_changed", person["id"])
    assert [msgspec.json.decode(event.data)["roles"] for event in events] == [
        {one: "approver", two: "viewer"},
        {two: "feedback_only"},
        {},
    ]


async def test_a_role_in_anothers_project_is_no_role(identity: Identity) -> None:
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    own, foreign = await identity.project(acme), await identity.project(birch)
    person = await identity.person(acme)
    path = f"people/{person['id']}/project-roles"
    refused = [
        await identity.api(ADMIN, "PUT", path, json={"roles": {own: "viewer", project: "viewer"}})
        for project in (foreign, str(uuid4()))
    ]
    assert {(answer.status_code, answer.text) for answer in refused} == {(404, refused[0].text)}
    assert (await identity.api(ADMIN, "GET", f"people/{person['id']}")).json()["project_roles"] == {}
    assert (await identity.api(ADMIN, "PUT", path, json={"roles": {own: "owner"}})).status_code == 422
    assert (await identity.api(ADMIN, "PUT", path, json={"roles": {"1": "viewer"}})).status_code == 422
    assert (await identity.api(ADMIN, "PUT", f"people/{uuid4()}/project-roles", json={"roles": {}})).status_code == 404


async def test_staff_get_no_project_roles(identity: Identity) -> None:
    person = await identity.person()
    answer = await identity.api(ADMIN, "PUT", f"people/{person['id']}/project-roles", json={"roles": {}})
    assert (answer.status_code, answer.json()["code"]) == (409, "person.roles_need_client")


async def test_the_database_itself_refuses_a_role_across_clients(identity: Identity) -> None:
    """T5: not only the command knows."""
    acme, birch = await identity.client("Acme GmbH"), await identity.client("Birch Ltd")
    foreign, person = await identity.project(birch), await identity.person(acme)
    statement = "insert into project_roles (client_id, person_id, project_id, role) values ($1, $2, $3, 'viewer')"
    for claimed in (acme, birch):
        with pytest.raises(Exception, match="project_roles_client_id_"):
            await identity.execute(statement, UUID(claimed), UUID(person["id"]), UUID(foreign))
