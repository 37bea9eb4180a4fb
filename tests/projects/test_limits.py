"""A subcontractor: staff limited to named projects. Everything else of the portal does not exist for them."""

from uuid import UUID

import pytest

from shared.actor import Actor
from shared.clock import uuid7
from tests.projects.build import Desk, days, refused

EVERYTHING = frozenset({"manageProjects", "manageClients", "managePeople", "managePortalAccess", "viewAudit"})


def limited(*projects: dict[str, str]) -> Actor:
    """Staff with every policy, limited to these projects."""
    assignments = {UUID(each["id"]): UUID(each["client_id"]) for each in projects}
    return Actor(id=uuid7(), kind="staff", name="Emil Sand", policies=EVERYTHING, assignments=assignments)


async def listed(desk: Desk, actor: Actor, **query: str) -> set[str]:
    page = desk.good(await desk(actor, "GET", "projects", params=query))
    assert page["next_cursor"] is None
    return {card["name"] for card in page["items"]}


async def test_they_see_the_projects_named_for_them_and_no_others(desk: Desk) -> None:
    acme, birch, cedar = [await desk.client(name) for name in ("Acme GmbH", "Birch Ltd", "Cedar AG")]
    shop, app, site, lab = [
        await desk.project(owner, name=name)
        for owner, name in ((acme, "Shop"), (acme, "App"), (birch, "Site"), (cedar, "Lab"))
    ]
    emil = limited(shop, site)
    assert await listed(desk, emil) == {"Shop", "Site"}
    assert await listed(desk, emil, client_id=str(acme)) == {"Shop"}
    assert await listed(desk, limited()) == set()
    assert (await desk.read(shop, emil))["name"] == "Shop"
    unseen = [await desk(emil, "GET", "projects", params={"client_id": str(each)}) for each in (cedar, uuid7())]
    for path in ("projects/{}", "projects/{}/phases"):
        unseen += [await desk(emil, "GET", path.format(each)) for each in (app["id"], lab["id"], uuid7())]
    for answer in unseen:
        refused(answer, 404, "not_found")
    assert len({answer.text for answer in unseen}) == 1


async def test_they_change_those_and_no_others(desk: Desk) -> None:
    acme = await desk.client("Acme GmbH")
    shop, app = await desk.project(acme, name="Shop"), await desk.project(acme, name="App")
    in_shop, in_app = await desk.milestone(shop), await desk.milestone(app)
    emil = limited(shop)
    assert (await desk(emil, "PATCH", f"projects/{shop['id']}", json={"status": "at_risk"})).status_code == 200
    assert (await desk(emil, "POST", f"milestones/{in_shop['id']}/complete")).status_code == 200
    before = await desk.rows()
    new = {"name": "Foreign", "target_on": days(3)}
    for method, path, body in (
        ("PATCH", f"projects/{app['id']}", {"status": "delayed"}),
        ("POST", f"projects/{app['id']}/milestones", new),
        ("PATCH", f"milestones/{in_app['id']}", {"name": "Mine"}),
        ("POST", f"milestones/{in_app['id']}/complete", {}),
        ("POST", f"milestones/{in_app['id']}/reopen", {}),
    ):
        refused(await desk(emil, method, path, json=body), 404, "not_found")
    assert await desk.rows() == before


@pytest.mark.parametrize("known", [True, False])
async def test_they_start_no_projects(desk: Desk, known: bool) -> None:
    shop = await desk.project(await desk.client("Acme GmbH"))
    body = {"client_id": shop["client_id"] if known else str(uuid7()), "name": "More work"}
    refused(await desk(limited(shop), "POST", "projects", json=body), 403, "project.not_for_limited")
