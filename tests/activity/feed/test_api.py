"""The feed over HTTP: pages, who sees what, and what is refused."""

from uuid import UUID

import pytest

from shared.clock import uuid7
from tests.activity.build import (
    ACME,
    ANNA,
    BIRCH,
    CLARA,
    JONAS,
    OLIVER,
    contact,
    milestone_completed,
    milestone_created,
    project_created,
    status_changed,
)
from tests.activity.rig import Rig

RELAUNCH, SHOP, LOGO = uuid7(), uuid7(), uuid7()


@pytest.fixture(scope="module", autouse=True)
async def history(rig: Rig) -> None:
    """Two projects of Acme with 27 entries together, and one of Birch."""
    await rig.publish(project_created(), RELAUNCH)
    await rig.publish(project_created("Online shop"), SHOP)
    for number in range(12):
        await rig.publish(milestone_created(RELAUNCH, f"Step {number}"))
    for number in range(12):
        await rig.publish(milestone_completed(SHOP, f"Delivery {number}"), actor=JONAS)
    await rig.publish(status_changed("at_risk"), RELAUNCH)
    await rig.publish(project_created("Brand refresh"), LOGO, client_id=BIRCH)
    await rig.settle()


async def test_the_newest_come_first_twenty_at_a_time(rig: Rig) -> None:
    page = (await rig.api(ANNA, "GET", "activity")).json()
    assert len(page["items"]) == 20
    newest = page["items"][0]
    assert newest == {
        "id": newest["id"],
        "seq": newest["seq"],
        "type": "project_status_changed",
        "title": "Clara Hoffmann marked Website relaunch as at risk",
        "description": "Was on track",
        "actor": {"id": str(CLARA.id), "name": "Clara Hoffmann"},
        "project_id": str(RELAUNCH),
        "target": {"type": "project", "id": str(RELAUNCH), "url": f"/projects/{RELAUNCH}"},
        "at": newest["at"],
    }


@pytest.mark.parametrize("limit", [1, 4, 9, 27, 100])
async def test_pages_of_any_size_give_every_entry_once(rig: Rig, limit: int) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await rig.api(ANNA, "GET", "activity", params=params)).json()
        seen += [entry["seq"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == 27
    assert seen == sorted(set(seen), reverse=True)


async def test_a_project_has_its_own_part_of_the_feed(rig: Rig) -> None:
    page = (await rig.api(ANNA, "GET", "activity", params={"project_id": str(SHOP), "limit": 100})).json()
    assert len(page["items"]) == 13
    assert {entry["project_id"] for entry in page["items"]} == {str(SHOP)}
    assert page["items"][0]["actor"]["name"] == "Jonas Weber"


async def test_people_see_the_projects_of_their_roles(rig: Rig) -> None:
    viewer = contact(ACME, project_roles={RELAUNCH: "viewer", SHOP: "feedback_only"})
    page = (await rig.api(viewer, "GET", "activity", params={"limit": 100})).json()
    assert {entry["project_id"] for entry in page["items"]} == {str(RELAUNCH)}
    assert len(page["items"]) == 14


async def test_pages_of_a_restricted_feed_give_every_entry_once(rig: Rig) -> None:
    both = contact(ACME, project_roles={RELAUNCH: "viewer", SHOP: "approver"})
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await rig.api(both, "GET", "activity", params={"limit": 5, "cursor": cursor} if cursor else {"limit": 5})
        ).json()
        seen += [entry["seq"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == 27
    assert seen == sorted(set(seen), reverse=True)


async def test_who_only_gives_feedback_sees_what_concerns_the_client_as_a_whole(rig: Rig) -> None:
    mia = contact(ACME, project_roles={RELAUNCH: "feedback_only"})
    assert (await rig.api(mia, "GET", "activity")).json() == {"items": [], "next_cursor": None}
    await rig.sql(
        "insert into feed values (1000000, $1, $2, 'news', 'closed on Friday', '', null, '', null, 'client', $1, now(), false, false)",
        ACME,
        uuid7(),
    )
    for person in (mia, ANNA):
        [newest] = (await rig.api(person, "GET", "activity", params={"limit": 1})).json()["items"]
        assert (newest["title"], newest["target"]["url"]) == ("The portal closed on Friday", None)
    await rig.sql("delete from feed where position = 1000000")


async def test_staff_see_all_clients_or_the_one_they_name(rig: Rig) -> None:
    every = (await rig.api(CLARA, "GET", "activity", params={"limit": 100})).json()["items"]
    assert {entry["client_id"] for entry in every} == {str(ACME), str(BIRCH)}
    assert [entry["seq"] for entry in every] == sorted((entry["seq"] for entry in every), reverse=True)
    [only] = (await rig.api(CLARA, "GET", "activity", params={"client_id": str(BIRCH)})).json()["items"]
    assert (only["title"], only["description"]) == ("Clara Hoffmann started Brand refresh", "")
    of_project = (await rig.api(CLARA, "GET", "activity", params={"project_id": str(LOGO)})).json()["items"]
    assert of_project == [only]


async def test_a_client_is_never_told_whose_client_it_is(rig: Rig) -> None:
    [entry] = (await rig.api(OLIVER, "GET", "activity")).json()["items"]
    assert "client_id" not in entry


@pytest.mark.parametrize(
    "known", [{"client_id": ACME}, {"project_id": RELAUNCH}, {"project_id": SHOP, "client_id": BIRCH}]
)
async def test_what_is_somebody_elses_is_answered_as_what_does_not_exist(rig: Rig, known: dict[str, UUID]) -> None:
    birch = [OLIVER, contact(BIRCH, project_roles={LOGO: "viewer"})]
    for person in birch:
        foreign = await rig.api(person, "GET", "activity", params={name: str(value) for name, value in known.items()})
        unknown = await rig.api(person, "GET", "activity", params={name: str(uuid7()) for name in known})
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.content == unknown.content


async def test_a_project_without_a_readable_role_does_not_exist(rig: Rig) -> None:
    viewer = contact(ACME, project_roles={RELAUNCH: "viewer", SHOP: "feedback_only"})
    hidden = await rig.api(viewer, "GET", "activity", params={"project_id": str(SHOP)})
    unknown = await rig.api(viewer, "GET", "activity", params={"project_id": str(uuid7())})
    assert (hidden.status_code, hidden.content) == (404, unknown.content)


@pytest.mark.parametrize("params", [{"project_id": LOGO, "client_id": ACME}, {"client_id": LOGO}, {"project_id": ACME}])
async def test_staff_are_told_what_does_not_exist(rig: Rig, params: dict[str, UUID]) -> None:
    answer = await rig.api(CLARA, "GET", "activity", params={name: str(value) for name, value in params.items()})
    assert answer.status_code == 404


@pytest.mark.parametrize("cursor", ["x", "W10", "Wy0xXQ", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", "eyJhIjoxfQ", "é"])
async def test_a_cursor_we_did_not_make_is_refused(rig: Rig, cursor: str) -> None:
    answer = await rig.api(ANNA, "GET", "activity", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"project_id": "1"}, {"client_id": "acme"}])
async def test_malformed_parameters_are_refused(rig: Rig, params: dict[str, str]) -> None:
    answer = await rig.api(ANNA, "GET", "activity", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_reads_without_signing_in(rig: Rig) -> None:
    assert (await rig.api(None, "GET", "activity")).status_code == 401
