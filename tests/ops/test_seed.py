"""The demo is what its story says, with a history that lies where it happened, and is made once."""

import tomllib
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ops.databases import runtime_url
from ops.seed import STORY, Place, seed
from ops.stack.addresses import ADMIN_VARIABLE
from ops.stack.secrets import load_passwords
from ops.stack.state import State
from shared.clock import today
from tests.isolation.matrix import settle
from tests.portal_stack import API, Portal

DEMO = tomllib.loads(STORY.read_text())
CLIENTS = {client["name"]: client for client in DEMO["clients"]}
READERS = {"Acme GmbH": "approver", "Birch Ltd": "birch"}
STORIES = [(client, project) for client, told in CLIENTS.items() for project in told["projects"]]


def items(portal: Portal, who: str, path: str) -> list[dict[str, Any]]:
    """The whole list: other tests may have made more than a page of it."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = portal.as_(who).get(f"{API}/{path}{cursor}")
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if not (following := answer.json().get("next_cursor")):
            return found
        cursor = f"&cursor={following}"


def project_of(portal: Portal, client: str, name: str) -> dict[str, Any]:
    (card,) = [each for each in items(portal, READERS[client], "projects?limit=100") if each["name"] == name]
    return portal.as_(READERS[client]).get(f"{API}/projects/{card['id']}").json()


def test_everybody_of_the_story_has_the_role_it_gives_them(portal: Portal) -> None:
    for client, told in CLIENTS.items():
        names = {project["name"] for project in told["projects"]}
        for person in told["people"]:
            http = portal.sign_in(person["email"])
            me = http.get(f"{API}/auth/me").json()
            assert (me["name"], me["client_name"], me["is_primary_contact"]) == (
                person["name"],
                client,
                person.get("primary", False),
            )
            assert set(me["project_roles"].values()) == {person["role"]}
            seen = {card["name"] for card in http.get(f"{API}/projects?limit=100").json()["items"]}
            assert names <= seen if person["role"] != "feedback_only" else seen == set()
    assert "manageProjects" in portal.me("member")["policies"]
    assert {"manageClients", "managePeople", "viewAudit"} <= set(portal.me("admin")["policies"])


def test_acme_has_three_projects_in_different_states(portal: Portal) -> None:
    statuses = [project_of(portal, "Acme GmbH", each["name"])["status"] for each in CLIENTS["Acme GmbH"]["projects"]]
    assert len(statuses) >= 3
    assert len(set(statuses)) >= 3
    assert sum(status != "completed" for status in statuses) >= 2


@pytest.mark.parametrize(
    ("client", "story"), STORIES, ids=lambda value: value if isinstance(value, str) else value["name"]
)
def test_a_project_is_as_its_story_says(portal: Portal, client: str, story: dict[str, Any]) -> None:
    project = project_of(portal, client, story["name"])
    assert (project["status"], project["scope"]) == (story["status"], story["scope"].strip())
    assert {each["name"] for each in project["team"]} == {each["name"] for each in story["team"]}
    staff = portal.as_(READERS[client]).get(f"{API}/project-teams?id={project['id']}").json()["items"]
    assert {each["name"] for each in staff} == {each["name"] for each in project["team"] if each["person_id"]}
    assert any(each["email"] for each in staff)
    plan = {each["name"]: each for each in project["milestones"]}
    assert len(plan) >= 7
    assert len({each["phase"] for each in plan.values()}) >= 3
    made = date.fromisoformat(project["ends_on"]) - timedelta(days=story["ends"])
    for told in story["milestones"]:
        milestone = plan[told["name"]]
        assert milestone["target_on"] == (made + timedelta(days=told["target"])).isoformat()
        assert milestone["depends_on"] == sorted(plan[name]["id"] for name in told.get("after", []))
        if "done" in told:
            assert milestone["completed_on"] == (made + timedelta(days=told["done"])).isoformat()
    assert today() - made <= timedelta(days=1)


def test_the_feed_tells_weeks_and_each_thing_when_it_happened(portal: Portal) -> None:
    entries = items(portal, "approver", "activity?limit=100")
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] > timedelta(weeks=4)
    assert len({entry["actor"]["name"] for entry in entries}) >= 2
    completed = {
        each["id"]: each["completed_on"]
        for told in CLIENTS["Acme GmbH"]["projects"]
        for each in project_of(portal, "Acme GmbH", told["name"])["milestones"]
        if each["completed_on"]
    }
    told = {entry["target"]["id"]: entry["at"][:10] for entry in entries if entry["type"] == "milestone_completed"}
    assert len(told) >= 10
    assert {each: told[each] for each in told if each in completed} == {
        each: completed[each] for each in told if each in completed
    }


async def test_a_portal_with_an_administrator_is_left_alone(portal: Portal) -> None:
    state = State(portal.folder)
    password = load_passwords(state.passwords, []).services["identity"]
    url = runtime_url(portal.run.addresses[ADMIN_VARIABLE], "identity", password)
    # Not the whole audit log: what other tests have just looked at may still be on its way into it.
    paths = ("clients?", "people?", "projects?", "audit?type=person_created&", "audit?type=project_created&")
    portal.forget("admin")  # whoever signs in meanwhile is listed with it
    await settle(portal)
    before = [items(portal, "admin", f"{path}limit=100") for path in paths]
    await seed(Place({"identity": {"PORTAL_DATABASE_URL": url}}, portal.folder / "no key is asked for"))
    after = [items(portal, "admin", f"{path}limit=100") for path in paths]
    assert after == before
