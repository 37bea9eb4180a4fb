"""Milestones as callers use them: what is answered, what is stored, what is told, and to whom nothing is."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import event

from services.projects.milestones.models import Milestone
from shared.actor import SYSTEM, Actor
from shared.clock import latest_today, uuid7
from shared.contracts.projects import MilestoneCompleted, MilestoneCreated, MilestoneReopened, MilestoneUpdated
from tests.projects.build import READER, STAFF, Desk, days, person, refused


async def test_a_new_milestone_is_stored_shown_and_told(desk: Desk) -> None:
    project = await desk.project(name="Shop")
    design = await desk.milestone(project, "Design")
    body = {"name": "Launch", "description": "Open to all", "phase": "Launch", "depends_on": [design["id"]]}
    body |= {"starts_on": days(11), "target_on": days(30)}
    answer = await desk(STAFF, "POST", f"projects/{project['id']}/milestones", json=body)
    created = desk.good(answer, 201)
    assert answer.headers["ETag"] == '"1"'
    expected = {
        "id": created["id"],
        "project_id": project["id"],
        "completed_on": None,
        "status": "upcoming",
        "private": False,
        "version": 1,
    }
    assert created == body | expected
    assert (await desk.read(project))["milestones"][1] == created
    (event,) = await desk.told(created)
    assert (event.clientid, event.actorid) == (UUID(project["client_id"]), STAFF.id)
    data = msgspec.json.decode(event.data, type=MilestoneCreated)
    assert (data.project_name, data.name, data.version, str(data.project_id)) == ("Shop", "Launch", 1, project["id"])


async def test_completing_and_reopening_are_stored_shown_and_told(desk: Desk) -> None:
    project = await desk.project(name="Shop")
    launch = await desk.milestone(project, "Launch")
    completed = await desk.complete(launch, completed_on=days(-2))
    assert (completed["status"], completed["completed_on"], completed["version"]) == ("completed", days(-2), 2)
    reopened = desk.good(await desk(STAFF, "POST", f"milestones/{launch['id']}/reopen"))
    assert (reopened["status"], reopened["completed_on"], reopened["version"]) == ("in_progress", None, 3)
    assert (await desk.read(project))["milestones"] == [reopened]
    _, done, undone = await desk.told(launch)
    told = msgspec.json.decode(done.data, type=MilestoneCompleted)
    assert (told.completed_on.isoformat(), told.version, told.project_name) == (days(-2), 2, "Shop")
    assert msgspec.json.decode(undone.data, type=MilestoneReopened).version == 3


NULL = {"content": b"null", "headers": {"Content-Type": "application/json"}}


@pytest.mark.parametrize("request_body", [{}, NULL, {"json": {}}, {"json": {"completed_on": None}}])
async def test_it_was_completed_today_unless_told_otherwise(desk: Desk, request_body: dict[str, Any]) -> None:
    launch = await desk.milestone(await desk.project())
    completed = desk.good(await desk(STAFF, "POST", f"milestones/{launch['id']}/complete", **request_body))
    assert completed["completed_on"] == days(0)


async def test_what_the_state_forbids_is_a_conflict(desk: Desk) -> None:
    project = await desk.project()
    design = await desk.milestone(project, "Design")
    launch = await desk.milestone(project, "Launch", depends_on=[design["id"]])

    async def conflict(milestone: dict[str, Any], verb: str, code: str) -> dict[str, Any]:
        rows = await desk.rows()
        problem = refused(await desk(STAFF, "POST", f"milestones/{milestone['id']}/{verb}"), 409, f"milestone.{code}")
        assert await desk.rows() == rows
        return problem

    await conflict(design, "reopen", "not_completed")
    assert "Design" in (await conflict(launch, "complete", "dependencies_open"))["detail"]
    await desk.complete(design)
    await conflict(design, "complete", "already_completed")
    await desk.complete(launch)
    assert "Launch" in (await conflict(design, "reopen", "dependents_completed"))["detail"]
    assert [each["status"] for each in (await desk.read(project))["milestones"]] == ["completed", "completed"]


async def test_each_field_can_be_changed_alone(desk: Desk) -> None:
    project = await desk.project()
    launch, other = await desk.milestone(project), await desk.milestone(project, "Other")
    changes = {"name": "Go-live", "description": "new", "phase": "Last", "starts_on": days(1), "target_on": days(40)}
    changes |= {"depends_on": [other["id"]]}
    for version, (field, value) in enumerate(changes.items(), 2):
        answer = await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json={field: value})
        changed = desk.good(answer)
        assert (changed[field], changed["version"], answer.headers["ETag"]) == (value, version, f'"{version}"')
        data = msgspec.json.decode((await desk.told(launch))[-1].data, type=MilestoneUpdated)
        assert (data.fields, data.version) == ([field], version)
    same = {**changes, "depends_on": [other["id"], other["id"]]}
    assert desk.good(await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json=same))["version"] == 7
    cleared = {"phase": None, "starts_on": None, "depends_on": []}
    changed = desk.good(await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json=cleared))
    assert {key: changed[key] for key in cleared} == cleared


async def test_nobody_overwrites_what_they_have_not_seen(desk: Desk) -> None:
    launch = await desk.milestone(await desk.project())
    await desk.complete(launch)
    path, seen = f"milestones/{launch['id']}", {"If-Match": '"1"'}
    problem = refused(await desk(STAFF, "PATCH", path, json={"name": "x"}, headers=seen), 412, "stale")
    assert problem["version"] == 2
    desk.good(await desk(STAFF, "PATCH", path, json={"name": "x"}, headers={"If-Match": '"2"'}))


async def test_dependencies_stay_within_the_project_and_without_cycles(desk: Desk) -> None:
    project, elsewhere = await desk.project(), await desk.milestone(await desk.project())
    first = await desk.milestone(project, "First")
    second = await desk.milestone(project, "Second", depends_on=[first["id"]])
    third = await desk.milestone(project, "Third", depends_on=[second["id"]])
    rows = await desk.rows()
    for target in (first, second, third):
        answer = await desk(STAFF, "PATCH", f"milestones/{first['id']}", json={"depends_on": [target["id"]]})
        refused(answer, 422, "milestone.dependency_cycle")
    answers = []
    for foreign in (elsewhere["id"], str(uuid7())):
        new = {"name": "Last", "target_on": days(9), "depends_on": [foreign]}
        answers.append(await desk(STAFF, "POST", f"projects/{project['id']}/milestones", json=new))
        answers.append(await desk(STAFF, "PATCH", f"milestones/{third['id']}", json={"depends_on": [foreign]}))
    for answer in answers:
        refused(answer, 422, "milestone.unknown_dependency")
    assert len({answer.content for answer in answers}) == 1
    assert await desk.rows() == rows


SOME_ID = "01900000-0000-7000-8000-000000000001"
"""Of nothing. The same each time: it is part of the names of tests, on which parallel workers must agree."""
BAD_FIELDS = [
    ({"name": ""}, "name"),
    ({"name": " \t "}, "name"),
    ({"name": "a" * 201}, "name"),
    ({"name": "a\u0000"}, "name"),
    ({"description": "a" * 2_001}, "description"),
    ({"phase": ""}, "phase"),
    ({"phase": "a" * 81}, "phase"),
    ({"target_on": None}, "target_on"),
    ({"target_on": "2026-13-01"}, "target_on"),
    ({"starts_on": days(20), "target_on": days(19)}, "target_on"),
    ({"depends_on": ["nobody"]}, "depends_on"),
    ({"depends_on": None}, "depends_on"),
    ({"depends_on": [SOME_ID] * 51}, "depends_on"),
    ({"completed_on": days(0)}, ""),
    ({"status": "completed"}, ""),
    ({"client_id": SOME_ID}, ""),
]


@pytest.mark.parametrize(("fields", "where"), BAD_FIELDS, ids=lambda value: str(value)[:40])
async def test_wrong_input_is_refused_with_its_field_and_changes_nothing(desk: Desk, fields: dict, where: str) -> None:
    project = await desk.project()
    launch = await desk.milestone(project)
    before, rows = (await desk.read(project))["milestones"], await desk.rows()
    new = {"name": "Other", "target_on": days(5), **fields}
    for answer in (
        await desk(STAFF, "POST", f"projects/{project['id']}/milestones", json=new),
        await desk(STAFF, "PATCH", f"milestones/{launch['id']}", json=fields),
    ):
        assert answer.status_code == 422, answer.text
        assert where in answer.json()["errors"][0]["field"]
    assert await desk.rows() == rows
    assert (await desk.read(project))["milestones"] == before


async def test_a_completion_that_makes_no_sense_is_refused(desk: Desk) -> None:
    launch, later = await desk.milestone(await desk.project()), (latest_today() + timedelta(days=1)).isoformat()
    for body in ({"completed_on": later}, {"completed_on": "x"}, {"on": days(0)}, {"completed_on": days(0), "x": 1}):
        answer = await desk(STAFF, "POST", f"milestones/{launch['id']}/complete", json=body)
        assert answer.status_code == 422, answer.text
    assert [event.type for event in await desk.told(launch)] == ["milestone_created"]


async def test_somebody_is_a_day_ahead_of_the_company_and_completes_today(desk: Desk) -> None:
    """What they mean is their own calendar's day, wherever it has begun already."""
    launch = await desk.milestone(await desk.project())
    here = latest_today().isoformat()
    done = desk.good(await desk(STAFF, "POST", f"milestones/{launch['id']}/complete", json={"completed_on": here}))
    assert (done["completed_on"], done["status"]) == (here, "completed")


async def test_only_staff_who_manage_projects_touch_the_plan(desk: Desk) -> None:
    project = await desk.project()
    launch = await desk.milestone(project)
    rows = await desk.rows()
    own, foreign = person(UUID(project["client_id"])), person(await desk.client("Birch Ltd"))
    viewing = msgspec.structs.replace(STAFF, read_only=True)
    cases: list[tuple[Actor | None, int]] = [
        (own, 403),
        (foreign, 403),
        (READER, 403),
        (viewing, 403),
        (SYSTEM, 403),
        (None, 401),
    ]
    for actor, status in cases:
        for method, path, body in (
            ("POST", f"projects/{project['id']}/milestones", {"name": "x", "target_on": days(1)}),
            ("PATCH", f"milestones/{launch['id']}", {"name": "x"}),
            ("POST", f"milestones/{launch['id']}/complete", {}),
            ("POST", f"milestones/{launch['id']}/reopen", None),
        ):
            answer = await desk(actor, method, path, json=body)
            assert answer.status_code == status, answer.text
            random = await desk(
                actor, method, path.replace(launch["id"], str(uuid7())).replace(project["id"], str(uuid7())), json=body
            )
            assert (random.status_code, random.content) == (answer.status_code, answer.content)
    assert await desk.rows() == rows


@pytest.mark.parametrize("broken", ["{id}", "nonsense", "0" * 400, "%00"])
async def test_a_milestone_that_is_not_there_is_not_found(desk: Desk, broken: str) -> None:
    path = broken.format(id=uuid7())
    for method, target, body in (
        ("POST", f"projects/{path}/milestones", {"name": "x", "target_on": days(1)}),
        ("PATCH", f"milestones/{path}", {"name": "x"}),
        ("POST", f"milestones/{path}/complete", {}),
        ("POST", f"milestones/{path}/reopen", None),
    ):
        refused(await desk(STAFF, method, target, json=body), 404, "not_found")


async def test_the_plan_is_in_order_of_its_target_dates(desk: Desk) -> None:
    project = await desk.project()
    for day in (30, 10, 20, 10):
        await desk.milestone(project, str(day), target_on=days(day))
    plan = (await desk.read(project))["milestones"]
    assert [each["name"] for each in plan] == ["10", "10", "20", "30"]
    assert plan[0]["id"] < plan[1]["id"]


async def test_a_write_answers_what_the_plan_shows(desk: Desk) -> None:
    """Its status takes the rest of the plan, which the answer to a write does not load."""
    project = await desk.project()
    random, made = Random(7), list[dict[str, Any]]()
    for number in range(12):
        private = number % 5 == 4
        ground = [each["id"] for each in made if not each["private"] or private]
        starts = days(random.randint(-3, 2)) if number % 3 == 0 else None
        target = days(random.randint(3, 9) if starts else random.randint(-1, 9))
        after = random.sample(ground, min(len(ground), number % 3))
        step = await desk.milestone(
            project, str(number), starts_on=starts, target_on=target, private=private, depends_on=after
        )
        made.append(step)
        assert step in (await desk.read(project))["milestones"]
    for step in made:
        renamed = await desk(STAFF, "PATCH", f"milestones/{step['id']}", json={"name": f"{step['name']}!"})
        assert desk.good(renamed) in (await desk.read(project))["milestones"]
        assert await desk.complete(step) in (await desk.read(project))["milestones"]
    assert {each["status"] for each in (await desk.read(project))["milestones"]} == {"completed"}


async def test_a_write_loads_what_its_rule_needs_however_long_the_plan(desk: Desk) -> None:
    project = await desk.project()
    first = await desk.milestone(project, "First")
    second = await desk.milestone(project, "Second", depends_on=[first["id"]])
    for number in range(10):
        await desk.milestone(project, str(number), depends_on=[first["id"]] if number < 2 else [])
    loaded = list[str]()

    def count(step: Milestone, _context: object) -> None:
        loaded.append(step.name)

    new = f"projects/{project['id']}/milestones"
    writes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "create": ("POST", new, {"name": "x", "target_on": days(1)}),
        "rest": ("POST", new, {"name": "y", "target_on": days(1), "depends_on": [second["id"]]}),
        "rename": ("PATCH", f"milestones/{second['id']}", {"name": "Second"}),
        "complete": ("POST", f"milestones/{first['id']}/complete", {}),
        "depend": ("PATCH", f"milestones/{first['id']}", {"depends_on": []}),
    }
    around_first = ["0", "1", "First", "Second"]
    need = {"create": [], "rest": ["Second"], "rename": ["First", "Second", "y"]}
    need |= {"complete": around_first, "depend": around_first}
    event.listen(Milestone, "load", count)
    try:
        for name, (method, path, body) in writes.items():
            loaded.clear()
            answer = await desk(STAFF, method, path, json=body)
            assert answer.is_success, answer.text
            assert sorted(loaded) == need[name], name
    finally:
        event.remove(Milestone, "load", count)
