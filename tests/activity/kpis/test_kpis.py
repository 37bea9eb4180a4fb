"""Figures over facts told by events: values, comparisons, edge cases, the cache and what nobody may learn from it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from ops.stack.backing import Backing
from services.activity.app import KPIS
from services.activity.kpis import queries
from services.activity.kpis.cache import KpiCache
from services.activity.kpis.definitions import Definition, Periods, load, periods
from shared.actor import Actor
from shared.clock import now, today, uuid7
from shared.contracts.identity import ClientCreated
from shared.contracts.projects import MilestoneReopened, MilestoneUpdated
from tests.activity.build import (
    CLARA,
    contact,
    milestone_completed,
    milestone_created,
    project_created,
    status_changed,
    with_summary,
)
from tests.activity.rig import Rig
from tests.clocks import living_ahead

DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def at_noon() -> Iterator[None]:
    """Whatever day it is, no other one begins while its figures are tested."""
    with living_ahead(f"+{(12 - now().hour) % 24}h"):
        yield


def this_month() -> date:
    """Its first day."""
    return today().replace(day=1)


def last_month() -> date:
    return (this_month() - DAY).replace(day=1)


def month_before() -> date:
    return (last_month() - DAY).replace(day=1)


def over() -> Periods:
    """The days that today's figures are about."""
    return periods(today())


class Client:
    """A fresh client with a primary contact, and its figures."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.id = uuid7()
        self.anna = contact(self.id, primary=True)

    async def tell(self, *facts: Any) -> None:
        for data, about in facts:
            await self.rig.publish(data, about, client_id=self.id)
        await self.rig.settle()

    async def kpis(self, actor: Actor | None = None, **params: str) -> dict[str, dict[str, Any]]:
        answer = await self.rig.api(actor or self.anna, "GET", "kpis", params=params)
        assert answer.status_code == 200, answer.text
        return {each["key"]: each for each in answer.json()["items"]}


@pytest.fixture
def client(rig: Rig) -> Client:
    return Client(rig)


async def test_projects_that_are_open_count_as_active(client: Client) -> None:
    one, two, three = uuid7(), uuid7(), uuid7()
    await client.tell((project_created(), one), (project_created(), two), (project_created(), three))
    await client.tell((status_changed("completed"), one), (status_changed("delayed"), two))
    assert (await client.kpis())["active_projects"]["value"] == 2
    await client.tell((status_changed("on_track", "completed", version=3), one))
    assert (await client.kpis())["active_projects"]["value"] == 3


async def test_milestones_count_in_the_month_they_were_completed(client: Client) -> None:
    project = uuid7()
    this, last, shown = this_month(), last_month(), over()
    days = [this, this, last, shown.previous_end - DAY, last, month_before()]
    if shown.previous_end < this:  # a day that this month has not reached yet
        days.append(shown.previous_end)
    await client.tell((project_created(starts_on=month_before()), project))
    await client.tell(*((milestone_completed(project, completed_on=day), uuid7()) for day in days))
    assert (await client.kpis())["milestones_completed"] == {
        "key": "milestones_completed",
        "label": "Milestones completed",
        "value": 2,
        "format": "number",
        "previous": 3,
        "change": -1,
        "direction": "down",
        "good": False,
        "comparison_label": over().compared("vs {days}"),
        "href": None,
    }


async def test_a_reopened_milestone_counts_no_longer_and_a_changed_one_still_does(client: Client) -> None:
    project, one, two = uuid7(), uuid7(), uuid7()
    facts = {"project_id": project, "project_name": "x", "name": "x", "target_on": this_month()}
    still = with_summary(milestone_completed(project, "x", version=3, completed_on=this_month()), two).summary
    await client.tell(
        (project_created(), project),
        (milestone_completed(project, completed_on=this_month()), one),
        (milestone_completed(project, completed_on=this_month()), two),
        (MilestoneReopened(**facts, version=3), one),
        (MilestoneUpdated(**facts, version=3, fields=["name"], summary=still), two),
    )
    assert (await client.kpis())["milestones_completed"]["value"] == 1


async def test_the_next_deadline_is_the_nearest_that_is_open(client: Client) -> None:
    project, closed, due = uuid7(), uuid7(), today() + timedelta(days=9)
    await client.tell(
        (project_created(), project),
        (project_created("Old one"), closed),
        (status_changed("completed"), closed),
        (milestone_created(project, "Launch", target_on=due), uuid7()),
        (milestone_created(project, "Later", target_on=due + timedelta(days=1)), uuid7()),
        (milestone_completed(project, "Done", target_on=due - timedelta(days=5)), uuid7()),
        (milestone_created(closed, "Given up", target_on=due - timedelta(days=6)), uuid7()),
    )
    found = (await client.kpis())["next_deadline"]
    assert (found["value"], found["format"]) == (9, "days")
    assert found["comparison_label"] == "Launch · Website relaunch"
    assert (found["previous"], found["change"], found["direction"], found["good"]) == (None, None, None, None)


async def test_what_is_overdue_is_the_next_deadline_and_bad_news(client: Client) -> None:
    project = uuid7()
    await client.tell(
        (project_created(), project),
        (milestone_created(project, "Launch", target_on=today()), uuid7()),
        (milestone_created(project, "Design", target_on=today() - timedelta(days=2)), uuid7()),
    )
    found = (await client.kpis())["next_deadline"]
    assert (found["value"], found["good"], found["comparison_label"]) == (-2, False, "Design · Website relaunch")


async def test_a_client_with_nothing_has_honest_figures(client: Client) -> None:
    await client.tell((ClientCreated(name="Cedar"), client.id))
    found = await client.kpis()
    assert {key: (each["value"], each["previous"], each["direction"]) for key, each in found.items()} == {
        "active_projects": (0, None, None),
        "milestones_completed": (0, None, None),
        "next_deadline": (None, None, None),
    }
    assert found["next_deadline"]["comparison_label"] == "Nothing is due"


@pytest.mark.parametrize(
    ("day", "previous"),
    [(lambda: last_month() + DAY, None), (this_month, None), (last_month, 0), (month_before, 1)],
    ids=["middle of last month", "this month", "first of last month", "long before"],
)
async def test_there_is_a_comparison_only_with_a_month_the_client_was_there_for(
    client: Client, day: Callable[[], date], previous: int | None
) -> None:
    """What there is no comparison with says since when it is there, and not "vs" with nothing."""
    since = day()
    await client.tell((ClientCreated(name="Cedar"), client.id), (project_created(), uuid7()))
    since_at = datetime(since.year, since.month, since.day, 12, tzinfo=UTC)
    await client.rig.sql("update known_clients set created_at = $2 where client_id = $1", client.id, since_at)
    project_since = since if previous else today()
    await client.rig.sql("update overview set made_on = $2 where client_id = $1", client.id, project_since)
    found = (await client.kpis())["active_projects"]
    assert (found["value"], found["previous"]) == (1, previous)
    assert (found["change"] is None) == (found["direction"] is None) == (previous is None)
    unlike = "new this month" if since >= this_month() else f"since {since.day} {since:%b}"
    assert found["comparison_label"] == (unlike if previous is None else over().compared("vs {day}"))


async def test_history_that_was_entered_afterwards_is_history(client: Client) -> None:
    project = uuid7()
    await client.tell(
        (ClientCreated(name="Cedar"), client.id),
        (project_created(starts_on=month_before()), project),
        (milestone_completed(project, completed_on=last_month()), uuid7()),
        (milestone_completed(project, completed_on=this_month()), uuid7()),
        (milestone_completed(project, completed_on=this_month()), uuid7()),
    )
    found = await client.kpis()
    assert [found["milestones_completed"][name] for name in ("previous", "change", "direction", "good")] == [
        1,
        1,
        "up",
        True,
    ]
    assert [found["active_projects"][name] for name in ("previous", "change", "direction", "good")] == [
        1,
        0,
        "flat",
        None,
    ]


async def test_a_stale_version_never_overwrites_a_newer_one(client: Client) -> None:
    project, milestone = uuid7(), uuid7()
    await client.tell((status_changed("completed", version=5), project), (project_created(version=1), project))
    await client.tell(
        (milestone_completed(project, "New", version=3, completed_on=this_month()), milestone),
        (milestone_created(project, "Old", version=2), milestone),
    )
    found = await client.kpis()
    assert (found["active_projects"]["value"], found["milestones_completed"]["value"]) == (0, 1)


async def test_people_see_figures_of_the_projects_they_may_see(client: Client) -> None:
    open_, hidden, due = uuid7(), uuid7(), today() + timedelta(days=3)
    await client.tell(
        (project_created(starts_on=month_before()), open_),
        (project_created("Secret", starts_on=month_before()), hidden),
        (milestone_completed(hidden, completed_on=this_month()), uuid7()),
        (milestone_created(hidden, "Secret", target_on=due), uuid7()),
    )
    everything = await client.kpis()
    felix = await client.kpis(contact(client.id, project_roles={open_: "viewer", hidden: "feedback_only"}))
    mia = await client.kpis(contact(client.id, project_roles={open_: "feedback_only"}))
    names = ("active_projects", "milestones_completed", "next_deadline")
    assert [everything[name]["value"] for name in names] == [2, 1, 3]
    assert [felix[name]["value"] for name in names] == [1, 0, None]
    assert [mia[name]["value"] for name in names] == [0, 0, None]
    assert "Secret" not in str(felix) + str(mia)
    assert await client.kpis() == everything


async def test_staff_count_what_they_read_and_clients_what_they_see(client: Client) -> None:
    """A figure agrees with the page behind it, for each of them, and leads to exactly what it counts."""
    shared, private, milestone = uuid7(), uuid7(), uuid7()
    due = today() + timedelta(days=3)
    await client.tell(
        (project_created(), shared),
        (project_created("Ours", private=True), private),
        (milestone_created(shared, "Review", target_on=due, private=True), milestone),
        (milestone_created(shared, "Launch", target_on=due + DAY), uuid7()),
    )
    ours, theirs = await client.kpis(CLARA, client_id=str(client.id)), await client.kpis()
    assert [found["active_projects"]["value"] for found in (ours, theirs)] == [2, 1]
    assert [found["next_deadline"]["value"] for found in (ours, theirs)] == [3, 4]
    assert ours["active_projects"]["href"] == "/projects?status=active"
    assert ours["next_deadline"]["href"] == f"/projects/{shared}#milestone-{milestone}"
    assert "Review" not in str(theirs)
    assert await client.kpis() == theirs


async def test_staff_name_the_client(client: Client, rig: Rig) -> None:
    await client.tell((project_created(), uuid7()))
    assert (await client.kpis(CLARA, client_id=str(client.id)))["active_projects"]["value"] == 1
    assert (await rig.api(CLARA, "GET", "kpis")).json()["code"] == "client.not_named"
    assert (await rig.api(CLARA, "GET", "kpis", params={"client_id": str(uuid7())})).status_code == 404


async def test_another_client_s_figures_are_answered_as_those_of_none(client: Client, rig: Rig) -> None:
    await client.tell((project_created(), uuid7()))
    stranger = Client(rig).anna
    foreign = await rig.api(stranger, "GET", "kpis", params={"client_id": str(client.id)})
    unknown = await rig.api(stranger, "GET", "kpis", params={"client_id": str(uuid7())})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


async def test_a_figure_that_fails_is_empty_and_the_others_stand(client: Client, rig: Rig, redis: Redis) -> None:
    await client.tell((project_created(), uuid7()))
    definitions = load(KPIS)
    broken = [msgspec.structs.replace(each, key=f"b{number}", sql=sql) for number, (each, sql) in enumerate(
        (definitions[0], sql) for sql in ("select 1/0 as value", "select nonsense", "select pg_sleep(9) as value from no")
    )]  # fmt: skip
    cache = KpiCache(rig.api.app.state.kept, [broken[0], definitions[0], *broken[1:]])
    read = rig.api.app.state.database.read
    answer = msgspec.json.decode((await cache.answer(read, client.anna, client.id, 1, today())).body)
    assert [each["value"] for each in answer["items"]] == [None, 1, None, None]
    assert not await redis.keys(f"kpis:{client.id}:*")


@pytest.fixture(scope="module")
async def redis(servers: Backing) -> AsyncGenerator[Redis]:
    connected = Redis.from_url(servers.addresses.redis_url)
    yield connected
    await connected.aclose()


async def test_figures_are_kept_until_an_event_changes_them(client: Client, rig: Rig, redis: Redis) -> None:
    await client.tell((project_created(), uuid7()))
    await client.kpis()
    [key] = await redis.keys(f"kpis:{client.id}:*")
    assert 0 < await redis.ttl(key) <= 300
    await redis.set(key, b'{"items":[],"computed_at":"2026-01-01T00:00:00Z"}', keepttl=True)
    assert await client.kpis() == {}
    await client.tell((project_created(), uuid7()))
    assert (await client.kpis())["active_projects"]["value"] == 2


async def test_an_event_of_another_client_changes_nothing(client: Client, rig: Rig, redis: Redis) -> None:
    await client.tell((project_created(), uuid7()))
    await client.kpis()
    await Client(rig).tell((project_created(), uuid7()))
    await client.kpis()
    assert len(await redis.keys(f"kpis:{client.id}:*")) == 1


async def test_a_slow_computation_cannot_bring_an_old_figure_back(client: Client, rig: Rig, redis: Redis) -> None:
    """Figures are computed and stored while the fold commits: whoever asks afterwards gets the new ones."""
    await client.tell((project_created(), uuid7()))

    async def ask() -> None:
        for _ in range(60):
            await client.kpis()

    asking = asyncio.gather(ask(), ask())
    for count in range(2, 8):
        await client.tell((project_created(), uuid7()))
        assert (await client.kpis())["active_projects"]["value"] == count
    await asking


async def test_without_redis_figures_are_computed(client: Client, rig: Rig, servers: Backing) -> None:
    await client.tell((project_created(), uuid7()))
    servers.kill("redis")
    try:
        assert (await client.kpis())["active_projects"]["value"] == 1
    finally:
        servers.start("redis")
    assert (await client.kpis())["active_projects"]["value"] == 1


async def test_dates_and_numbers_compare_as_far_as_they_can(client: Client, rig: Rig) -> None:
    await client.tell((project_created(starts_on=month_before()), uuid7()))
    last = Definition(
        key="last", label="Last start", format="date", compare=True, comparison="", better="down",
        sql="select max(starts_on) as value from told where client_id = :client_id",
    )  # fmt: skip
    half = msgspec.structs.replace(
        last, key="half", format="percent", sql="select (:end - :start)::numeric / 2 as value"
    )
    found, complete = await queries.compute(
        rig.api.app.state.database.read, client.anna, client.id, [last, half], today()
    )
    assert complete
    assert (found.items[0].value, found.items[0].change) == (month_before().isoformat(), None)
    so_far, before = Decimal(today().day) / 2, Decimal((over().previous_end - last_month()).days) / 2
    assert [Decimal(str(each)) for each in (found.items[1].value, found.items[1].previous)] == [so_far, before]
    assert found.items[1].change == so_far - before
