"""Projects as callers use them: what is answered, what is stored, what is told, and to whom nothing is."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from shared.actor import SYSTEM, Actor
from shared.clock import uuid7
from shared.contracts.projects import ProjectCreated, ProjectStatusChanged, ProjectUpdated, ProjectViewed
from shared.database import Database
from tests.projects.build import READER, STAFF, Desk, days, member, person, refused

TEAM = [
    {"name": "Jonas Weber", "role": "Developer", "email": "jonas@northwind.example", "phone": "+49 30 1234567"},
    {"name": "Clara Hoffmann", "role": "Lead"},
]


async def test_a_new_project_is_stored_shown_and_told(desk: Desk) -> None:
    client_id = await desk.client("Acme GmbH")
    body = {"name": "Shop", "description": "A shop", "scope": "Everything", "status": "at_risk", "team": TEAM}
    body |= {"starts_on": days(-3), "ends_on": days(90), "completion": 15}
    answer = await desk(STAFF, "POST", "projects", json={"client_id": str(client_id), **body})
    created = desk.good(answer, 201)
    assert answer.headers["ETag"] == '"1"'
    expected = body | {"client_id": str(client_id), "client_name": "Acme GmbH", "version": 1, "fixed_completion": 15}
    expected |= {"phase": None, "next_milestone": None, "milestones": [], "milestones_total": 0}
    nobody = {"person_id": None}
    expected["team"] = [TEAM[0] | nobody, TEAM[1] | {"email": None, "phone": None} | nobody]
    assert {key: created[key] for key in expected} == expected
    assert await desk.read(created) == created
    (event,) = await desk.told(created)
    assert (event.clientid, event.actorid, event.actorname) == (client_id, STAFF.id, "Clara Hoffmann")
    data = msgspec.json.decode(event.data, type=ProjectCreated)
    assert (data.name, data.status, data.version, data.starts_on.isoformat()) == ("Shop", "at_risk", 1, days(-3))


async def test_staff_stand_in_the_team_by_their_id_and_events_name_no_more(desk: Desk) -> None:
    jonas = {"name": "Jonas Weber", "role": "Developer", "person_id": str(READER.id)}
    project = await desk.project(team=[jonas, TEAM[1]])
    nowhere = {"email": None, "phone": None}
    outside = {**TEAM[1], "person_id": None, **nowhere}
    assert project["team"] == [{**jonas, **nowhere}, outside]
    (card,) = (await desk(STAFF, "GET", "projects", params={"id": project["id"]})).json()["items"]
    assert card["team"] == [jonas, {"name": "Clara Hoffmann", "role": "Lead", "person_id": None}]
    changed = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"team": [{**jonas, "role": "Lead"}]})
    assert desk.good(changed)["team"] == [{**jonas, "role": "Lead", **nowhere}]
    same = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"team": desk.good(changed)["team"]})
    assert desk.good(same)["version"] == 2, "what was read can be written back and is no change"
    events = await desk.told(project)
    assert [msgspec.json.decode(each.data)["team"] for each in events] == [[str(READER.id)]] * 2
    assert "Jonas" not in str([bytes(each.data) for each in events])


async def test_only_a_name_and_a_client_are_needed(desk: Desk) -> None:
    created = await desk.project(name="Shop")
    assert (created["status"], created["completion"], created["fixed_completion"]) == ("on_track", 0, None)
    assert (created["description"], created["scope"], created["team"], created["ends_on"]) == ("", "", [], None)


async def test_a_client_must_be_known_and_active(desk: Desk) -> None:
    before = await desk.rows()
    unknown = {"client_id": str(uuid7()), "name": "Shop"}
    refused(await desk(STAFF, "POST", "projects", json=unknown), 404, "not_found")
    asleep = {"client_id": str(await desk.client(active=False)), "name": "Shop"}
    refused(await desk(STAFF, "POST", "projects", json=asleep), 409, "project.client_inactive")
    assert await desk.rows() == before


SOME_ID = "01900000-0000-7000-8000-000000000001"
"""Of nothing. The same each time: it is part of the names of tests, on which parallel workers must agree."""
BAD_FIELDS = [
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "a" * 201}, "name"),
    ({"name": "a\u0000b"}, "name"),
    ({"name": "two\nlines"}, "name"),
    ({"name": "one and a half\n"}, "name"),
    ({"name": 7}, "name"),
    ({"name": None}, "name"),
    ({"description": "a" * 2_001}, "description"),
    ({"description": "\u0000"}, "description"),
    ({"scope": "a" * 20_001}, "scope"),
    ({"status": "finished"}, "status"),
    ({"status": None}, "status"),
    ({"starts_on": "2026-02-30"}, "starts_on"),
    ({"starts_on": "soon"}, "starts_on"),
    ({"starts_on": 20260101}, "starts_on"),
    ({"starts_on": "2026-05-02", "ends_on": "2026-05-01"}, "ends_on"),
    ({"completion": -1}, "completion"),
    ({"completion": 101}, "completion"),
    ({"completion": 50.5}, "completion"),
    ({"team": [{"name": "Jonas"}]}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead", "salary": 1}]}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead", "email": "nobody"}]}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead", "phone": "<script>"}]}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead"}] * 51}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead", "person_id": "jonas"}]}, "team"),
    ({"team": [{"name": "Jonas", "role": "Lead", "person_id": str(READER.id), "phone": "110"}]}, "team"),
    (
        {"team": [{"name": "Jonas", "role": "Lead", "person_id": str(READER.id), "email": "j@northwind.example"}]},
        "team",
    ),
    ({"version": 9}, ""),
    ({"id": SOME_ID}, ""),
    ({"updated_at": "2020-01-01T00:00:00Z"}, ""),
]


@pytest.mark.parametrize(("fields", "where"), BAD_FIELDS, ids=lambda value: str(value)[:40])
async def test_wrong_input_is_refused_with_its_field_and_changes_nothing(desk: Desk, fields: dict, where: str) -> None:
    project = await desk.project()
    before, rows = await desk.read(project), await desk.rows()
    new = {"client_id": project["client_id"], "name": "Shop", **fields}
    for answer in (
        await desk(STAFF, "POST", "projects", json=new),
        await desk(STAFF, "PATCH", f"projects/{project['id']}", json=fields),
    ):
        assert answer.status_code == 422, answer.text
        assert where in answer.json()["errors"][0]["field"]
    assert await desk.rows() == rows
    assert await desk.read(project) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b'{"name": "\xff"}', b'{"name": "\\ud800"}'])
async def test_what_is_not_an_object_of_json_is_refused(desk: Desk, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    project = await desk.project()
    for method, path in (("POST", "projects"), ("PATCH", f"projects/{project['id']}")):
        answer = await desk(STAFF, method, path, content=body, headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_does_not_say_that_it_is_json_is_refused(desk: Desk, kind: str) -> None:
    project, headers = await desk.project(), {"Content-Type": kind} if kind else {}
    rows = await desk.rows()
    new = b'{"client_id": "%s", "name": "Shop"}' % project["client_id"].encode()
    answer = await desk(STAFF, "POST", "projects", content=new, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await desk.rows() == rows
    said = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await desk(STAFF, "POST", "projects", content=new, headers=said)).status_code == 201


async def test_a_refusal_repeats_nothing_that_was_sent(desk: Desk) -> None:
    project = await desk.project()
    for field in ("name", "status", "starts_on", "team", "canary"):
        answer = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={field: "can\u0000ary <b>"})
        assert answer.status_code == 422
        assert "ary <b>" not in answer.text
        assert "regex" not in answer.text


async def test_markup_is_text_like_any_other(desk: Desk) -> None:
    name = "<script>alert('x')</script> & Ünïcode 🙂"
    project = await desk.project(name=name, scope="line\nline\ttab")
    assert (project["name"], project["scope"]) == (name, "line\nline\ttab")


@pytest.mark.parametrize("name", ["\u200b", "\u202eHbmG emcA", "Shop \u2067"], ids=ascii)
async def test_a_name_shows_something_and_nothing_else(desk: Desk, name: str) -> None:
    project = await desk.project()
    answer = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"name": name})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")


async def test_projects_are_found_by_their_letters(desk: Desk) -> None:
    project = await desk.project(name="Größl Re\u0301sumé", description="Über Łódź")
    for typed in ("groessl", "RESUME grossl", "lodz"):
        found = desk.good(await desk(STAFF, "GET", "projects", params={"q": typed}))
        assert project["id"] in [each["id"] for each in found["items"]], typed


async def test_each_field_can_be_changed_alone(desk: Desk) -> None:
    project = await desk.project()
    changes = {"name": "Shop", "description": "new", "scope": "new", "starts_on": days(1), "ends_on": days(2)}
    changes |= {"completion": 0, "team": [TEAM[0] | {"person_id": None}]}
    for version, (field, value) in enumerate(changes.items(), 2):
        answer = await desk(STAFF, "PATCH", f"projects/{project['id']}", json={field: value})
        changed = desk.good(answer)
        assert (changed[field], changed["version"], answer.headers["ETag"]) == (value, version, f'"{version}"')
        event = (await desk.told(project))[-1]
        data = msgspec.json.decode(event.data, type=ProjectUpdated)
        assert (event.type, data.fields, data.version) == ("project_updated", [field], version)
    cleared = {"starts_on": None, "ends_on": None, "completion": None}
    cleared_project = desk.good(await desk(STAFF, "PATCH", f"projects/{project['id']}", json=cleared))
    assert (cleared_project["starts_on"], cleared_project["fixed_completion"]) == (None, None)


async def test_a_new_status_is_an_event_of_its_own(desk: Desk) -> None:
    project = await desk.project()
    body = {"status": "delayed", "name": "Shop"}
    assert desk.good(await desk(STAFF, "PATCH", f"projects/{project['id']}", json=body))["version"] == 3
    _, updated, moved = await desk.told(project)
    data = msgspec.json.decode(moved.data, type=ProjectStatusChanged)
    assert (updated.type, moved.type) == ("project_updated", "project_status_changed")
    assert (data.name, data.old, data.new, data.version) == ("Shop", "on_track", "delayed", 3)


async def test_saving_what_is_there_already_is_no_event(desk: Desk) -> None:
    project = await desk.project(team=TEAM)
    same = {key: project[key] for key in ("name", "description", "scope", "status", "starts_on", "ends_on")}
    same["team"] = TEAM
    assert desk.good(await desk(STAFF, "PATCH", f"projects/{project['id']}", json=same)) == project
    assert desk.good(await desk(STAFF, "PATCH", f"projects/{project['id']}", json={})) == project
    assert [event.type for event in await desk.told(project)] == ["project_created"]


async def test_nobody_overwrites_what_they_have_not_seen(desk: Desk) -> None:
    project = await desk.project()
    path, seen = f"projects/{project['id']}", {"If-Match": '"1"'}
    desk.good(await desk(STAFF, "PATCH", path, json={"name": "Mine"}, headers=seen))
    problem = refused(await desk(STAFF, "PATCH", path, json={"name": "Yours"}, headers=seen), 412, "stale")
    assert problem["version"] == 2
    assert (await desk.read(project))["name"] == "Mine"
    desk.good(await desk(STAFF, "PATCH", path, json={"name": "Yours"}, headers={"If-Match": '"2"'}))
    desk.good(await desk(STAFF, "PATCH", path, json={"name": "Anyone's"}))


async def test_a_milestone_leaves_the_version_of_its_project_alone(desk: Desk) -> None:
    project = await desk.project()
    await desk.complete(await desk.milestone(project))
    read = await desk.read(project)
    assert (read["version"], read["status"]) == (1, "on_track")


async def test_completion_follows_from_the_milestones_unless_set(desk: Desk) -> None:
    project = await desk.project()
    first, _, _ = [await desk.milestone(project, name) for name in ("One", "Two", "Three")]
    await desk.complete(first)
    assert (await desk.read(project))["completion"] == 33
    path = f"projects/{project['id']}"
    for given, shown in ((80, 80), (0, 0), (None, 33)):
        changed = desk.good(await desk(STAFF, "PATCH", path, json={"completion": given}))
        assert (changed["completion"], changed["fixed_completion"]) == (shown, given)


async def test_phases_are_those_of_the_milestones_in_order(desk: Desk) -> None:
    project = await desk.project()
    build = {"phase": "Build", "target_on": days(30)}
    await desk.milestone(project, "Beta", starts_on=days(20), **build)
    design = await desk.milestone(project, "Design", phase="Design", target_on=days(3), starts_on=days(-5))
    await desk.milestone(project, "Sign-off", phase="Design", target_on=days(6))
    await desk.milestone(project, "No phase", target_on=days(1))
    await desk.complete(design)
    phases = desk.good(await desk(person(UUID(project["client_id"])), "GET", f"projects/{project['id']}/phases"))
    counted = {"milestones_total": 2, "milestones_completed": 1, "completion": 50}
    open_phase = {"milestones_total": 1, "milestones_completed": 0, "completion": 0}
    assert phases["items"] == [
        {"name": "Design", "status": "in_progress", "starts_on": days(-5), "target_on": days(6)} | counted,
        {"name": "Build", "status": "upcoming", "starts_on": days(20), "target_on": days(30)} | open_phase,
    ]


async def test_the_phase_of_a_project_is_that_of_its_next_milestone(desk: Desk) -> None:
    project = await desk.project()
    design = await desk.milestone(project, "Design", phase="Design", target_on=days(3))
    build = await desk.milestone(project, "Build", phase="Build", target_on=days(9))
    assert (await desk.read(project))["phase"] == "Design"
    await desk.complete(design)
    read = await desk.read(project)
    assert (read["phase"], read["next_milestone"]) == (
        "Build",
        {key: build[key] for key in ("id", "name", "target_on")},
    )
    await desk.complete(build)
    read = await desk.read(project)
    assert (read["phase"], read["next_milestone"], read["completion"]) == (None, None, 100)


async def test_who_reads_a_project_is_told(desk: Desk) -> None:
    project = await desk.project(name="Shop")
    anna = person(UUID(project["client_id"]))
    await desk.read(project, anna)
    view = (await desk.api.published())[-1]
    assert (view.type, str(view.subject), view.actorid, view.clientid) == (
        "view_project",
        project["id"],
        anna.id,
        anna.client_id,
    )
    assert msgspec.json.decode(view.data, type=ProjectViewed).name == "Shop"


async def viewings(desk: Desk, project: dict[str, Any]) -> list[UUID | None]:
    """Whose readings of it were told, in their order."""
    published = await desk.api.published()
    return [each.actorid for each in published if each.type == "view_project" and str(each.subject) == project["id"]]


async def test_a_person_reading_again_is_told_once_a_quarter_of_an_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = await desk.project()
    client_id = UUID(project["client_id"])
    anna, felix = person(client_id), person(client_id)
    viewing = Actor(id=READER.id, kind="client", client_id=client_id, is_primary_contact=True, read_only=True)
    everybody = [anna, felix, READER, viewing]
    await asyncio.gather(*[desk.read(project, actor) for actor in everybody * 5])
    assert Counter(await viewings(desk, project)) == {anna.id: 1, felix.id: 1, READER.id: 2}
    rows = await desk.rows()
    await desk.read(project, anna)
    assert await desk.rows() == rows, "and what is no news leaves nothing behind"
    other = await desk.project(client_id)
    await desk.read(other, anna)
    assert await viewings(desk, other) == [anna.id]
    monkeypatch.setattr("services.projects.projects.viewings.QUARTER", timedelta(0))
    await desk.read(project, anna)
    assert Counter(await viewings(desk, project))[anna.id] == 2


async def test_a_page_that_refreshes_itself_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """But it cannot be used to read without being told: a session's first reading always is."""
    project = await desk.project()
    anna = msgspec.structs.replace(person(UUID(project["client_id"])), session_id=uuid7())
    monkeypatch.setattr("services.projects.projects.viewings.QUARTER", timedelta(0))
    itself = {"headers": {"X-Portal-Refresh": "true"}}
    path = f"projects/{project['id']}"
    for _ in range(3):
        desk.good(await desk(anna, "GET", path, **itself))
    assert await viewings(desk, project) == [anna.id]
    desk.good(await desk(msgspec.structs.replace(anna, session_id=uuid7()), "GET", path, **itself))
    assert await viewings(desk, project) == [anna.id] * 2


async def test_a_refused_read_is_not_told(desk: Desk) -> None:
    project = await desk.project()
    before = await desk.rows()
    refused(await desk(person(await desk.client()), "GET", f"projects/{project['id']}"), 404, "not_found")
    assert await desk.rows() == before


async def test_last_activity_is_the_last_change_of_project_or_plan(desk: Desk) -> None:
    project = await desk.project()
    times = [project["last_activity_at"]]
    milestone = await desk.milestone(project)
    times.append((await desk.read(project))["last_activity_at"])
    await desk.complete(milestone)
    times.append((await desk.read(project))["last_activity_at"])
    await desk(STAFF, "PATCH", f"projects/{project['id']}", json={"name": "Shop"})
    times.append((await desk.read(project))["last_activity_at"])
    assert times == sorted(set(times))


async def test_people_of_a_client_read_their_own_and_change_nothing(desk: Desk) -> None:
    project = await desk.project(team=TEAM)
    own = UUID(project["client_id"])
    before = await desk.rows()
    for actor in (person(own), member(own, {project["id"]: "approver"}), member(own, {project["id"]: "viewer"})):
        read = await desk.read(project, actor)
        assert read["team"][0]["email"] == "jonas@northwind.example"
        refused(await desk(actor, "PATCH", f"projects/{project['id']}", json={"name": "x"}), 403, "forbidden")
        new = {"client_id": str(own), "name": "x"}
        refused(await desk(actor, "POST", "projects", json=new), 403, "forbidden")
    refused(await desk(READER, "PATCH", f"projects/{project['id']}", json={"name": "x"}), 403, "forbidden")
    views = {"outbox": before["outbox"] + 3}
    assert await desk.rows() == before | views


async def test_who_may_only_give_feedback_reads_nothing(desk: Desk) -> None:
    project = await desk.project()
    mia = member(UUID(project["client_id"]), {project["id"]: "feedback_only"})
    for path in (f"projects/{project['id']}", f"projects/{project['id']}/phases"):
        refused(await desk(mia, "GET", path), 403, "project.feedback_only")
    assert desk.good(await desk(mia, "GET", "projects"))["items"] == []


async def test_a_role_in_a_foreign_project_opens_nothing(desk: Desk) -> None:
    project, elsewhere = await desk.project(), await desk.client("Birch Ltd")
    for role in ("approver", "viewer", "feedback_only"):
        oliver = member(elsewhere, {project["id"]: role})
        refused(await desk(oliver, "GET", f"projects/{project['id']}"), 404, "not_found")
        assert desk.good(await desk(oliver, "GET", "projects"))["items"] == []


async def test_without_a_role_nothing_is_to_be_read(desk: Desk) -> None:
    project = await desk.project()
    nobody = member(UUID(project["client_id"]), {})
    refused(await desk(nobody, "GET", f"projects/{project['id']}"), 404, "not_found")
    assert desk.good(await desk(nobody, "GET", "projects"))["items"] == []


@pytest.mark.parametrize("path", ["projects/{id}", "projects/{id}/phases"])
async def test_a_foreign_id_is_answered_like_a_random_one(desk: Desk, path: str) -> None:
    project = await desk.project()
    oliver = person(await desk.client("Birch Ltd"))
    answers = [await desk(oliver, "GET", path.format(id=each)) for each in (project["id"], uuid7())]
    assert seen(answers[0]) == seen(answers[1])
    assert answers[0].status_code == 404


@pytest.mark.parametrize("broken", ["nonsense", "1", "%00", "0" * 400, "..", "00000000-0000-0000-0000-00000000000g"])
async def test_an_id_that_is_none_is_not_found(desk: Desk, broken: str) -> None:
    for method, path in (
        ("GET", f"projects/{broken}"),
        ("PATCH", f"projects/{broken}"),
        ("GET", f"projects/{broken}/phases"),
    ):
        answer = await desk(STAFF, method, path, json={} if method == "PATCH" else None)
        assert answer.status_code in (404, 405), answer.text


@pytest.mark.parametrize("actor", [None, SYSTEM], ids=["nobody", "a service"])
async def test_it_is_for_signed_in_people(desk: Desk, actor: Actor | None) -> None:
    project = await desk.project()
    for method, path in (
        ("GET", "projects"),
        ("POST", "projects"),
        ("GET", f"projects/{project['id']}"),
        ("PATCH", f"projects/{project['id']}"),
        ("GET", f"projects/{project['id']}/phases"),
    ):
        answer = await desk(actor, method, path, json={"name": "x"} if method != "GET" else None)
        assert answer.status_code == (401 if actor is None else 403)


async def test_viewing_as_the_client_changes_nothing(desk: Desk) -> None:
    project = await desk.project()
    looking = msgspec.structs.replace(STAFF, read_only=True)
    await desk.read(project, looking)
    refused(await desk(looking, "PATCH", f"projects/{project['id']}", json={"name": "x"}), 403, "auth.viewing_only")


async def test_what_fails_at_the_end_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """State and event stand in one transaction: without the event there is no project either."""
    client_id, before = await desk.client(), await desk.rows()

    async def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("services.projects.projects.queries.list_milestones", broken)
    body = {"client_id": str(client_id), "name": "Shop"}
    assert (await desk(STAFF, "POST", "projects", json=body)).status_code == 500
    assert await desk.rows() == before


async def test_row_security_holds_even_where_a_query_forgets(desk: Desk) -> None:
    """The second lock, asked directly: another tenant's transaction sees neither project nor milestone nor client."""
    project = await desk.project()
    await desk.milestone(project, depends_on=[(await desk.milestone(project))["id"]])
    database: Database = desk.api.app.state.database
    tables = ("known_clients", "projects", "milestones", "milestone_dependencies")
    for actor, sees in ((person(UUID(project["client_id"])), True), (person(await desk.client()), False)):
        async with database.read(actor) as connection:
            counts = [await connection.fetchval(f"select count(*) from {table}") for table in tables]
        assert counts == ([1, 1, 2, 1] if sees else [1, 0, 0, 0])


def seen(answer: httpx2.Response) -> tuple:
    return answer.status_code, dict(answer.headers), answer.content
