"""An entry is as private as what it is about is known to be, by whatever event that came to be known, and when."""

from typing import Any
from uuid import UUID

import pytest

from shared import outbox
from shared.actor import SYSTEM
from shared.clock import today, uuid7
from shared.contracts.identity import ClientCreated
from shared.contracts.projects import (
    MilestoneRestated,
    MilestoneShared,
    MilestoneWithdrawn,
    ProjectRestated,
    ProjectShared,
    ProjectWithdrawn,
)
from shared.events import EventData
from tests.activity.build import CLARA, contact, milestone_completed, milestone_created, project_created, status_changed
from tests.activity.feed.test_private import Told, step, updated
from tests.activity.rig import Rig

STARTED = "started Website relaunch"


@pytest.fixture
async def told(rig: Rig) -> Told:
    made = Told(rig)
    await made.happens((ClientCreated(name="Cedar"), made.id))
    return made


def restated(project: UUID, version: int, **more: Any) -> MilestoneRestated:
    return MilestoneRestated(**step(project, version, **more))


async def test_what_is_told_again_as_withdrawn_takes_its_entries_with_it(told: Told) -> None:
    project, launch = uuid7(), uuid7()
    created = [(milestone_created(project), launch), (milestone_created(project, "Open"), uuid7())]
    await told.happens((project_created(), project), *created)
    await told.happens((restated(project, 2, private=True), launch))
    assert await told.feed() == ["added Open", STARTED]
    await told.happens((ProjectRestated(name="x", status="on_track", version=2, private=True), project))
    assert await told.feed() == []
    await told.happens((ProjectRestated(name="x", status="on_track", version=3), project))
    assert await told.feed() == ["added Open", STARTED]


async def test_what_is_told_again_as_hidden_takes_its_entries_with_it(told: Told) -> None:
    project = uuid7()
    await told.happens((project_created(), project), (milestone_completed(project), uuid7()))
    again = ProjectRestated(name="x", status="on_track", version=2, hidden_fields=["completion"])
    await told.happens((again, project))
    assert await told.feed() == [STARTED]


async def test_what_any_event_says_of_a_thing_counts_for_its_entries(told: Told) -> None:
    """Also where the event that withdrew it never came."""
    project, launch = uuid7(), uuid7()
    await told.happens((project_created(), project), (milestone_created(project), launch))
    await told.happens((milestone_completed(project, private=True), launch))
    assert await told.feed() == [STARTED]
    changed = status_changed("delayed")
    await told.happens((type(changed)(name="x", old="on_track", new="delayed", version=2, private=True), project))
    assert await told.feed() == []


async def test_an_entry_that_comes_late_is_no_more_public_than_what_it_is_about(told: Told) -> None:
    """As a dead letter does that is replayed after the thing was withdrawn, or a field of it hidden."""
    project, launch, other = uuid7(), uuid7(), uuid7()
    await told.happens(
        (project_created(), project),
        (MilestoneWithdrawn(**step(project, 3, private=True)), launch),
        (updated(2, ["hidden_fields"], ["completion"]), project),
    )
    await told.happens(
        (milestone_created(project), launch), (milestone_completed(project, completed_on=today()), other)
    )
    assert await told.feed() == [STARTED]
    await told.happens((milestone_created(project, "Open"), uuid7()))
    assert (await told.feed())[0] == "added Open"
    await told.happens((ProjectRestated(name="x", status="on_track", version=4, private=True), project))
    await told.happens((milestone_created(project, "Late"), uuid7()))
    assert await told.feed() == []


async def test_an_entry_about_what_is_not_known_stays_as_it_is_until_it_is(told: Told, rig: Rig) -> None:
    project, own = uuid7(), uuid7()
    await told.happens((project_created(private=True), project), (milestone_created(project, private=True), own))
    await rig.sql("delete from overview where id = $1", own)
    await told.happens((ProjectShared(name="x", status="on_track", version=2), project))
    assert await told.feed() == [STARTED]
    await told.happens((restated(project, 1), own))
    assert await told.feed() == ["added Design approved", STARTED]


async def test_an_event_without_a_summary_withdraws_and_hides_as_well(told: Told, rig: Rig) -> None:
    """As those of an older version are. What else it changed comes when the thing is published again."""
    project, launch, viewer = uuid7(), uuid7(), contact(told.id, primary=True)

    async def due() -> list[str]:
        return [each["title"] for each in (await rig.api(viewer, "GET", "overview")).json()["due"]]

    async def happens(data: EventData, about: UUID) -> None:
        async with rig.source.database.uow(SYSTEM) as db:
            await outbox.append(db, CLARA, data, client_id=told.id, aggregate_id=about)
        await rig.settle()

    await told.happens((project_created(), project), (milestone_created(project), launch))
    await happens(MilestoneWithdrawn(**step(project, 2, private=True)), launch)
    assert (await due(), await told.feed()) == ([], [STARTED])
    await happens(MilestoneShared(**step(project, 3)), launch)
    assert (await due(), (await told.feed())[0]) == (["Design approved"], "added Design approved")
    await happens(updated(2, ["hidden_fields"], ["completion"]), project)
    assert await rig.sql("select hides from overview where id = $1", project) == [(["completion"],)]
    await happens(ProjectWithdrawn(name="x", status="on_track", version=3), project)
    assert (await due(), await told.feed()) == ([], [])
    await happens(ProjectShared(name="x", status="on_track", version=2), project)
    assert (await due(), await told.feed()) == ([], [])
    await told.happens((ProjectRestated(name="Shop", status="on_track", version=3), project))
    assert (await due(), (await told.feed())[-1]) == (["Design approved"], STARTED)
