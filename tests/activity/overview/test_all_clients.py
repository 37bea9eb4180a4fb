"""All clients at a glance, for staff: figures, who needs attention, and an open stream that says when to look again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.activity.feed import watcher
from shared.actor import Actor
from shared.clock import today, uuid7
from shared.contracts.identity import ClientCreated, ClientUpdated, SessionRevoked
from shared.contracts.summary import Turn
from tests.activity.build import CLARA, milestone_created, project_created
from tests.activity.overview.test_overview import SINCE, House, bill
from tests.activity.rig import Rig
from tests.activity.sse import Browser, EventSource

YESTERDAY = today() - timedelta(days=1)


@pytest.fixture
async def houses(rig: Rig) -> tuple[House, House]:
    """Two clients, each with a project that has an overdue step; of the first something else waits for the company."""
    made = House(rig), House(rig)
    for name, house in zip(("Cedar", "Elm"), made, strict=True):
        await house.tell((ClientCreated(name=name), house.id), (project_created(f"{name} site"), house.project))
        await house.tell((milestone_created(house.project, "Step", target_on=YESTERDAY), uuid7()))
    turn = Turn(side="company", since=SINCE)
    await made[0].tell((bill("Late", due_on=YESTERDAY), uuid7()), (bill("Asked", due_on=None, turn=turn), uuid7()))
    return made


def subcontractor(*houses: House) -> Actor:
    return Actor(
        id=uuid7(),
        kind="staff",
        name="Ralf",
        session_id=uuid7(),
        assignments={each.project: each.id for each in houses},
    )


async def look(rig: Rig, actor: Actor, **params: Any) -> dict[str, Any]:
    answer = await rig.api(actor, "GET", "overview", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_staff_see_of_each_client_what_needs_attention(houses: tuple[House, House], rig: Rig) -> None:
    first, second = houses
    found = await look(rig, CLARA)
    assert (found["turn"], found["due"]) == (None, None)
    rows = {UUID(each.pop("id")): each for each in found["clients"]["items"]}
    newest = [rows[house.id].pop("newest") for house in houses]
    assert rows[first.id] == {"name": "Cedar", "overdue": 2, "company": 1, "client": 0}
    assert rows[second.id] == {"name": "Elm", "overdue": 1, "company": 0, "client": 0}
    assert [(each["title"], each["client_id"]) for each in newest] == [
        ("Clara Hoffmann added Step", str(house.id)) for house in houses
    ]
    assert found["clients"]["total"] >= 2
    assert found["newest"] == (await rig.api(CLARA, "GET", "activity")).json()
    [active] = [each["value"] for each in found["kpis"]["items"] if each["key"] == "active_projects"]
    [counted] = await rig.sql("select count(*) from told_to_staff where kind = 'project' and not over")
    assert active == counted[0] >= 2


async def test_a_subcontractor_sees_their_projects_and_nothing_around_them(
    houses: tuple[House, House], rig: Rig
) -> None:
    first, second = houses
    both, one = await look(rig, subcontractor(first, second)), await look(rig, subcontractor(second))
    seen = {each["name"]: (each["overdue"], each["company"]) for each in both["clients"]["items"]}
    assert seen == {"Cedar": (1, 0), "Elm": (1, 0)}
    assert [each["name"] for each in one["clients"]["items"]] == ["Elm"]
    for found, projects in ((both, 2), (one, 1)):
        assert [each["value"] for each in found["kpis"]["items"] if each["key"] == "active_projects"] == [projects]
        assert {each["project_id"] for each in found["newest"]["items"]} <= {str(each.project) for each in houses}
    assert (await look(rig, subcontractor()))["clients"] == {"items": [], "total": 0}


async def test_clients_that_need_attention_alike_stand_in_the_order_of_their_letters(rig: Rig) -> None:
    made = House(rig), House(rig), House(rig)
    for name, house in zip(("Zeta", "Ärzte", "acme"), made, strict=True):
        await house.tell((ClientCreated(name=name), house.id), (project_created("Site"), house.project))
        await house.tell((milestone_created(house.project, "Step", target_on=YESTERDAY), uuid7()))
    found = await look(rig, subcontractor(*made))
    assert [each["name"] for each in found["clients"]["items"]] == ["acme", "Ärzte", "Zeta"]


async def test_a_client_that_is_not_active_needs_no_attention(houses: tuple[House, House], rig: Rig) -> None:
    first, second = houses
    for active, shown in ((False, ["Cedar"]), (True, ["Cedar", "Elm"])):
        change = ClientUpdated(name="Elm", active=active, portal_enabled=True, fields=["active"])
        await second.tell((change, second.id), (project_created("Annexe"), uuid7()))
        await second.tell((project_created("Tower"), uuid7()))
        found = (await look(rig, subcontractor(first, second)))["clients"]
        assert ([each["name"] for each in found["items"]], found["total"]) == (shown, len(shown))


async def test_nobody_else_looks_at_all_clients(houses: tuple[House, House], rig: Rig) -> None:
    """Who acts within a client gets its own."""
    first, _ = houses
    for actor in (first.primary, first.viewer, first.viewing):
        found = await look(rig, actor)
        assert found["clients"] is None
        assert {each["title"].rpartition(" ")[0] for each in found["newest"]["items"]} <= {
            "Clara Hoffmann added", "Clara Hoffmann started Cedar",
        }  # fmt: skip


async def begun(stream: EventSource) -> EventSource:
    assert stream.response.status == 200, stream.response.status
    await stream.begun()
    return stream


async def test_the_stream_of_all_clients_says_that_something_happened_and_not_what(
    houses: tuple[House, House], browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "EVERY_SECONDS", 0.2)
    first, second = houses
    staff, limited = replace(CLARA, session_id=uuid7()), subcontractor(second)
    async with browser.open(staff, "all") as all_of_them, browser.open(limited, "all") as theirs:
        for stream in (all_of_them, theirs):
            await begun(stream)
            assert (await stream.next()).event == "changed", "what was told while a page was on its way"
        await first.tell(
            *((milestone_created(first.project, f"Secret {number}", private=True), uuid7()) for number in range(5))
        )
        message = await all_of_them.next()
        assert (message.event, message.data, message.id) == ("changed", {}, "")
        await second.tell((milestone_created(second.project, "Other"), uuid7()))
        assert (await theirs.next()).event == "changed"
        assert (theirs.last_id, (await all_of_them.next()).event) == (None, "changed")


async def test_the_stream_of_all_clients_is_for_staff_and_ends_with_their_session(
    houses: tuple[House, House], browser: Browser, rig: Rig
) -> None:
    first, _ = houses
    for actor in (first.primary, first.viewer, first.viewing):
        async with browser.open(actor, "all") as refused:
            assert refused.response.status == 403, actor
    staff = replace(CLARA, session_id=uuid7())
    async with browser.open(staff, "all") as stream:
        await begun(stream)
        await rig.publish(SessionRevoked(session_hash="x", reason="admin"), staff.session_id, client_id=None)
        while (closed := await stream.next()).event == "changed":
            pass
    assert (closed.event, closed.data) == ("closed", {"reason": "session_ended"})
