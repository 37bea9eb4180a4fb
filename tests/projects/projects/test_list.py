"""The list of projects: who sees which, what is found, and pages that hold still."""

from typing import Any
from uuid import UUID

import pytest

from shared.actor import Actor
from shared.clock import uuid7
from tests.projects.build import READER, STAFF, Desk, days, member, person, refused


async def listed(desk: Desk, actor: Actor, **query: Any) -> list[dict[str, Any]]:
    return desk.good(await desk(actor, "GET", "projects", params=query))["items"]


async def names(desk: Desk, client_id: UUID, **query: Any) -> list[str]:
    return [card["name"] for card in await listed(desk, STAFF, client_id=str(client_id), **query)]


async def test_a_card_shows_where_the_project_stands(desk: Desk) -> None:
    client_id = await desk.client("Acme GmbH")
    team = [{"name": "Jonas Weber", "role": "Developer", "email": "jonas@northwind.example"}]
    dates = {"starts_on": days(-20), "ends_on": days(60)}
    project = await desk.project(client_id, name="Shop", description="Sells", status="at_risk", team=team, **dates)
    await desk.complete(await desk.milestone(project, "Design", phase="Design", target_on=days(-2)))
    await desk.milestone(project, "Launch", phase="Launch", target_on=days(50))
    following = await desk.milestone(project, "Build", phase="Build", target_on=days(20))
    read = await desk.read(project)
    (card,) = await listed(desk, person(client_id))
    assert (
        card
        == {
            "id": project["id"],
            "client_id": str(client_id),
            "client_name": "Acme GmbH",
            "name": "Shop",
            "description": "Sells",
            "status": "at_risk",
            "phase": "Build",
            "completion": 33,
            "next_milestone": {key: following[key] for key in ("id", "name", "target_on")},
            "team": [{"name": "Jonas Weber", "role": "Developer", "person_id": None}],
            "last_activity_at": read["last_activity_at"],
            "milestones_total": 3,
            "milestones_completed": 1,
        }
        | dates
    )
    assert {key: read[key] for key in card if key != "team"} == {key: card[key] for key in card if key != "team"}


async def test_everybody_sees_their_own(desk: Desk) -> None:
    acme, birch = await desk.client("Acme GmbH"), await desk.client("Birch Ltd")
    shop, app, site = [
        await desk.project(owner, name=name) for owner, name in ((acme, "Shop"), (acme, "App"), (birch, "Site"))
    ]
    cases = [
        (person(acme), {"Shop", "App"}),
        (person(birch), {"Site"}),
        (member(acme, {shop["id"]: "viewer", site["id"]: "approver"}), {"Shop"}),
        (member(acme, {shop["id"]: "feedback_only", app["id"]: "approver"}), {"App"}),
        (member(acme, {shop["id"]: "feedback_only"}), set()),
        (member(acme, {}), set()),
    ]
    for actor, expected in cases:
        assert {card["name"] for card in await listed(desk, actor)} == expected
    for staff in (STAFF, READER):
        assert {"Shop", "App", "Site"} <= {card["name"] for card in await listed(desk, staff, limit=100)}
        assert {card["name"] for card in await listed(desk, staff, client_id=str(birch))} == {"Site"}


async def test_projects_are_named_by_their_ids_by_who_may_read_them(desk: Desk) -> None:
    acme, birch = await desk.client("Acme GmbH"), await desk.client("Birch Ltd")
    shop, _, site = [
        await desk.project(owner, name=name) for owner, name in ((acme, "Shop"), (acme, "App"), (birch, "Site"))
    ]
    ids = [shop["id"], site["id"], str(uuid7())]
    assert {card["name"] for card in await listed(desk, STAFF, id=ids)} == {"Shop", "Site"}
    assert {card["name"] for card in await listed(desk, person(acme), id=ids)} == {"Shop"}
    assert await listed(desk, member(acme, {}), id=ids) == []
    many = await desk(STAFF, "GET", "projects", params={"id": [str(uuid7()) for _ in range(101)]})
    assert many.status_code == 422


async def test_another_client_named_by_a_client_is_not_found(desk: Desk) -> None:
    acme, birch = await desk.client("Acme GmbH"), await desk.client("Birch Ltd")
    await desk.project(acme, name="Shop")
    oliver = person(birch)
    answers = [await desk(oliver, "GET", "projects", params={"client_id": str(each)}) for each in (acme, uuid7())]
    for answer in answers:
        refused(answer, 404, "not_found")
    assert answers[0].content == answers[1].content
    assert await listed(desk, oliver, client_id=str(birch)) == []


async def test_a_status_filters(desk: Desk) -> None:
    client_id = await desk.client()
    for status in ("on_track", "at_risk", "delayed", "completed"):
        await desk.project(client_id, name=status, status=status)
    for status in ("on_track", "at_risk", "delayed", "completed"):
        assert await names(desk, client_id, status=status) == [status]
    assert set(await names(desk, client_id, status="active")) == {"on_track", "at_risk", "delayed"}


async def test_search_finds_what_was_typed_and_nothing_else(desk: Desk) -> None:
    client_id = await desk.client()
    texts = ["100% Ökostrom_portal", "100 Kilometer", "C:\\temp", "Shop"]
    for text in texts:
        await desk.project(client_id, name=text)
    await desk.project(client_id, name="Other", description="the old SHOP, moved")
    found = {
        "100%": [texts[0]],
        "100": [texts[1], texts[0]],
        "ökostrom": [texts[0]],
        "_portal": [texts[0]],
        "0_k": [],
        "%": [texts[0]],
        "\\": [texts[2]],
        "shop": ["Other", "Shop"],
        "' or 1=1 --": [],
        "": ["Other", *reversed(texts)],
    }
    for q, expected in found.items():
        assert await names(desk, client_id, q=q) == expected, q
    assert await names(desk, client_id, q="shop", status="completed") == []


async def test_pages_follow_each_other_whatever_is_added_between(desk: Desk) -> None:
    client_id = await desk.client()
    made = [(await desk.project(client_id, name=f"P{number}"))["name"] for number in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"client_id": str(client_id), "limit": 3}
    while True:
        page = desk.good(await desk(STAFF, "GET", "projects", params=query))
        seen += [card["name"] for card in page["items"]]
        await desk.project(client_id, name="Added in between")
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == list(reversed(made))


async def test_a_full_last_page_has_no_next(desk: Desk) -> None:
    client_id = await desk.client()
    for number in range(4):
        await desk.project(client_id, name=str(number))
    for limit, more in ((3, True), (4, False), (5, False)):
        page = desk.good(await desk(STAFF, "GET", "projects", params={"client_id": str(client_id), "limit": limit}))
        assert (len(page["items"]), page["next_cursor"] is not None) == (min(limit, 4), more)


async def test_a_cursor_of_somebody_else_shows_only_ones_own(desk: Desk) -> None:
    acme, birch = await desk.client(), await desk.client()
    for number in range(3):
        await desk.project(acme, name=f"A{number}")
        await desk.project(birch, name=f"B{number}")
    page = desk.good(await desk(person(acme), "GET", "projects", params={"limit": 1}))
    stolen = await listed(desk, person(birch), cursor=page["next_cursor"])
    assert {card["client_id"] for card in stolen} == {str(birch)}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"cursor": "nonsense"},
        {"cursor": "AAAA"},
        {"cursor": "bnVsbA"},
        {"cursor": "\u0000"},
        {"cursor": "a" * 401},
        {"status": "finished"},
        {"sort": "budget"},
        {"sort": "--name"},
        {"sort": "name\n"},
        {"sort": ""},
        {"client_id": "nobody"},
        {"q": "a" * 201},
        {"q": "a\u0000"},
    ],
    ids=str,
)
async def test_a_question_that_makes_no_sense_is_refused(desk: Desk, query: dict[str, Any]) -> None:
    answer = await desk(STAFF, "GET", "projects", params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == next(iter(query))


PROJECTS = [
    ("Äpfel", "completed", 30),
    ("alpha", "on_track", 20),
    ("Álpha", "on_track", 30),
    ("zeta", "at_risk", 10),
    ("ßigma", "at_risk", None),
    ("Beta", "delayed", None),
]


async def pages(desk: Desk, actor: Actor, **query: Any) -> list[str]:
    """The names of a list, read two at a time."""
    seen: list[str] = []
    while True:
        page = desk.good(await desk(actor, "GET", "projects", params={"limit": 2, **query}))
        seen += [card["name"] for card in page["items"]]
        if page["next_cursor"] is None:
            return seen
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("created_at", ["Äpfel", "alpha", "Álpha", "zeta", "ßigma", "Beta"]),
        ("name", ["alpha", "Álpha", "Äpfel", "Beta", "ßigma", "zeta"]),
        ("-name", ["zeta", "ßigma", "Beta", "Äpfel", "Álpha", "alpha"]),
        ("status", ["Äpfel", "alpha", "Álpha", "zeta", "ßigma", "Beta"]),
        ("-status", ["Beta", "ßigma", "zeta", "Álpha", "alpha", "Äpfel"]),
        ("ends_on", ["zeta", "alpha", "Äpfel", "Álpha", "ßigma", "Beta"]),
        ("-ends_on", ["Álpha", "Äpfel", "alpha", "zeta", "Beta", "ßigma"]),
        ("-client_name", ["Beta", "ßigma", "zeta", "Álpha", "alpha", "Äpfel"]),
    ],
)
async def test_a_list_is_sorted_both_ways_over_its_pages(desk: Desk, sort: str, expected: list[str]) -> None:
    """Equal keys stand in the order of creation or in its opposite; who has no date is at the end in both."""
    client_id = await desk.client()
    for name, status, days_left in PROJECTS:
        ends_on = {} if days_left is None else {"ends_on": days(days_left)}
        await desk.project(client_id, name=name, status=status, **ends_on)
    for actor in (STAFF, person(client_id)):
        assert await pages(desk, actor, client_id=str(client_id), sort=sort) == expected


async def test_projects_of_all_clients_stand_by_client(desk: Desk) -> None:
    made = [(await desk.client(name), name) for name in ("Zäh AG", "Äthna", "Bau")]
    projects = [await desk.project(client_id, name=name) for client_id, name in made]
    ids = [each["id"] for each in projects]
    assert await pages(desk, STAFF, id=ids, sort="client_name") == ["Äthna", "Bau", "Zäh AG"]
    assert await pages(desk, STAFF, id=ids, sort="-client_name") == ["Zäh AG", "Bau", "Äthna"]


async def test_an_end_that_is_hidden_decides_no_place_within_the_client(desk: Desk) -> None:
    client_id = await desk.client()
    await desk.project(client_id, name="Late", ends_on=days(90))
    await desk.project(client_id, name="Hidden", ends_on=days(10), hidden_fields=["ends_on"])
    for sort in ("ends_on", "-ends_on"):
        assert await pages(desk, person(client_id), sort=sort, limit=1) == ["Late", "Hidden"]
    assert await pages(desk, STAFF, client_id=str(client_id), sort="ends_on") == ["Hidden", "Late"]


async def test_a_cursor_belongs_to_its_order(desk: Desk) -> None:
    client_id = await desk.client()
    for number in range(3):
        await desk.project(client_id, name=str(number))
    first = desk.good(await desk(STAFF, "GET", "projects", params={"limit": 1, "sort": "name"}))
    for sort in ({"sort": "-name"}, {"sort": "status"}, {}):
        answer = await desk(STAFF, "GET", "projects", params={"cursor": first["next_cursor"], **sort})
        refused(answer, 422, "cursor.invalid")
