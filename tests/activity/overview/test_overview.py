"""The overview: one row per thing of any kind, and who sees what of it. The kinds here are nobody's."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.activity.app import KPIS
from services.activity.kpis.cache import KpiCache
from services.activity.kpis.definitions import load
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.clock import today, uuid7
from shared.contracts.identity import ClientCreated
from shared.contracts.projects import MilestoneRestated, ProjectRestated
from shared.contracts.summary import Readers, Summary, Turn
from shared.events import EventData
from tests.activity.build import CLARA, contact, milestone_created, project_created
from tests.activity.rig import Rig

SINCE = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROLES = ("primary", "approver", "viewer", "feedback", "clara", "ralf", "viewing")


class BillIssued(EventData, frozen=True):
    type: ClassVar[str] = "bill_issued"
    subject: ClassVar[str] = "bills.bill.issued.v1"
    summary: Summary


class BillRestated(EventData, frozen=True):
    type: ClassVar[str] = "bill_restated"
    subject: ClassVar[str] = "bills.bill.restated.v1"
    summary: Summary


class NoteTaken(EventData, frozen=True):
    type: ClassVar[str] = "note_taken"
    subject: ClassVar[str] = "notes.note.taken.v1"
    summary: Summary


def bill(title: str = "Bill", version: int = 1, **more: Any) -> BillIssued:
    facts = {"kind": "bill", "status": "open", "made_on": today(), "due_on": today(), **more}
    return BillIssued(summary=Summary(title=title, version=version, **facts))


class House:
    """A client with a project, and somebody of each kind who may look at it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.id = uuid7()
        self.project = uuid7()
        self.primary = contact(self.id, primary=True)
        self.approver, self.viewer, self.feedback = (
            contact(self.id, project_roles={self.project: role}) for role in ("approver", "viewer", "feedback_only")
        )
        self.clara = CLARA
        self.ralf = Actor(id=uuid7(), kind="staff", name="Ralf", assignments={self.project: self.id})
        self.viewing = Actor(
            id=CLARA.id, kind="client", client_id=self.id, is_primary_contact=True, read_only=True, session_id=uuid7()
        )

    async def tell(self, *facts: Any) -> None:
        await self.rig.publish_all(facts, client_id=self.id)
        await self.rig.settle()

    async def overview(self, actor: Actor | None = None) -> dict[str, Any]:
        actor = actor or self.primary
        named = {"client_id": str(self.id)} if actor.kind == "staff" else {}
        answer = await self.rig.api(actor, "GET", "overview", params=named)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def titles(self, actor: Actor | None = None, part: str = "due") -> list[str]:
        return [each["title"] for each in (await self.overview(actor))[part]]

    async def seen_by(self, part: str = "due") -> dict[str, list[str]]:
        """What each of them has in a part, by title; who has nothing is left out."""
        found = {role: await self.titles(getattr(self, role), part) for role in ROLES}
        return {role: titles for role, titles in found.items() if titles}

    async def rows(self) -> list[asyncpg.Record]:
        return await self.rig.sql("select * from overview where client_id = $1 and kind = 'bill' order by id", self.id)


@pytest.fixture
async def house(rig: Rig) -> House:
    made = House(rig)
    await made.tell((ClientCreated(name="Cedar"), made.id), (project_created("Website"), made.project))
    return made


async def test_the_newest_version_counts_in_whatever_order_they_come(house: House) -> None:
    one, two = uuid7(), uuid7()
    await house.tell((bill("One, old"), one), (bill("Two, new", version=3), two), (bill("One, new", version=2), one))
    await house.tell((bill("Two, old", version=2), two))
    assert [(row["title"], row["version"]) for row in await house.rows()] == [("One, new", 2), ("Two, new", 3)]


async def test_a_thing_is_what_its_own_service_says(house: House) -> None:
    one = uuid7()
    await house.tell((bill("Hers"), one))
    await house.tell((NoteTaken(summary=bill("Not hers", version=2).summary), one))
    assert [row["title"] for row in await house.rows()] == ["Hers"]


async def test_a_deleted_thing_is_gone_and_its_title_too(house: House) -> None:
    one = uuid7()
    await house.tell((bill("Secret name", number="R-1"), one))
    await house.tell((bill("Secret name", 2, number="R-1", deleted=True), one), (bill("Secret name", 1), one))
    [row] = await house.rows()
    assert (row["deleted"], row["title"], row["number"]) == (True, "", None)
    assert await house.seen_by() == {}


async def test_what_is_told_is_folded_by_keys_and_not_by_reading_whole_tables(rig: Rig) -> None:
    """PostgreSQL would plan to read all of a small table, and keep the plan while the table grows."""
    counts = "select n_tup_ins, seq_scan, idx_scan from pg_stat_user_tables where relname = 'overview'"
    [before] = await rig.sql(counts)
    for _ in range(25):
        await rig.publish(milestone_created(uuid7()), client_id=uuid7())
        await rig.settle()
    async with asyncio.timeout(60):
        while (after := (await rig.sql(counts))[0])["n_tup_ins"] < before["n_tup_ins"] + 25:
            await asyncio.sleep(0.1)  # the fold's backend says what it did once a second at most
    assert after["seq_scan"] - before["seq_scan"] < 25 <= after["idx_scan"] - before["idx_scan"]


async def test_a_thing_told_again_makes_its_client_no_older_than_it_is(house: House, rig: Rig) -> None:
    """It says on which day it was made, which may be the one on which its client came."""
    since = "select created_at from known_clients where client_id = $1"
    [[created]] = await rig.sql(since, house.id)
    await house.tell((BillRestated(summary=bill().summary), uuid7()))
    assert [row[0] for row in await rig.sql(since, house.id)] == [created]
    unknown = uuid7()
    earlier = Summary(title="Bill", version=1, kind="bill", status="open", made_on=today() - timedelta(days=40))
    await rig.publish(BillRestated(summary=earlier), client_id=unknown)
    await rig.settle()
    [[concluded]] = await rig.sql(since, unknown)
    assert concluded.date() == today() - timedelta(days=40)


async def test_a_title_stands_in_no_record_of_the_audit_log(house: House) -> None:
    one = uuid7()
    await house.tell((bill("Secret name"), one))
    [record] = await house.rig.sql("select detail::text from audit where subject = $1", one)
    assert record["detail"] == "{}"


async def test_what_is_told_again_is_kept_and_is_no_news(house: House) -> None:
    project, milestone, known = uuid7(), uuid7(), uuid7()
    await house.tell((bill(), known))
    [before] = await house.rows()
    count = "select (select count(*) from feed), (select count(*) from audit), (select count(*) from ended)"
    counted = await house.rig.sql(count)
    again = {"project_id": project, "project_name": "Shop", "name": "Launch", "target_on": today(), "version": 7}
    await house.tell(
        (BillRestated(summary=bill("Bill, healed").summary), known),
        (ProjectRestated(name="Shop", status="at_risk", version=4), project),
        (MilestoneRestated(**again), milestone),
    )
    [after] = await house.rows()
    assert (after["title"], after["at"]) == ("Bill, healed", before["at"])
    assert {"Launch", "Bill, healed"} <= set(await house.titles())
    assert await house.rig.sql(count) == counted


PRIVATE = [
    ({}, {"primary", "approver", "viewer", "clara", "ralf", "viewing"}),
    ({"private": True}, {"clara", "ralf"}),
    ({"readers": Readers(roles=["approver"])}, {"primary", "approver", "clara", "viewing"}),
    ({"readers": Readers()}, {"primary", "clara", "viewing"}),
]


@pytest.mark.parametrize(("facts", "readers"), PRIVATE)
async def test_who_reads_a_thing_of_a_project(house: House, facts: dict[str, Any], readers: set[str]) -> None:
    await house.tell((bill(project_id=house.project, **facts), uuid7()))
    assert set(await house.seen_by()) == readers


async def test_readers_are_people_too(house: House) -> None:
    assert house.viewer.id
    await house.tell((bill(project_id=house.project, readers=Readers(people=[house.viewer.id])), uuid7()))
    assert set(await house.seen_by()) == {"primary", "viewer", "clara", "viewing"}


async def test_what_concerns_the_client_as_a_whole_is_not_a_subcontractor_s(house: House) -> None:
    await house.tell((bill(), uuid7()))
    assert set(await house.seen_by()) == {*ROLES} - {"ralf"}


@pytest.mark.parametrize("known", [True, False])
async def test_what_belongs_to_a_project_is_as_private_as_the_project(house: House, known: bool) -> None:
    """One that is not known yet may be private."""
    secret = uuid7()
    await house.tell((bill(project_id=secret), uuid7()), (milestone_created(secret, "Step"), uuid7()))
    if known:
        await house.tell((project_created("Secret", private=True), secret))
    assert await house.seen_by() == {"clara": ["Step", "Bill"]}
    told = [(await house.overview(reader))["kpis"]["items"] for reader in (house.clara, house.primary)]
    staff, client = [{each["key"]: each for each in items} for items in told]
    assert (client["active_projects"]["value"], client["next_deadline"]["value"]) == (1, None)
    assert staff["active_projects"]["value"] == (2 if known else 1)
    assert (staff["next_deadline"]["comparison_label"] or "").startswith("Step")


async def test_another_client_s_things_are_answered_as_those_of_none(house: House, rig: Rig) -> None:
    other = House(rig)
    await house.tell((bill("Ours"), uuid7()))
    foreign = await rig.api(other.primary, "GET", "overview", params={"client_id": str(house.id)})
    unknown = await rig.api(other.primary, "GET", "overview", params={"client_id": str(uuid7())})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert (await rig.api(CLARA, "GET", "overview", params={"client_id": str(uuid7())})).status_code == 404


async def test_the_database_hides_private_things_and_private_projects_from_the_tenant(house: House, rig: Rig) -> None:
    """The second lock, without a word of the service's own statements."""
    secret = uuid7()
    await house.tell(
        (project_created("Secret", private=True), secret),
        (bill("In it", project_id=secret), uuid7()),
        (bill("Kept", private=True), uuid7()),
        (bill("Shown"), uuid7()),
    )
    connection = await asyncpg.connect(rig.api.database_url)
    try:
        await connection.execute(f"begin; select set_config('app.client_id', '{house.id}', true)")
        for view in ("told", "things where not kept"):
            titles = {row["title"] for row in await connection.fetch(f"select title from {view}")}
            assert titles == {"Website", "Shown"}
        await connection.execute(f"select set_config('app.client_id', '{uuid7()}', true)")
        assert await connection.fetch("select title from things") == []
    finally:
        await connection.close()


async def test_what_the_project_hides_is_empty_for_its_client(house: House) -> None:
    hidden_by = {"amount": "cost", "due_on": "dates", "status": "state"}
    hides = {"hidden_fields": ["cost", "state"]}
    await house.tell(
        (project_created("Website", version=2, **hides), house.project),
        (bill(project_id=house.project, amount=12, unit="EUR", hidden_by=hidden_by), uuid7()),
    )
    [theirs], [ours] = (await house.overview())["due"], (await house.overview(house.clara))["due"]
    assert (theirs["amount"], theirs["status"], theirs["due_on"]) == (None, None, today().isoformat())
    assert (ours["amount"], ours["status"], ours["unit"]) == ("12", "open", "EUR")
    await house.tell((project_created("Website", version=3, hidden_fields=["dates"]), house.project))
    assert set(await house.seen_by()) == {"clara", "ralf"}


async def test_figures_count_nothing_that_is_for_some_of_the_client_s_people_only(house: House, rig: Rig) -> None:
    """Their answers are kept for all who see the same projects."""
    step = milestone_created(house.project, "For approvers")
    summary = Summary(
        kind="milestone", title="x", status="open", version=1, made_on=today(), project_id=house.project, due_on=today(),
        readers=Readers(roles=["approver"]),
    )  # fmt: skip
    await house.tell((msgspec.structs.replace(step, summary=summary), uuid7()))
    for actor in (house.approver, house.clara):
        figures = {each["key"]: each["value"] for each in (await house.overview(actor))["kpis"]["items"]}
        assert figures["next_deadline"] is None


async def test_what_is_due_comes_by_its_date_until_it_or_its_project_is_done(house: House) -> None:
    over, days = uuid7(), [today() + timedelta(days=number) for number in (-3, 0, 40)]
    await house.tell(
        (project_created("Over", status="completed"), over),
        (bill("Last", due_on=days[2]), uuid7()),
        (bill("Late", due_on=days[0]), uuid7()),
        (bill("Now", due_on=days[1]), uuid7()),
        (bill("Paid", due_on=days[1], done_on=today()), uuid7()),
        (bill("Never", due_on=None), uuid7()),
        (bill("Given up", due_on=days[1], project_id=over), uuid7()),
    )
    assert await house.titles() == ["Late", "Now", "Last"]


async def test_it_is_somebody_s_turn(house: House) -> None:
    assert house.viewer.id
    assert CLARA.id
    of = {"project_id": house.project, "due_on": None}

    def waits(title: str, side: Any = "client", **turn: Any) -> tuple[BillIssued, UUID]:
        return bill(title, turn=Turn(side=side, since=SINCE, **turn), **of), uuid7()

    await house.tell(
        waits("Anybody"),
        waits("Approve", roles=["approver"]),
        waits("Read", people=[house.viewer.id]),
        waits("Answer", "company"),
        waits("Clara", "company", people=[CLARA.id]),
        waits("Bill it", "company", roles=["manageBilling"]),
        waits("Audit", "company", roles=["viewAudit"]),
        (bill("Nobody", **of), uuid7()),
    )
    assert await house.seen_by("turn") == {
        "primary": ["Anybody"],
        "approver": ["Anybody", "Approve"],
        "viewer": ["Anybody", "Read"],
        "clara": ["Answer", "Clara", "Audit"],
        "ralf": ["Answer"],
        "viewing": ["Anybody"],
    }
    [first, *_] = (await house.overview(house.viewer))["turn"]
    assert first["turn"] == {"side": "client", "since": "2026-03-02T09:00:00Z"}
    assert first["project"] == {"id": str(house.project), "title": "Website"}


async def test_each_part_is_closed_with_its_module(house: House) -> None:
    await house.tell((milestone_created(house.project, "Launch"), uuid7()), (bill(), uuid7()))
    parts: dict[str, dict[str, Any]] = {}
    for module in ("none", "figures", "activity", "projects"):
        parts[module] = await house.overview(msgspec.structs.replace(house.primary, closed=frozenset({module})))
    assert [name for name, each in parts.items() if each["kpis"] is None] == ["figures"]
    assert [name for name, each in parts.items() if each["newest"] is None] == ["activity"]
    assert [name for name, each in parts.items() if len(each["due"]) < 2] == ["projects"]
    assert [each["title"] for each in parts["projects"]["due"]] == ["Bill"]


async def test_figures_and_feed_are_those_of_their_own_routes(house: House, rig: Rig) -> None:
    await house.tell((milestone_created(house.project, "Launch", target_on=date(2026, 3, 12)), uuid7()))
    for role in ROLES:
        actor = getattr(house, role)
        params = {"client_id": str(house.id)} if actor.kind == "staff" else {}
        found = await house.overview(actor)
        kpis = (await rig.api(actor, "GET", "kpis", params=params)).json()
        assert found["kpis"]["items"] == kpis["items"], role
        assert found["newest"] == (await rig.api(actor, "GET", "activity", params=params)).json(), role


@pytest.mark.parametrize("days", [7, -7])
async def test_while_it_is_hidden_whether_it_is_done_a_thing_is_due_until_its_day(house: House, days: int) -> None:
    """What is hidden judges nothing: an open thing and one that is done are answered alike."""
    due, secret = today() + timedelta(days=days), {"hidden_fields": ["completion"]}
    await house.tell((project_created("Website", version=2, **secret), house.project))
    answers: list[Any] = []
    for done in (None, today()):
        one = uuid7()
        summary = Summary(
            kind="milestone", title="Step", status="open", version=1, made_on=today(), project_id=house.project,
            due_on=due, done_on=done, hidden_by={"done_on": "completion", "status": "completion"},
        )  # fmt: skip
        await house.tell((BillIssued(summary=summary), one))
        found = await house.overview(house.viewer)
        figure = next(each for each in found["kpis"]["items"] if each["key"] == "next_deadline")
        answers.append(([each["title"] for each in found["due"]], figure["value"], figure["comparison_label"]))
        assert await house.titles(house.clara) == ([] if done else ["Step"])
        await house.tell((BillIssued(summary=msgspec.structs.replace(summary, version=2, deleted=True)), one))
    expected = (["Step"], days, "Step · Website") if days > 0 else ([], None, "Nothing is due")
    assert answers == [expected] * 2


async def test_parts_are_answered_alone(house: House) -> None:
    await house.tell((milestone_created(house.project, "Launch"), uuid7()), (bill(), uuid7()))
    whole = await house.overview()
    for parts in (["due"], ["kpis", "turn"], ["newest"]):
        answer = await house.rig.api(house.primary, "GET", "overview", params={"part": parts})
        assert answer.json() == {name: part if name in parts else None for name, part in whole.items()}, parts
    closed = msgspec.structs.replace(house.primary, closed=frozenset({"figures"}))
    refused = await house.rig.api(closed, "GET", "overview", params={"part": ["due", "kpis"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "module.closed")
    assert (await house.rig.api(house.primary, "GET", "overview", params={"part": "all"})).status_code == 422


async def test_an_answer_is_kept_until_something_happens_at_the_client(house: House, rig: Rig) -> None:
    """The administrator's change is one that no event tells of."""
    other = House(rig)
    await other.tell((ClientCreated(name="Elm"), other.id))
    await house.tell((bill("Before"), uuid7()))
    assert await house.titles() == ["Before"]
    await rig.sql("update overview set title = 'Behind its back' where client_id = $1 and kind = 'bill'", house.id)
    await other.tell((bill("Elsewhere"), uuid7()))
    assert await house.titles() == ["Before"]
    assert await house.titles(house.approver) == ["Behind its back"]
    entry = milestone_created(house.project, "An entry alone")
    async with rig.source.database.uow(SYSTEM) as db:
        await outbox.append(db, CLARA, entry, client_id=house.id, aggregate_id=uuid7())
    await rig.settle()
    assert (await house.overview())["newest"]["items"][0]["title"] == "Clara Hoffmann added An entry alone"
    assert await house.titles() == ["Behind its back"]


async def test_an_answer_without_a_figure_is_not_kept(house: House, rig: Rig) -> None:
    state, working = rig.api.app.state, rig.api.app.state.kpis
    state.kpis = KpiCache(state.kept, [msgspec.structs.replace(each, sql="select 1 / 0") for each in load(KPIS)])
    try:
        assert {each["value"] for each in (await house.overview())["kpis"]["items"]} == {None}
    finally:
        state.kpis = working
    assert (await house.overview())["kpis"]["items"][0]["value"] == 1
