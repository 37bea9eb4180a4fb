"""Everything published again, as it is, in portions; nothing of it changes."""

import msgspec

from services.projects.republish import republish
from shared.contracts.projects import MilestoneRestated, ProjectRestated
from shared.contracts.summary import Summary
from tests.projects.build import Desk


async def test_each_project_and_milestone_is_told_again_as_it_is(desk: Desk) -> None:
    made = [await desk.project(private=number == 1, status="completed") for number in range(3)]
    steps = [await desk.milestone(project, private=True) for project in made for _ in range(2)]
    done = await desk.complete(steps[0])
    before = await desk.rows()
    portions = [count async for count in republish(desk.api.app.state.database, portion=2)]
    assert max(portions) == 2
    after = await desk.rows()
    assert after == before | {"outbox": before["outbox"] + sum(portions)}
    assert sum(portions) == before["projects"] + before["milestones"]
    for project in made:
        *_, last, again = await desk.told(project)
        assert (again.type, again.actorid, str(again.clientid)) == ("project_restated", None, project["client_id"])
        assert msgspec.json.decode(again.data, type=ProjectRestated).summary == summary_of(last.data)
    for step in steps:
        *_, last, again = await desk.told(step)
        assert again.type == "milestone_restated"
        assert msgspec.json.decode(again.data, type=MilestoneRestated).summary == summary_of(last.data)
        assert (msgspec.json.decode(again.data)["completed_on"] is not None) == (step["id"] == done["id"])


class Carrying(msgspec.Struct):
    summary: Summary


def summary_of(data: msgspec.Raw) -> Summary:
    return msgspec.json.decode(data, type=Carrying).summary
