"""Clients and people published again as they are, in portions, in the order of what happens to them."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from services.identity.clients.commands import PatchClient, change_client
from services.identity.republish import republish
from shared.events import RawEvent
from tests.identity.rig import ADMIN, Identity

COUNTED = "select (select count(*) from clients) + (select count(*) from people) as things"


async def told(identity: Identity, *portion: int) -> list[int]:
    """Publish everything again; how many each portion had."""
    return [count async for count in republish(identity.api.app.state.database, *portion)]


def said(events: list[RawEvent]) -> Any:
    """The data of the newest, which the portal itself published."""
    assert (events[-1].actorid, events[-1].actorkind) == (None, "system")
    return msgspec.json.decode(events[-1].data)


async def test_each_client_and_person_is_told_again_with_what_they_may(identity: Identity) -> None:
    acme = await identity.client("Acme AG", portal_enabled=False)
    shop, other = await identity.project(acme), await identity.project(acme)
    contact = await identity.person(acme, is_primary_contact=True)
    roles = {shop: "approver", other: "viewer"}
    given = await identity.api(ADMIN, "PUT", f"people/{contact['id']}/project-roles", json={"roles": roles})
    assert given.status_code == 200, given.text
    helper = await identity.person(policies=["manageProjects"])
    limit = {"limited": True, "project_ids": [shop]}
    assert (await identity.api(ADMIN, "PUT", f"people/{helper['id']}/assignments", json=limit)).status_code == 200
    [before] = await identity.execute(COUNTED)
    portions = await told(identity, 2)
    assert (sum(portions), max(portions)) == (before["things"], 2)
    assert await told(identity)
    assert await identity.execute(COUNTED) == [before]
    for kind, about, of, facts in (
        ("client", acme, acme, {"name": "Acme AG", "active": True, "portal_enabled": False}),
        ("person", contact["id"], acme, {"kind": "client", "is_primary_contact": True, "policies": [], "roles": roles}),
        ("person", helper["id"], None, {"kind": "staff", "policies": ["manageProjects"], "roles": {}, **limit}),
    ):
        events = await identity.events(f"{kind}_restated", about)
        assert len(events) == 2
        assert events[-1].clientid == (UUID(of) if of else None)
        assert said(events).items() >= facts.items(), kind
        assert "Keller" not in str(said(events))


async def test_who_is_being_changed_is_told_as_they_are_afterwards(identity: Identity) -> None:
    """Else what is told again would undo the change wherever it is heard."""
    acme = await identity.client("Before")
    async with identity.api.app.state.database.uow(ADMIN) as db:
        await change_client(db, ADMIN, UUID(acme), PatchClient(name="After"))
        telling = asyncio.create_task(told(identity))
        await identity.until("select from pg_stat_activity where wait_event_type = 'Lock' and query like '%FOR SHARE%'")
    await telling
    ours = [each for each in await identity.api.published() if str(each.subject) == acme]
    assert [each.type for each in ours[-2:]] == ["client_updated", "client_restated"]
    assert said(ours)["name"] == "After"
