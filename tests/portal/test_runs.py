"""What one person did again and again is one line of the activity."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.portal.activity.runs import runs
from services.portal.answers import Entry
from tests.portal.people import ANNA
from tests.portal.standin import ago, entry, uid

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)


def happened(
    minutes: float, kind: str = "milestone_created", *, of: int = 1, who: str = "Clara Hoffmann", **more: Any
) -> Entry:
    raw = entry(1, kind, f"{who} added Step", (NOW - timedelta(minutes=minutes)).isoformat(), of=of, who=who)
    return msgspec.convert(raw | more, Entry)


def lengths(*entries: Entry) -> list[int]:
    return [len(run.entries) for run in runs(entries)]


def test_a_plan_set_up_at_once_is_one_line() -> None:
    [run] = runs([happened(minute) for minute in range(8)])
    assert run.title == "Clara Hoffmann added 8 milestones"
    assert run.newest.at == NOW


def test_a_single_entry_keeps_its_sentence() -> None:
    [run] = runs([happened(0)])
    assert run.title == "Clara Hoffmann added Step"


def test_another_kind_person_project_or_hour_is_another_line() -> None:
    one = happened(0)
    assert lengths(one, happened(1, "milestone_updated")) == [1, 1]
    assert lengths(one, happened(1, who="Jonas Weber")) == [1, 1]
    assert lengths(one, happened(1, actor={"id": str(UUID(int=5)), "name": "Clara Hoffmann"})) == [1, 1]
    assert lengths(one, happened(1, of=2)) == [1, 1]
    assert lengths(one, happened(1, private=True)) == [1, 1]
    assert lengths(one, happened(61)) == [1, 1]
    assert lengths(one, happened(59), happened(118), happened(0, "project_created"), happened(1)) == [3, 1, 1]


def test_a_change_of_status_is_always_its_own() -> None:
    assert lengths(happened(0, "project_status_changed"), happened(1, "project_status_changed")) == [1, 1]


async def test_the_line_leads_to_the_project_and_names_each_on_demand(browse, standin):
    standin.state["activity"] = [
        entry(n, "milestone_created", f"Jonas Weber added Step {n}", ago(minutes=n)) for n in range(3)
    ]
    standin.state["activity"][0]["target"]["url"] += "#milestone-1"
    page = (await browse(ANNA).get("/activity")).text
    assert f'<a href="/projects/{uid(1)}">Jonas Weber added 3 milestones</a>' in page
    assert page.index("Jonas Weber added Step 2") < page.index("Jonas Weber added Step 0")


async def test_a_page_shows_no_more_lines_than_stand_beside_its_content(browse, standin):
    standin.state["activity"] = [entry(n, "project_status_changed", f"Line {n:02}", ago(minutes=n)) for n in range(12)]
    project = (await browse(ANNA).get(f"/projects/{uid(1)}")).text
    assert [f"Line {n:02}" in project for n in range(12)] == [True] * 5 + [False] * 7
    dashboard = (await browse(ANNA).get("/")).text
    assert [f"Line {n:02}" in dashboard for n in range(12)] == [True] * 8 + [False] * 4
