"""What clients do not see: private projects and milestones, and the fields a project keeps from them."""

from collections.abc import AsyncIterator
from typing import Any, get_args
from uuid import UUID

import asyncpg
import httpx2
import msgspec
import pytest
from msgspec import structs

from services.projects.app import create_app
from services.projects.milestones.commands import PatchMilestone
from services.projects.milestones.models import Milestone
from services.projects.projects.commands import PatchProject
from services.projects.projects.models import Project
from services.projects.settings import ProjectsSettings
from services.projects.visibility import HiddenField
from shared.actor import Actor
from shared.clock import uuid7
from tests.conftest import ServiceApi, ServiceFactory
from tests.partners import ISSUER, IdentityStandIn, PartnerSigner
from tests.projects.build import READER, STAFF, Desk, days, person, refused

EMPTY = {
    "description": "",
    "scope": "",
    "starts_on": None,
    "ends_on": None,
    "completion": None,
    "fixed_completion": None,
    "milestones_total": None,
    "milestones_completed": None,
    "phase": None,
    "team": [],
}
FILLED = {
    "description": "The shop anew",
    "scope": "Everything but the stock",
    "starts_on": "2026-01-05",
    "ends_on": "2027-01-05",
    "team": [
        {
            "name": "Clara Hoffmann",
            "role": "Lead",
            "person_id": None,
            "email": "clara@northwind.example",
            "phone": "+49 30 1",
        }
    ],
}
ABOUT_PRIVATE = ("private", "hidden_fields")


class OpenDesk(Desk):
    """A desk that partner systems come to as well, with tokens of their own."""

    def __init__(self, api: ServiceApi, keys: PartnerSigner) -> None:
        super().__init__(api)
        self._keys = keys

    async def __call__(self, actor: Actor | None, method: str, path: str, **request: Any) -> httpx2.Response:
        if actor and actor.kind == "partner":
            token = self._keys.token(actor)
            return await super().__call__(None, method, path, headers={"Authorization": f"Bearer {token}"}, **request)
        return await super().__call__(actor, method, path, **request)


@pytest.fixture(scope="module")
async def desk(run_service: ServiceFactory) -> AsyncIterator[Desk]:
    keys = PartnerSigner()
    identity = IdentityStandIn(keys)
    at = {"public_url": ISSUER, "upstreams": {"identity": await identity.start()}}
    async with run_service("projects", create_app, ProjectsSettings, **at) as api:
        desk = OpenDesk(api, keys)
        yield desk
        await desk.looks.close()
    await identity.stop()


def partner(client_id: UUID | None, *scopes: str) -> Actor:
    return Actor(id=uuid7(), kind="partner", client_id=client_id, scopes=frozenset(scopes))


def viewing(client_id: UUID) -> Actor:
    """Staff with a client's eyes."""
    return Actor(id=STAFF.id, kind="client", client_id=client_id, is_primary_contact=True, read_only=True)


def within(client_id: UUID) -> list[Actor]:
    """Everybody who looks from within the client."""
    return [person(client_id), viewing(client_id), partner(client_id, "projects:read", "projects:write")]


async def share(desk: Desk, what: str, thing: dict[str, Any]) -> dict[str, Any]:
    return desk.good(await desk(STAFF, "POST", f"{what}/{thing['id']}/share"))


async def withdraw(desk: Desk, what: str, thing: dict[str, Any]) -> dict[str, Any]:
    return desk.good(await desk(STAFF, "POST", f"{what}/{thing['id']}/withdraw"))


async def nothing_there(desk: Desk, actor: Actor, project: dict[str, Any], milestone: dict[str, Any]) -> None:
    """Each route answers as it does for an id that nobody has."""
    for method, path, body in [
        ("GET", "projects/{}", None),
        ("GET", "projects/{}/phases", None),
        ("PATCH", "projects/{}", {"name": "Mine"}),
        ("POST", "projects/{}/milestones", {"name": "Mine", "target_on": days(3)}),
        ("POST", "projects/{}/share", None),
        ("POST", "projects/{}/withdraw", None),
        ("PATCH", "milestones/{}", {"name": "Mine"}),
        ("POST", "milestones/{}/complete", None),
        ("POST", "milestones/{}/reopen", None),
        ("POST", "milestones/{}/share", None),
        ("POST", "milestones/{}/withdraw", None),
    ]:
        own = (project if path.startswith("projects") else milestone)["id"]
        request = {"json": body} if body else {}
        found, random = [await desk(actor, method, path.format(each), **request) for each in (own, str(uuid7()))]
        assert found.status_code == random.status_code in (403, 404), path
        assert found.json() | {"instance": ""} == random.json() | {"instance": ""}, path


async def test_a_private_project_is_not_there_for_its_client(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id, name="Secret plan", private=True)
    milestone = await desk.milestone(project)
    assert project["private"] is True
    for actor in within(client_id):
        assert desk.good(await desk(actor, "GET", "projects"))["items"] == []
        assert desk.good(await desk(actor, "GET", "projects", params={"q": "Secret"}))["items"] == []
        await nothing_there(desk, actor, project, milestone)
    feedback = person(client_id, primary=False, project_roles={UUID(project["id"]): "feedback_only"})
    refused(await desk(feedback, "GET", f"projects/{project['id']}"), 404, "not_found")
    for actor in (STAFF, READER, partner(None, "projects:read")):
        assert (await desk.read(project, actor))["milestones"][0]["id"] == milestone["id"]
        (card,) = desk.good(await desk(actor, "GET", "projects", params={"client_id": str(client_id)}))["items"]
        assert card["private"] is True
    limited = Actor(id=uuid7(), kind="staff", assignments={UUID(project["id"]): client_id})
    assert (await desk.read(project, limited))["private"] is True


async def test_sharing_shows_it_and_withdrawing_hides_it_with_its_plan(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id, private=True)
    milestone = await desk.milestone(project)
    shared = await share(desk, "projects", project)
    assert (shared["private"], shared["version"]) == (False, 2)
    for actor in within(client_id):
        seen = await desk.read(project, actor)
        assert [each["id"] for each in seen["milestones"]] == [milestone["id"]]
        assert not {*seen, *seen["milestones"][0]} & {*ABOUT_PRIVATE}, "a client cannot see the flag"
    refused(await desk(STAFF, "POST", f"projects/{project['id']}/share"), 409, "project.already_shared")
    await withdraw(desk, "projects", project)
    refused(await desk(STAFF, "POST", f"projects/{project['id']}/withdraw"), 409, "project.already_private")
    for actor in within(client_id):
        await nothing_there(desk, actor, project, milestone)
    kinds = [(each.type, str(each.clientid)) for each in await desk.told(project)]
    wanted = ["project_created", "project_shared", "project_withdrawn"]
    assert kinds == [(kind, str(client_id)) for kind in wanted]


async def test_a_private_milestone_is_in_nothing_the_client_sees(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id)
    await desk.complete(await desk.milestone(project, "Design", phase="Design"))
    launch = await desk.milestone(project, "Launch", target_on=days(20), phase="Launch")
    before = await desk.read(project, person(client_id))
    card = desk.good(await desk(person(client_id), "GET", "projects"))["items"]
    private = await desk.milestone(
        project, "Ask legal", target_on=days(5), phase="Legal", depends_on=[launch["id"]], private=True
    )
    assert private["private"] is True
    for actor in within(client_id):
        assert await desk.read(project, actor) == before
        assert desk.good(await desk(actor, "GET", "projects"))["items"] == card
        phases = desk.good(await desk(actor, "GET", f"projects/{project['id']}/phases"))["items"]
        assert [each["name"] for each in phases] == ["Design", "Launch"]
        shown = {"id": project["id"]}
        await nothing_there(desk, actor, {"id": str(uuid7())}, private)
        assert desk.good(await desk(actor, "GET", f"projects/{shown['id']}"))["milestones_total"] == 2
    seen = await desk.read(project)
    assert [each["name"] for each in seen["milestones"]] == ["Ask legal", "Design", "Launch"]
    figures = ("completion", "milestones_total", "next_milestone", "phase", "last_activity_at")
    assert {name: seen[name] for name in figures} == {name: before[name] for name in figures}
    phases = desk.good(await desk(STAFF, "GET", f"projects/{project['id']}/phases"))["items"]
    assert [each["name"] for each in phases] == ["Design", "Launch"]


async def test_what_the_client_sees_depends_on_nothing_private(desk: Desk) -> None:
    project = await desk.project()
    private = await desk.milestone(project, "Ask legal", private=True)
    body = {"name": "Launch", "target_on": days(9), "depends_on": [private["id"]]}
    path = f"projects/{project['id']}/milestones"
    problem = refused(await desk(STAFF, "POST", path, json=body), 422, "milestone.depends_on_private")
    assert (problem["errors"][0]["field"], "Ask legal" in problem["detail"]) == ("depends_on", True)
    launch = await desk.milestone(project, "Launch")
    change = {"depends_on": [private["id"]]}
    refused(await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json=change), 422, "milestone.depends_on_private")
    await withdraw(desk, "milestones", launch)
    desk.good(await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json=change))
    refused(await desk(STAFF, "POST", f"milestones/{launch['id']}/share"), 409, "milestone.rests_on_private")
    await share(desk, "milestones", private)
    await share(desk, "milestones", launch)
    refused(await desk(STAFF, "POST", f"milestones/{private['id']}/withdraw"), 409, "milestone.needed_by_shared")
    refused(await desk(STAFF, "POST", f"milestones/{launch['id']}/share"), 409, "project.already_shared")
    await withdraw(desk, "milestones", launch)
    refused(await desk(STAFF, "POST", f"milestones/{launch['id']}/withdraw"), 409, "project.already_private")


async def test_the_teams_own_steps_hold_up_no_shared_one(desk: Desk) -> None:
    """Else a partner within the client would be refused for a reason it may not know."""
    client_id = await desk.client()
    project = await desk.project(client_id)
    launch = await desk.milestone(project, "Launch")
    own = await desk.milestone(project, "Celebrate", private=True, depends_on=[launch["id"]])
    await desk.complete(launch)
    await desk.complete(own)
    desk.good(await desk(STAFF, "POST", f"milestones/{launch['id']}/reopen"))
    await desk.complete(launch)
    bound = partner(client_id, "projects:write")
    desk.good(await desk(bound, "POST", f"milestones/{launch['id']}/reopen"))
    desk.good(await desk(STAFF, "PATCH", f"milestones/{own['id']}", json={"name": "Party"}))
    refused(await desk(STAFF, "POST", f"milestones/{own['id']}/share"), 409, "milestone.dependencies_open")
    await desk.complete(launch)
    shared = await share(desk, "milestones", own)
    assert (shared["private"], shared["status"]) == (False, "completed")
    refused(await desk(STAFF, "POST", f"milestones/{launch['id']}/reopen"), 409, "milestone.dependents_completed")


async def test_events_say_what_is_private_and_what_is_hidden(desk: Desk) -> None:
    project = await desk.project(private=True, hidden_fields=["scope", "milestone_description", "scope"])
    assert project["hidden_fields"] == ["milestone_description", "scope"]
    milestone = await desk.milestone(project, private=True)
    await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"scope": "More", "name": "New", "status": "delayed"})
    await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"hidden_fields": ["team"]})
    path = f"milestones/{milestone['id']}"
    await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"hidden_fields": ["milestone_description", "phase"]})
    await desk(STAFF, "PATCH", path, json={"description": "x", "phase": "y", "target_on": days(30)})
    found = [msgspec.json.decode(each.data) for each in await desk.told(project)]
    assert [each.get("private") for each in found] == [True] * 5
    assert [each.get("hidden") for each in found] == [None, ["scope"], None, ["hidden_fields"], ["hidden_fields"]]
    created, updated = [msgspec.json.decode(each.data) for each in await desk.told(milestone)]
    assert (created["private"], updated["private"]) == (True, True)
    assert (updated["fields"], updated["hidden"]) == (["description", "phase", "target_on"], ["description", "phase"])


@pytest.mark.parametrize("field", ["description", "scope", "starts_on", "ends_on", "phase", "team", "completion"])
async def test_a_hidden_field_is_empty_for_the_client_and_nobody_else(desk: Desk, field: str) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id, **FILLED)
    await desk.milestone(project, "Launch", phase="Launch", starts_on=days(1), description="Open to all")
    open_to_all = await desk.read(project, person(client_id))
    path = f"projects/{project['id']}"
    desk.good(await desk(STAFF, "PATCH", path, json={"hidden_fields": [field]}))
    hidden = {
        name for name in EMPTY if name == field or (field == "completion" and ("comp" in name or "_total" in name))
    }
    for actor in within(client_id):
        seen = await desk.read(project, actor)
        differs = {name for name in seen if seen[name] != open_to_all[name]}
        assert differs - {"version", "last_activity_at", "milestones", "phases", "fixed_completion"} == hidden - {
            "fixed_completion"
        }
        phases = desk.good(await desk(actor, "GET", f"{path}/phases"))["items"]
        assert seen["phases"] == phases
        assert bool(phases) == (field != "phase")
        assert {name: seen[name] for name in hidden} == {name: EMPTY[name] for name in hidden}
        (card,) = desk.good(await desk(actor, "GET", "projects"))["items"]
        assert {name: card[name] for name in hidden if name in card} == {n: EMPTY[n] for n in hidden if n in card}
    seen = await desk.read(project)
    assert {name: seen[name] for name in FILLED} == FILLED
    assert seen["completion"] == 0


async def test_hidden_fields_of_milestones_phases_and_the_team(desk: Desk) -> None:
    client_id = await desk.client()
    fields = ["milestone_description", "milestone_starts_on", "milestone_depends_on", "phase", "contact_details"]
    project = await desk.project(client_id, **FILLED, hidden_fields=fields)
    first = await desk.milestone(project, "Design")
    step = {"phase": "Launch", "starts_on": days(1), "description": "Open to all", "depends_on": [first["id"]]}
    await desk.milestone(project, "Launch", target_on=days(30), **step)
    for actor in within(client_id):
        seen = await desk.read(project, actor)
        empty = {"phase": None, "starts_on": None, "description": "", "depends_on": []}
        assert {name: seen["milestones"][1][name] for name in empty} == empty
        assert seen["team"] == [{**FILLED["team"][0], "email": None, "phone": None}]
        assert desk.good(await desk(actor, "GET", f"projects/{project['id']}/phases"))["items"] == []
    seen = await desk.read(project)
    assert {name: seen["milestones"][1][name] for name in step} == step
    assert seen["team"] == FILLED["team"]


CANARIES: dict[str, list[str]] = {
    "description": ["canary-description"],
    "scope": ["canary-scope"],
    "starts_on": ["2021-01-17"],
    "ends_on": ["2041-01-19"],
    "completion": ['"completion":37', '"milestones_total":2', '"milestones_completed":1', "2022-03-05", '"completed"'],
    "phase": ["canary-phase"],
    "team": ["Canary Hoffmann", "canary-role", "canary@northwind.example", "+49 30 424242"],
    "contact_details": ["canary@northwind.example", "+49 30 424242"],
    "milestone_description": ["canary-note"],
    "milestone_starts_on": ["2021-02-17"],
    "milestone_depends_on": ['"depends_on":["'],
}
"""What each field that can be hidden shows in some answer while it is not."""


@pytest.mark.parametrize("field", get_args(HiddenField))
async def test_what_is_hidden_now_leaves_by_no_exit(desk: Desk, field: str) -> None:
    """Lists, details, phases, and the answers to what a partner bound to the client may change."""
    client_id = await desk.client()
    team = [
        {
            "name": "Canary Hoffmann",
            "role": "canary-role",
            "email": "canary@northwind.example",
            "phone": "+49 30 424242",
        }
    ]
    facts = {"description": "canary-description", "scope": "canary-scope", "completion": 37, "team": team}
    project = await desk.project(client_id, **facts, starts_on="2021-01-17", ends_on="2041-01-19")
    step = {"phase": "canary-phase", "description": "canary-note", "starts_on": "2021-02-17", "target_on": days(30)}
    first = await desk.milestone(project, "Design", **step)
    await desk.complete(first, completed_on="2022-03-05")
    second = await desk.milestone(project, "Launch", **step, depends_on=[first["id"]])
    path, bound = f"projects/{project['id']}", partner(client_id, "projects:read", "projects:write")

    async def said_by_every_exit(actor: Actor) -> str:
        reads = [await desk(actor, "GET", each) for each in ("projects", path, f"{path}/phases")]
        writes = [("PATCH", path, {}), ("PATCH", f"milestones/{second['id']}", {})]
        if actor is bound:
            reads += [await desk(actor, method, each, json=body) for method, each, body in writes]
            for milestone, verb in ((second, "complete"), (second, "reopen")):
                reads.append(await desk(actor, "POST", f"milestones/{milestone['id']}/{verb}"))
        refusals = {answer.json()["code"] for answer in reads if answer.status_code != 200}
        assert refusals <= ({"project.depends_on_hidden"} if field in Milestone.judged_by["completed_on"] else set())
        return "".join(answer.text for answer in reads)

    for actor in [*within(client_id)[:2], bound]:
        said = await said_by_every_exit(actor)
        assert [canary for canary in CANARIES[field] if canary not in said] == [], "it shows while it is open"
    desk.good(await desk(STAFF, "PATCH", path, json={"hidden_fields": [field]}))
    for actor in [*within(client_id)[:2], bound]:
        said = await said_by_every_exit(actor)
        assert [canary for canary in CANARIES[field] if canary in said] == [], actor.kind
    assert [canary for canary in CANARIES[field] if canary not in await said_by_every_exit(STAFF)] == []


async def test_phases_tell_no_progress_that_is_hidden(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id, hidden_fields=["completion"])
    await desk.milestone(project, phase="Launch")
    path = f"projects/{project['id']}/phases"
    (phase,) = desk.good(await desk(person(client_id), "GET", path))["items"]
    assert [phase[name] for name in ("name", "completion", "milestones_total", "milestones_completed")] == [
        "Launch",
        None,
        None,
        None,
    ]
    (phase,) = desk.good(await desk(STAFF, "GET", path))["items"]
    assert (phase["completion"], phase["milestones_total"]) == (0, 1)


async def test_no_search_finds_what_is_hidden(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id, name="Shop", description="Zanzibar", hidden_fields=["description"])
    for actor in within(client_id):
        assert desk.good(await desk(actor, "GET", "projects", params={"q": "zanzi"}))["items"] == []
        assert len(desk.good(await desk(actor, "GET", "projects", params={"q": "shop"}))["items"]) == 1
    for extra in ({}, {"client_id": str(client_id)}):
        found = desk.good(await desk(STAFF, "GET", "projects", params={"q": "zanzi", **extra}))["items"]
        assert project["id"] in [each["id"] for each in found]


async def test_only_the_company_decides_what_a_client_sees(desk: Desk) -> None:
    client_id = await desk.client()
    project = await desk.project(client_id)
    milestone = await desk.milestone(project)
    rows = await desk.rows()
    bound = partner(client_id, "projects:write", "projects:read")
    own = {"client_id": str(client_id), "name": "Mine"}
    step = {"name": "Mine", "target_on": days(3), "private": True}
    for method, path, body in [
        ("POST", "projects", own | {"private": True}),
        ("POST", "projects", own | {"hidden_fields": ["scope"]}),
        ("PATCH", f"projects/{project['id']}", {"hidden_fields": []}),
        ("POST", f"projects/{project['id']}/withdraw", None),
        ("POST", f"projects/{project['id']}/share", None),
        ("POST", f"projects/{project['id']}/milestones", step),
        ("POST", f"milestones/{milestone['id']}/withdraw", None),
        ("POST", f"milestones/{milestone['id']}/share", None),
    ]:
        request = {"json": body} if body is not None else {}
        refused(await desk(bound, method, path, **request), 403, "project.company_decides")
    assert await desk.rows() == rows
    free = partner(None, "projects:write", "projects:read")
    made = desk.good(await desk(free, "POST", "projects", json=own | {"private": True}), 201)
    assert desk.good(await desk(free, "POST", f"projects/{made['id']}/share"))["private"] is False


@pytest.mark.parametrize("wrong", [["budget"], "scope", [None]])
async def test_unknown_fields_cannot_be_hidden(desk: Desk, wrong: Any) -> None:
    project = await desk.project()
    answer = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"hidden_fields": wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("hidden_fields")


async def test_the_database_hides_what_is_private_from_the_tenant(desk: Desk) -> None:
    """The second lock, without a word of the service's own statements."""
    client_id = await desk.client()
    open_project = await desk.project(client_id)
    await desk.milestone(open_project, "Shown")
    await desk.milestone(open_project, "Own step", private=True)
    kept = await desk.project(client_id, private=True)
    await desk.milestone(kept, "Inherits")
    connection = await asyncpg.connect(desk.api.database_url)
    try:
        await connection.execute(f"begin; select set_config('app.client_id', '{client_id}', true)")
        assert [row["id"] for row in await connection.fetch("select id from projects")] == [UUID(open_project["id"])]
        assert [row["name"] for row in await connection.fetch("select name from milestones")] == ["Shown"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("update projects set private = true")
    finally:
        await connection.close()


GUESSES: list[tuple[str, str, dict[str, Any] | None, HiddenField, dict[str, Any], dict[str, Any]]] = [
    ("PATCH", "project", {"description": "A"}, "description", {"description": "A"}, {"description": "B"}),
    ("PATCH", "project", {"scope": "A"}, "scope", {"scope": "A"}, {"scope": "B"}),
    ("PATCH", "project", {"completion": 40}, "completion", {"completion": 40}, {"completion": 41}),
    ("PATCH", "project", {"starts_on": days(3)}, "starts_on", {"starts_on": days(3)}, {"starts_on": days(2)}),
    ("PATCH", "project", {"starts_on": days(3)}, "ends_on", {"ends_on": days(2)}, {"ends_on": days(4)}),
    ("PATCH", "project", {"ends_on": days(3)}, "ends_on", {"ends_on": days(3)}, {"ends_on": days(4)}),
    ("PATCH", "project", {"ends_on": days(3)}, "starts_on", {"starts_on": days(2)}, {"starts_on": days(4)}),
    ("PATCH", "project", {"team": []}, "team", {"team": []}, {"team": FILLED["team"]}),
    ("PATCH", "project", {"team": FILLED["team"]}, "contact_details", {"team": FILLED["team"]},
     {"team": [{"name": "Clara Hoffmann", "role": "Lead"}]}),
    ("PATCH", "milestone", {"description": "A"}, "milestone_description", {"description": "A"}, {"description": "B"}),
    ("PATCH", "milestone", {"phase": "A"}, "phase", {"phase": "A"}, {"phase": "B"}),
    ("PATCH", "milestone", {"starts_on": days(3)}, "milestone_starts_on", {"starts_on": days(3)}, {"starts_on": days(2)}),
    ("PATCH", "milestone", {"target_on": days(3)}, "milestone_starts_on", {"starts_on": days(2)}, {"starts_on": days(4)}),
    ("PATCH", "milestone", {"depends_on": []}, "milestone_depends_on", {"depends_on": []}, {"depends_on": ["other"]}),
    ("PATCH", "milestone", {"depends_on": ["other"]}, "completion", {}, {"completed": True}),
    ("POST", "milestone/complete", None, "milestone_depends_on", {"depends_on": []}, {"depends_on": ["other"]}),
    ("POST", "milestone/complete", None, "completion", {}, {"completed": True}),
    ("POST", "milestone/reopen", None, "completion", {}, {"completed": True}),
]  # fmt: skip
"""What is asked for, which field is hidden, and two values of it that a guess would tell apart."""


async def plan_with(desk: Desk, client_id: UUID, hidden: str, on: str, value: dict[str, Any]) -> dict[str, str]:
    """A project that hides the field, with two milestones; the value stands where the guess is made."""
    done, value = value.get("completed"), {name: each for name, each in value.items() if name != "completed"}
    project = await desk.project(client_id, hidden_fields=[hidden], **(value if on == "project" else {}))
    other = await desk.milestone(project, target_on=days(9))
    value = {name: [other["id"]] if each == ["other"] else each for name, each in value.items()}
    milestone = await desk.milestone(project, **{"target_on": days(9)} | (value if on == "milestone" else {}))
    if done:
        desk.good(await desk(STAFF, "POST", f"milestones/{milestone['id']}/complete"))
    return {"project": f"projects/{project['id']}", "milestone": f"milestones/{milestone['id']}", "other": other["id"]}


async def test_nobody_within_a_client_and_no_subcontractor_adds_staff_to_a_team(desk: Desk) -> None:
    """Whose team somebody of the staff is in decides who may read how to reach them."""
    client_id = await desk.client()
    jonas, eve = ({"name": name, "role": "Lead", "person_id": str(uuid7())} for name in ("Jonas", "Eve"))
    project = await desk.project(client_id, team=[jonas])
    path, outside = f"projects/{project['id']}", {"name": "Free Lance", "role": "Design"}
    limited = structs.replace(STAFF, assignments={UUID(project["id"]): client_id})
    for actor in (partner(client_id, "projects:read", "projects:write"), limited):
        for team in ([jonas, eve], [eve]):
            answer = await desk(actor, "PATCH", path, json={"team": team})
            assert (answer.status_code, answer.json()["code"]) == (403, "project.staff_not_yours")
        desk.good(await desk(actor, "PATCH", path, json={"team": [outside]}))
        assert (await desk(actor, "PATCH", path, json={"team": [jonas]})).status_code == 403
        desk.good(await desk(STAFF, "PATCH", path, json={"team": [jonas]}))
        desk.good(await desk(actor, "PATCH", path, json={"team": [{**jonas, "role": "Design"}, outside]}))
        desk.good(await desk(STAFF, "PATCH", path, json={"team": [jonas]}))
    made = {"client_id": str(client_id), "name": "Shop", "team": [eve]}
    answer = await desk(partner(client_id, "projects:read", "projects:write"), "POST", "projects", json=made)
    assert answer.json()["code"] == "project.staff_not_yours"
    assert (await desk(partner(None, "projects:write"), "POST", "projects", json=made)).status_code == 201


@pytest.mark.parametrize("guess", GUESSES, ids=[f"{each[1]} {''.join(each[2] or ())} by {each[3]}" for each in GUESSES])
async def test_whatever_a_hidden_value_is_a_guess_is_answered_the_same(desk: Desk, guess: Any) -> None:
    method, path, body, hidden, *values = guess
    client_id = await desk.client()
    guesser = partner(client_id, "projects:read", "projects:write")
    on, _, verb = path.partition("/")
    answers: list[tuple[int, dict[str, Any]]] = []
    for value in values:
        ids = await plan_with(desk, client_id, hidden, on, value)
        sent = {name: [ids["other"]] if each == ["other"] else each for name, each in (body or {}).items()}
        request = {"json": sent} if body is not None else {}
        answer = await desk(guesser, method, f"{ids[on]}/{verb}".rstrip("/"), **request)
        answers.append((answer.status_code, answer.json() | {"instance": ""}))
        assert answer.json()["code"] == "project.depends_on_hidden"
    assert answers[0] == answers[1]


def test_every_rule_that_a_hidden_field_has_a_part_in_is_tried() -> None:
    tried = {
        (on.partition("/")[0], name, hidden) for _, on, body, hidden, *_ in GUESSES for name in body or ["completed_on"]
    }
    rules = {
        (kind, name, hidden)
        for kind, judged_by in (("project", Project.judged_by), ("milestone", Milestone.judged_by))
        for name, by in judged_by.items()
        for hidden in by
    }
    assert rules == tried
    assert {hidden for *_, hidden in rules} == set(get_args(HiddenField))
    for sent, judged_by in ((PatchProject, Project.judged_by), (PatchMilestone, Milestone.judged_by)):
        assert set(sent.__struct_fields__) - set(judged_by) <= {"name", "status", "hidden_fields"}
