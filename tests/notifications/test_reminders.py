"""People are reminded of what becomes due: once, who is responsible, and of nothing that is done or somebody else's by then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.notifications.reminders.commands import DEEDS
from shared.clock import today, uuid7
from shared.contracts.identity import ClientUpdated, PoliciesChanged
from shared.contracts.notifications import MailOrdered
from shared.contracts.projects import MilestoneReopened, MilestoneUpdated
from shared.contracts.reminders import MilestoneDueSoon, MilestoneOverdue
from shared.contracts.summary import Summary
from shared.database import Database
from shared.events import EventData, RawEvent
from shared.schedule import Scheduler
from tests.activity.build import milestone_completed, milestone_created, status_changed
from tests.clocks import living_ahead
from tests.notifications.rig import Cast, Rig, introduce, known_project, staff

IN = 5
"""Days until what these tests plan is due: reminders are in two days, and in six."""
SOON, OVERDUE = "+3d", "+7d"
"""Where the clock is past one reminder, or both, at any time of the day."""


@pytest.fixture
async def replicas(rig: Rig) -> AsyncIterator[list[tuple[Scheduler, Database]]]:
    """Three processes that look for what is due, besides the service's own."""
    databases = [Database(rig.api.database_url) for _ in range(3)]
    for database in databases:
        await database.start()
    yield [(Scheduler(DEEDS), database) for database in databases]
    for database in databases:
        await database.stop()


@pytest.fixture
def pass_time(rig: Rig, replicas: list[tuple[Scheduler, Database]]) -> Callable[[], Any]:
    """What is due is done, by several processes at once, and whom it concerns is told."""

    async def do_all(scheduler: Scheduler, database: Database) -> None:
        while not await scheduler.do_next(database):
            pass

    async def run() -> None:
        await rig.settle()
        await asyncio.gather(*(do_all(*replica) for replica in replicas))
        await settled(rig)

    return run


async def settled(rig: Rig) -> None:
    """Wait until what the service itself published is folded, too."""
    async with asyncio.timeout(60):
        while (await rig.sql("select count(*) from outbox where published_at is null"))[0][0]:
            await asyncio.sleep(0.02)
    await rig.settle()


async def planned(rig: Rig, cast: Cast, *, due: int = IN, **more: Any) -> UUID:
    """A milestone of the cast's project is due in so many days."""
    about = uuid7()
    created = milestone_created(cast.project, target_on=today() + timedelta(days=due), **more)
    await rig.publish(created, about, client_id=cast.client)
    return about


def changed(cast: Cast, target_on: date, version: int, **more: Any) -> MilestoneUpdated:
    return MilestoneUpdated(
        project_id=cast.project, project_name="Website relaunch", name="Design approved", target_on=target_on,
        version=version, fields=["target_on"], **more,
    )  # fmt: skip


async def reminders(rig: Rig, about: UUID) -> list[RawEvent]:
    """Those of this thing, oldest first."""
    kinds = (MilestoneDueSoon.type, MilestoneOverdue.type)
    return [event for event in await rig.api.published() if event.subject == about and event.type in kinds]


async def told(rig: Rig, cast: Cast, about: UUID) -> list[tuple[str, set[str]]]:
    """By which reminders of this thing who is told."""
    return [(event.type, cast.names(await rig.told(event.id))) for event in await reminders(rig, about)]


MANAGERS = {"manager", "assigned"}


async def test_who_is_responsible_is_reminded_before_and_once_after(
    rig: Rig, cast: Cast, pass_time: Callable[[], Any]
) -> None:
    """In words that say of what, by bell and by mail."""
    about = await planned(rig, cast)
    await pass_time()
    assert await told(rig, cast, about) == []
    with living_ahead(SOON):
        await pass_time()
        await pass_time()
    assert await told(rig, cast, about) == [("milestone_due_soon", MANAGERS)]
    [shown] = (await rig.get(cast.manager))["items"]
    due = today() + timedelta(days=IN)
    assert shown["title"] == "The portal reminds you that Design approved is due soon"
    assert shown["description"] == f"Website relaunch, due on {due.day} {due:%b %Y}"
    assert shown["target"]["url"] == f"/projects/{cast.project}#milestone-{about}"
    with living_ahead(OVERDUE):
        await pass_time()
    assert await told(rig, cast, about) == [("milestone_due_soon", MANAGERS), ("milestone_overdue", MANAGERS)]
    shown = (await rig.get(cast.manager))["items"]
    assert shown[0]["title"] == "The portal reminds you that Design approved is overdue"
    assert (len(shown), await rig.listed(cast.approver), await rig.listed(cast.primary)) == (2, [], [])
    orders = [
        msgspec.json.decode(event.data, type=MailOrdered)
        for event in await rig.api.published()
        if event.type == MailOrdered.type
    ]
    mails = [(order.about, order.person_id) for order in orders if order.project_id == cast.project]
    people = (cast.manager.id, cast.assigned.id)
    assert sorted(mails) == sorted(
        (kind, each) for kind in ("milestone_due_soon", "milestone_overdue") for each in people
    )  # type: ignore[type-var]


async def test_what_moves_or_is_done_is_reminded_of_as_it_is_by_then(
    rig: Rig, cast: Cast, pass_time: Callable[[], Any]
) -> None:
    moved, done, reopened, private, gone = [await planned(rig, cast) for _ in range(5)]
    due = today() + timedelta(days=IN)
    later = due + timedelta(days=10)
    await rig.publish(changed(cast, later, 2), moved, client_id=cast.client)
    for about in (done, reopened):
        await rig.publish(milestone_completed(cast.project, target_on=due), about, client_id=cast.client)
    again = MilestoneReopened(
        project_id=cast.project, project_name="Website relaunch", name="Design approved", target_on=due, version=3
    )
    await rig.publish(again, reopened, client_id=cast.client)
    await rig.publish(changed(cast, due, 2, private=True), private, client_id=cast.client)
    deleted = Summary(
        kind="milestone", title="", status="open", version=2, made_on=today(), project_id=cast.project, deleted=True
    )
    await rig.publish(changed(cast, due, 2, summary=deleted), gone, client_id=cast.client)
    await rig.settle()
    assert await rig.sql("select from due_moments where key = any($1)", [done, gone]) == []
    with living_ahead(SOON):
        await pass_time()
    soon = [("milestone_due_soon", MANAGERS)]
    assert [await told(rig, cast, each) for each in (moved, done, reopened, private, gone)] == [[], [], soon, soon, []]
    with living_ahead("+13d"):
        await pass_time()
    assert await told(rig, cast, moved) == soon
    [reminder] = await reminders(rig, moved)
    assert msgspec.json.decode(reminder.data, type=MilestoneDueSoon).due_on == later


@pytest.mark.parametrize("over", ["project", "client"])
async def test_where_work_is_over_nobody_is_reminded_until_it_goes_on(
    rig: Rig, cast: Cast, pass_time: Callable[[], Any], over: str
) -> None:
    """Then of what is still to come."""
    about = await planned(rig, cast)
    news: dict[str, tuple[UUID, EventData, EventData]] = {
        "project": (cast.project, status_changed("completed"), status_changed("on_track", version=3)),
        "client": (
            cast.client,
            ClientUpdated(name="Cedar", active=False, portal_enabled=False),
            ClientUpdated(name="Cedar", active=True, portal_enabled=False),
        ),
    }
    whose, ended, goes_on = news[over]
    await rig.publish(ended, whose, client_id=cast.client)
    with living_ahead(SOON):
        await pass_time()
    assert await told(rig, cast, about) == []
    await rig.publish(goes_on, whose, client_id=cast.client)
    with living_ahead(OVERDUE):
        await pass_time()
    assert await told(rig, cast, about) == [("milestone_overdue", MANAGERS)]


@pytest.mark.parametrize("news", ["done", "moved"])
async def test_what_happened_before_a_reminder_counts_however_late_it_is_heard(rig: Rig, cast: Cast, news: str) -> None:
    """As after an outage: the moment is there before what happened meanwhile is folded, and the reminder comes behind it."""
    about, due = await planned(rig, cast), today() + timedelta(days=IN)
    happened = {
        "done": milestone_completed(cast.project, target_on=due),
        "moved": changed(cast, due + timedelta(days=1), 2),
    }
    await rig.publish(happened[news], about, client_id=cast.client)
    reminder = MilestoneDueSoon(
        project_id=cast.project, project_name="Website relaunch", name="Design approved", due_on=due
    )
    published = await rig.publish(reminder, about, client_id=cast.client)
    await rig.settle()
    assert await rig.told(published) == set()


async def test_what_was_past_when_it_was_planned_or_is_long_past_is_not_told(
    rig: Rig, cast: Cast, pass_time: Callable[[], Any]
) -> None:
    """Of several that were missed the newest is."""
    past, missed, far = [await planned(rig, cast, due=due) for due in (-2, IN, 20)]
    await pass_time()
    assert await told(rig, cast, past) == []
    with living_ahead("+8d"):
        await pass_time()
    assert await told(rig, cast, missed) == [("milestone_overdue", MANAGERS)]
    with living_ahead("+30d"):
        await pass_time()
    assert await told(rig, cast, far) == []


async def test_of_the_team_who_manages_projects_is_reminded_and_nobody_else(
    rig: Rig, cast: Cast, pass_time: Callable[[], Any]
) -> None:
    """If nobody of the team does, all who do. Rights are those of then."""
    lead, former = staff("manageProjects"), staff("manageProjects")
    assert former.id
    await introduce(rig, [lead, former])
    await rig.publish(PoliciesChanged(policies=[]), former.id)
    teams = [
        ([lead, former, cast.colleague], [lead]),
        ([cast.assigned, cast.unassigned], [cast.assigned]),
        ([former, cast.colleague], [lead, cast.manager, cast.assigned]),
    ]
    for version, (team, whom) in enumerate(teams, 2):
        named = [each.id for each in team if each.id]
        project = msgspec.structs.replace(known_project(), version=version, team=named)
        await rig.publish(project, cast.project, client_id=cast.client)
        about = await planned(rig, cast)
        with living_ahead(SOON):
            await pass_time()
        [reminder] = await reminders(rig, about)
        here = {each.id for each in (lead, former, *cast.people.values())}
        assert await rig.told(reminder.id) & here == {each.id for each in whom}
