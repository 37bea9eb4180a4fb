"""What staff may do, who may give it, and that somebody always can."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest

from services.identity.policies.models import ADMIN_POLICIES, GROUPS, POLICIES
from tests.identity.rig import ADMIN, Browser, Identity, staff

ROUNDS = 25


async def put(identity: Identity, actor: Any, person: dict[str, Any], **body: Any) -> httpx2.Response:
    return await identity.api(actor, "PUT", f"people/{person['id']}/policies", json=body)


async def test_policies_and_groups_are_told_in_words(identity: Identity) -> None:
    answer = await identity.api(staff(), "GET", "policies")
    told = answer.json()
    assert [policy["key"] for policy in told["policies"]] == list(ADMIN_POLICIES)
    assert all(policy["name"] and policy["description"].endswith(".") for policy in told["policies"])
    groups = {group["key"]: set(group["policies"]) for group in told["groups"]}
    assert groups["admin"] == set(ADMIN_POLICIES)
    assert groups["admin"] - groups["power_user"] == {"managePeople", "manageApiClients", "manageBrand"}
    assert groups["member"] == {"manageProjects"}
    assert len(POLICIES) == 8
    assert len(GROUPS) == 3


async def test_policies_are_replaced_told_and_in_the_session_at_once(identity: Identity) -> None:
    person = await identity.person()
    browser = await identity.browser(person)
    before = await browser.record()
    assert before
    for body, held in (
        ({"policies": ["viewAudit", "manageProjects", "viewAudit"]}, ["manageProjects", "viewAudit"]),
        ({"group": "power_user"}, sorted(set(ADMIN_POLICIES) - {"managePeople", "manageApiClients", "manageBrand"})),
        ({"policies": []}, []),
    ):
        answer = await put(identity, ADMIN, person, **body)
        assert (answer.status_code, answer.json()["policies"]) == (200, held)
        assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
        record = await browser.record()
        assert record
        assert (record["policies"], record["rotate"]) == (held, True)
    assert record["version"] == before["version"] + 3
    events = await identity.events("policies_changed", person["id"])
    assert [msgspec.json.decode(event.data)["policies"] for event in events][-1] == []
    assert [event.clientid for event in events] == [None] * 3
    assert (await put(identity, ADMIN, person, policies=[])).status_code == 200
    assert len(await identity.events("policies_changed", person["id"])) == 3


@pytest.mark.parametrize(
    "wrong",
    [{}, {"policies": [], "group": "member"}, {"policies": ["everything"]}, {"group": "owner"}, {"policies": None},
     {"policies": [], "kind": "staff"}, {"policies": [], "version": 1}, {"policies": ["viewAudit"] * 51}],
)  # fmt: skip
async def test_what_names_no_policies_is_422(identity: Identity, wrong: dict[str, Any]) -> None:
    answer = await put(identity, ADMIN, await identity.person(), **wrong)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)


async def test_client_people_hold_no_policies(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    answer = await put(identity, ADMIN, person, policies=["viewAudit"])
    assert (answer.status_code, answer.json()["code"]) == (409, "person.policies_need_staff")


async def test_nobody_grants_what_they_do_not_hold_not_even_through_a_group(identity: Identity) -> None:
    power = staff("managePeople", "manageProjects")
    person = await identity.person()
    for body in ({"policies": ["manageProjects", "viewAudit"]}, {"group": "power_user"}, {"group": "admin"}):
        answer = await put(identity, power, person, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "person.grants_beyond_own")
    assert (await identity.api(ADMIN, "GET", f"people/{person['id']}")).json()["policies"] == []
    assert (await put(identity, power, person, group="member")).status_code == 200


async def test_nobody_changes_somebody_who_may_do_more(identity: Identity) -> None:
    power = staff("managePeople", "manageProjects")
    above = await identity.person(policies=["viewAudit"])
    for method, path, body in (
        ("PUT", "policies", {"policies": []}),
        ("PUT", "assignments", {"limited": True}),
        ("PATCH", "", {"first_name": "Eve"}),
        ("PATCH", "", {"active": False}),
    ):
        answer = await identity.api(power, method, f"people/{above['id']}/{path}".rstrip("/"), json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "person.holds_more"), path
    assert (await identity.api(ADMIN, "GET", f"people/{above['id']}")).json()["policies"] == ["viewAudit"]


@pytest.fixture
async def admins(identity: Identity) -> list[Browser]:
    """Two administrators, and no other."""
    await identity.execute("update people set policies = '{}' where 'managePeople' = any(policies)")
    return [await identity.browser(await identity.person(policies=list(ADMIN_POLICIES))) for _ in range(2)]


async def count(identity: Identity) -> int:
    rows = await identity.execute(
        "select count(*) from people where kind = 'staff' and active and not limited and 'managePeople' = any(policies)"
    )
    return rows[0][0]


def ways_down(of: Browser) -> list[tuple[str, str, dict[str, Any]]]:
    """Every way to take an administrator away."""
    path = f"people/{of.actor.id}"
    return [
        ("PUT", f"{path}/policies", {"group": "power_user"}),
        ("PATCH", path, {"active": False}),
        ("PUT", f"{path}/assignments", {"limited": True}),
    ]


async def test_the_last_administrator_stays_one(identity: Identity, admins: list[Browser]) -> None:
    one, other = admins
    assert (await one("PUT", f"people/{other.actor.id}/policies", json={"policies": []})).status_code == 200
    for method, path, body in ways_down(one):
        answer = await one(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "person.last_admin"), path
    assert await count(identity) == 1


async def test_two_administrators_who_demote_each_other_leave_one(identity: Identity, admins: list[Browser]) -> None:
    one, other = admins
    restore = "update people set policies = $1, active = true, limited = false where id = any($2)"
    for number in range(ROUNDS):
        ways = ways_down(one)[number % 3], ways_down(other)[number // 3 % 3]
        answers = await asyncio.gather(
            *(by(method, path, json=body) for by, (method, path, body) in zip((other, one), ways, strict=True))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
        assert await count(identity) == 1
        await identity.execute(restore, list(ADMIN_POLICIES), [one.actor.id, other.actor.id])


async def test_differences_keep_what_their_author_did_not_see(identity: Identity) -> None:
    """Each names what it adds and takes; with `If-Match`, only at the version it has seen."""
    person = await identity.person(policies=["viewAudit"])
    path = f"people/{person['id']}"
    opened = (await identity.api(ADMIN, "GET", path)).json()["version"]
    first = await identity.api(ADMIN, "PATCH", f"{path}/policies", json={"add": ["manageProjects"]})
    assert (first.status_code, first.json()["version"]) == (200, opened + 1)
    second = await identity.api(
        ADMIN, "PATCH", f"{path}/policies", json={"add": ["manageClients"], "remove": ["viewAudit"]}
    )
    assert set(second.json()["policies"]) == {"manageProjects", "manageClients"}
    for method, body in (("PATCH", {"add": ["viewAudit"]}), ("PUT", {"policies": []})):
        late = await identity.api(ADMIN, method, f"{path}/policies", json=body, headers={"If-Match": f'"{opened}"'})
        assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert (await identity.api(ADMIN, "GET", path)).json() == second.json()
