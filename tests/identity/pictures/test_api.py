"""Everybody sets their own picture, and sees those of the people they may read."""

import base64
from typing import Any
from uuid import UUID

import httpx2
import msgspec

from services.identity.pictures.drawing import MOST
from shared.clock import uuid7
from tests.identity.pictures import files
from tests.identity.rig import ADMIN, Browser, Identity, colleague_of, staff


def sent(file: bytes) -> dict[str, str]:
    return {"image": base64.b64encode(file).decode()}


async def show(browser: Browser, file: bytes = files.GOOD["png"]) -> str:
    answer = await browser("PUT", "people/me/picture", json=sent(file))
    assert answer.status_code == 200, answer.text
    return answer.json()["picture_id"]


async def seen(browser: Any, *people: dict[str, Any]) -> dict[str, str]:
    answer = await browser("GET", "people/pictures", params={"id": [each["id"] for each in people]})
    assert answer.status_code == 200, answer.text
    return {each["person_id"]: each["picture_id"] for each in answer.json()["items"]}


async def image(browser: Any, picture_id: str) -> httpx2.Response:
    return await browser("GET", f"people/pictures/{picture_id}")


async def test_colleagues_and_staff_see_a_picture_and_another_client_does_not(identity: Identity) -> None:
    acme, birch = await identity.client(), await identity.client("Birch AG")
    anna, felix, other, clara = [
        await identity.person(acme),
        await identity.person(acme),
        await identity.person(birch),
        await identity.person(policies=["manageProjects"]),
    ]
    anna_at, felix_at, other_at, clara_at = [await identity.browser(each) for each in (anna, felix, other, clara)]
    annas, claras = await show(anna_at), await show(clara_at, files.GOOD["jpeg"])
    both = {anna["id"]: annas, clara["id"]: claras}
    assert await seen(felix_at, anna, felix, clara) == both
    assert await seen(clara_at, anna, felix, clara) == both
    assert await seen(other_at, anna, clara) == {clara["id"]: claras}
    shown = await image(felix_at, annas)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert shown.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert len(shown.content) <= MOST["portrait"]
    foreign, unknown = await image(other_at, annas), await image(other_at, str(uuid7()))
    assert (foreign.status_code, foreign.text) == (404, unknown.text)
    assert (await image(other_at, claras)).status_code == 200


async def test_subcontractors_see_the_people_of_their_clients_alone(identity: Identity) -> None:
    acme, birch = await identity.client(), await identity.client("Birch AG")
    anna, other = await identity.person(acme), await identity.person(birch)
    pictures = [await show(await identity.browser(each)) for each in (anna, other)]
    limited = await identity.person(policies=[])
    project = await identity.project(acme)
    body = {"limited": True, "project_ids": [project]}
    assert (await identity.api(ADMIN, "PUT", f"people/{limited['id']}/assignments", json=body)).status_code == 200
    browser = await identity.browser(limited)
    assert await seen(browser, anna, other) == {anna["id"]: pictures[0]}
    assert [(await image(browser, each)).status_code for each in pictures] == [200, 404]


async def test_a_new_picture_takes_the_place_of_the_one_before_and_can_be_taken_away(identity: Identity) -> None:
    anna = await identity.person(await identity.client())
    browser = await identity.browser(anna)
    first = await show(browser)
    second = await show(browser, files.GOOD["webp"])
    assert await seen(browser, anna) == {anna["id"]: second}
    assert (await image(browser, first)).status_code == 404
    for _ in range(2):
        assert (await browser("DELETE", "people/me/picture")).status_code == 204
    assert await seen(browser, anna) == {}
    told = await identity.events("update_profile", anna["id"])
    assert [msgspec.json.decode(each.data) for each in told] == [{"fields": ["picture"]}] * 3


async def test_staff_who_manage_people_take_a_picture_down(identity: Identity) -> None:
    """Not of somebody with more permissions; and it can be set again."""
    anna, lead = await identity.person(await identity.client()), await identity.person(policies=["viewAudit"])
    shown = {each["id"]: await show(await identity.browser(each)) for each in (anna, lead)}
    for actor, person, status in (
        (staff("managePeople"), anna, 204),
        (staff("managePeople"), anna, 204),
        (staff("managePeople"), lead, 403),
        (staff("manageClients"), lead, 403),
        (colleague_of(anna["client_id"], is_primary_contact=True), anna, 403),
        (staff("managePeople"), {"id": str(uuid7())}, 404),
    ):
        answer = await identity.api(actor, "DELETE", f"people/{person['id']}/picture")
        assert answer.status_code == status, answer.text
    assert await seen(await identity.browser(lead), anna, lead) == {lead["id"]: shown[lead["id"]]}
    told = await identity.events("update_profile", anna["id"])
    assert [msgspec.json.decode(each.data) for each in told] == [{"fields": ["picture"]}] * 2
    await show(await identity.browser(anna))


async def test_what_is_no_picture_is_refused_by_name_and_changes_nothing(identity: Identity) -> None:
    anna = await identity.person(await identity.client())
    browser = await identity.browser(anna)
    kept = await show(browser)
    for file in (files.BAD["a bomb"][0], files.BAD["a drawing"][0], files.BAD["half a jpeg"][0]):
        answer = await browser("PUT", "people/me/picture", json=sent(file))
        assert (answer.status_code, answer.json()["code"]) == (422, "picture.refused")
        assert [each["field"] for each in answer.json()["errors"]] == ["image"]
    for wrong in (
        {},
        {"image": ""},
        {"image": "not base64"},
        {"image": 1},
        sent(files.GOOD["png"]) | {"person_id": anna["id"]},
    ):
        assert (await browser("PUT", "people/me/picture", json=wrong)).status_code in (400, 422)
    assert await seen(browser, anna) == {anna["id"]: kept}


async def test_where_the_company_keeps_the_details_nobody_changes_a_picture(identity: Identity) -> None:
    browser = await identity.browser(await identity.person(await identity.client(closed_actions=["edit_profile"])))
    await browser.refresh()
    for method, body in (("PUT", sent(files.GOOD["png"])), ("DELETE", None)):
        answer = await browser(method, "people/me/picture", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "action.closed")


async def test_who_loses_access_is_seen_no_more(identity: Identity) -> None:
    """The row may be somebody else's next."""
    anna = await identity.person(await identity.client())
    await show(await identity.browser(anna))
    answer = await identity.api(ADMIN, "PATCH", f"people/{anna['id']}", json={"active": False})
    assert answer.status_code == 200, answer.text
    assert await identity.execute("select 1 from pictures where person_id = $1", UUID(anna["id"])) == []
