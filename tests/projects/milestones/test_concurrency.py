"""Many at once: one wins, the others are told so, and no two harmless changes do harm together."""

import asyncio
from collections import Counter
from random import Random

from tests.projects.build import STAFF, Desk, days

AT_ONCE = 12


async def test_a_milestone_completed_by_many_is_completed_once(desk: Desk) -> None:
    project = await desk.project()
    for _ in range(5):
        launch = await desk.milestone(project)
        path = f"milestones/{launch['id']}/complete"
        answers = await asyncio.gather(*(desk(STAFF, "POST", path) for _ in range(AT_ONCE)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: AT_ONCE - 1}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
            "milestone.already_completed"
        }
        assert [event.type for event in await desk.told(launch)] == ["milestone_created", "milestone_completed"]


async def test_changes_at_once_each_have_a_version_of_their_own(desk: Desk) -> None:
    project = await desk.project()
    changes = [
        desk(STAFF, "PATCH", f"projects/{project['id']}", json={"name": f"Name {each}"}) for each in range(AT_ONCE)
    ]
    answers = await asyncio.gather(*changes)
    assert sorted(desk.good(answer)["version"] for answer in answers) == list(range(2, AT_ONCE + 2))


async def test_of_those_who_saw_the_same_version_one_saves(desk: Desk) -> None:
    project = await desk.project()
    seen = {"If-Match": '"1"'}
    path = f"projects/{project['id']}"
    changes = [desk(STAFF, "PATCH", path, json={"name": f"Name {each}"}, headers=seen) for each in range(AT_ONCE)]
    answers = await asyncio.gather(*changes)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: AT_ONCE - 1}


async def test_changes_that_are_harmless_alone_close_no_cycle_together(desk: Desk) -> None:
    chance = Random(2026)
    project = await desk.project()
    plan = [await desk.milestone(project, str(each)) for each in range(6)]
    for _ in range(10):
        changes = []
        for each in plan:
            wanted = chance.choice([other for other in plan if other is not each])["id"]
            changes.append(desk(STAFF, "PATCH", f"milestones/{each['id']}", json={"depends_on": [wanted]}))
        answers = await asyncio.gather(*changes)
        assert {answer.status_code for answer in answers} <= {200, 422}
        stored = {each["id"]: each["depends_on"] for each in (await desk.read(project))["milestones"]}
        assert not has_cycle(stored)


async def test_completing_and_reopening_at_once_leave_completed_ground(desk: Desk) -> None:
    project = await desk.project()
    base = await desk.milestone(project, "Base")
    top = await desk.milestone(project, "Top", depends_on=[base["id"]], target_on=days(20))
    for _ in range(10):
        await desk(STAFF, "POST", f"milestones/{base['id']}/complete")
        await asyncio.gather(
            desk(STAFF, "POST", f"milestones/{top['id']}/complete"),
            desk(STAFF, "POST", f"milestones/{base['id']}/reopen"),
        )
        below, above = (await desk.read(project))["milestones"]
        assert not (above["completed_on"] and not below["completed_on"])
        await desk(STAFF, "POST", f"milestones/{top['id']}/reopen")
        await desk(STAFF, "POST", f"milestones/{base['id']}/reopen")


def has_cycle(depends_on: dict[str, list[str]]) -> bool:
    """Takes away what depends on nothing until nothing is left, or only cycles are."""
    left = {each: set(needs) for each, needs in depends_on.items()}
    while free := [each for each, needs in left.items() if not needs]:
        for each in free:
            del left[each]
        for needs in left.values():
            needs.difference_update(free)
    return bool(left)
