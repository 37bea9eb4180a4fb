"""What a client is not told: in the feed, in the live stream, in figures and in the audit log a partner may read."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.activity.audit import queries as audit
from services.activity.audit.queries import AuditFilter
from shared.actor import Actor
from shared.clock import today, uuid7
from shared.contracts.accounts import InvitationFailed
from shared.contracts.contacts import ContactMoved
from shared.contracts.identity import ClientCreated, ProjectRolesChanged
from shared.contracts.projects import (
    MilestoneShared,
    MilestoneWithdrawn,
    ProjectShared,
    ProjectUpdated,
    ProjectViewed,
    ProjectWithdrawn,
)
from shared.contracts.recordings import SessionVisited
from tests.activity.build import CLARA, contact, milestone_completed, milestone_created, project_created
from tests.activity.rig import Rig
from tests.activity.sse import Browser


class Told:
    """A client of its own, and what is told to whom."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.id = uuid7()
        self.anna = contact(self.id, primary=True)
        self.viewing = Actor(
            id=CLARA.id, kind="client", client_id=self.id, is_primary_contact=True, read_only=True, session_id=uuid7()
        )

    async def happens(self, *facts: Any) -> None:
        for data, about in facts:
            await self.rig.publish(data, about, client_id=self.id)
        await self.rig.settle()

    async def feed(self, actor: Actor | None = None, **params: Any) -> list[str]:
        """What happened, newest first, without who did it; staff ask for this client."""
        actor = actor or self.anna
        named = {"client_id": str(self.id)} if actor.kind == "staff" else {}
        answer = await self.rig.api(actor, "GET", "activity", params={"limit": 100, **named, **params})
        assert answer.status_code == 200, answer.text
        return [each["title"].removeprefix(f"{each['actor']['name']} ") for each in answer.json()["items"]]

    async def description(self, actor: Actor, skipped: int = 0) -> str:
        """What the newest entry says beside its title, or the one behind it."""
        named = {"client_id": str(self.id)} if actor.kind == "staff" else {}
        items = (await self.rig.api(actor, "GET", "activity", params=named)).json()["items"]
        return items[skipped]["description"]

    async def figures(self, actor: Actor | None = None) -> list[Any]:
        actor = actor or self.anna
        named = {"client_id": str(self.id)} if actor.kind == "staff" else {}
        items = (await self.rig.api(actor, "GET", "kpis", params=named)).json()["items"]
        return [(each["value"], each["comparison_label"]) for each in items]


@pytest.fixture
async def told(rig: Rig) -> Told:
    made = Told(rig)
    await made.happens((ClientCreated(name="Cedar"), made.id))
    return made


def step(project: UUID, version: int = 2, **more: Any) -> dict[str, Any]:
    facts = {"project_id": project, "project_name": "x", "name": "Launch", "target_on": today(), "version": version}
    return {**facts, **more}


async def test_a_private_project_is_told_to_staff_alone(told: Told) -> None:
    secret, shown = uuid7(), uuid7()
    await told.happens(
        (project_created("Secret", private=True), secret),
        (milestone_created(secret, "In it", project_private=True), uuid7()),
        (project_created("Shown"), shown),
        (milestone_created(shown, "Own step", private=True), uuid7()),
    )
    viewer = contact(told.id, project_roles={secret: "viewer", shown: "approver"})
    for actor in (told.anna, told.viewing, viewer):
        assert await told.feed(actor) == ["started Shown"]
        answer = await told.rig.api(actor, "GET", "activity", params={"project_id": str(secret)})
        random = await told.rig.api(actor, "GET", "activity", params={"project_id": str(uuid7())})
        assert (answer.status_code, answer.content) == (404, random.content)
        assert await told.feed(actor, project_id=str(shown)) == ["started Shown"]
    assert len(await told.feed(CLARA)) == 4
    items = (await told.rig.api(CLARA, "GET", "activity", params={"client_id": str(told.id)})).json()["items"]
    assert [each.get("private") for each in items] == [True, None, True, True]
    limited = Actor(id=uuid7(), kind="staff", session_id=uuid7(), assignments={secret: told.id})
    assert len(await told.feed(limited)) == 2


async def test_an_entry_is_as_private_as_what_it_is_about_is_now(told: Told) -> None:
    project, own = uuid7(), uuid7()
    await told.happens(
        (project_created(private=True), project),
        (milestone_created(project, project_private=True, private=True), own),
        (milestone_created(project, project_private=True), uuid7()),
    )
    assert await told.feed() == []
    await told.happens((ProjectShared(name="x", status="on_track", version=2), project))
    assert await told.feed() == ["added Design approved", "started Website relaunch"]
    await told.happens((MilestoneShared(**step(project)), own))
    assert await told.feed() == ["added Design approved", "added Design approved", "started Website relaunch"]
    await told.happens((MilestoneWithdrawn(**step(project, 3, private=True)), own))
    assert await told.feed() == ["added Design approved", "started Website relaunch"]
    await told.happens((ProjectWithdrawn(name="x", status="on_track", version=3), project))
    assert await told.feed() == []
    assert len(await told.feed(CLARA)) == 7


async def test_no_client_is_ever_told_that_something_was_shared_or_taken_back(told: Told) -> None:
    """Not after it was shared once more either."""
    project, launch = uuid7(), uuid7()
    await told.happens(
        (project_created(), project),
        (milestone_created(project), launch),
        (MilestoneWithdrawn(**step(project, 2, private=True)), launch),
        (MilestoneShared(**step(project, 3)), launch),
        (ProjectWithdrawn(name="x", status="on_track", version=2), project),
        (ProjectShared(name="x", status="on_track", version=3), project),
    )
    for actor in (told.anna, told.viewing):
        assert await told.feed(actor) == ["added Design approved", "started Website relaunch"]
    assert len(await told.feed(CLARA)) == 6


async def test_sharing_shows_nothing_that_is_for_the_team_alone(told: Told) -> None:
    project = uuid7()
    hidden = ProjectUpdated(name="x", status="on_track", version=2, fields=["scope"], hidden=["scope"], private=True)
    await told.happens((project_created(private=True), project), (hidden, project))
    await told.happens((ProjectShared(name="x", status="on_track", version=3), project))
    assert await told.feed() == ["started Website relaunch"]
    assert len(await told.feed(CLARA)) == 3


async def test_what_comes_late_is_judged_by_what_is_known(told: Told) -> None:
    """An event from before a withdrawal that the stream brings after it."""
    project = uuid7()
    await told.happens(
        (project_created(), project), (ProjectWithdrawn(name="x", status="on_track", version=3), project)
    )
    late = ProjectUpdated(name="x", status="on_track", version=2, fields=["name"])
    await told.happens((late, project), (ProjectWithdrawn(name="x", status="on_track", version=3), project))
    assert await told.feed() == []


async def test_the_stream_keeps_private_things_to_staff(told: Told, rig: Rig, browser: Browser) -> None:
    project = uuid7()
    await told.happens((project_created("Shown"), project))
    start = str((await rig.sql("select max(position) from feed where client_id = $1", told.id))[0][0])
    async with browser.open(told.anna) as anna, browser.open(CLARA, told.id) as staff:
        await anna.begun()
        await staff.begun()
        await told.happens(
            (milestone_created(project, "Own step", private=True), uuid7()),
            (project_created("Secret", private=True), uuid7()),
            (milestone_created(project, "For all"), uuid7()),
        )
        assert "For all" in (await anna.next()).data["title"]
        assert [message.data.get("private") for message in await staff.take(3)] == [True, True, None]
    for actor in (told.anna, contact(told.id, project_roles={project: "viewer"}), told.viewing):
        async with browser.open(actor, last_id=start) as again:
            assert "For all" in (await again.next()).data["title"]
    async with browser.open(CLARA, told.id, last_id=start) as again:
        assert len(await again.take(3)) == 3


async def test_who_sees_more_or_less_than_before_is_told_to_look_and_nobody_else(told: Told, browser: Browser) -> None:
    """An event without content and id: what changed, they ask for themselves."""
    project, launch, secret = uuid7(), uuid7(), uuid7()
    await told.happens(
        (project_created(), project), (milestone_created(project), launch), (project_created(private=True), secret)
    )
    elsewhere = contact(told.id, project_roles={uuid7(): "viewer"})
    async with browser.open(told.anna) as anna, browser.open(elsewhere) as other, browser.open(CLARA, told.id) as staff:
        for source in (anna, other, staff):
            await source.begun()
        place = anna.last_id
        unseen = [
            (MilestoneShared(**step(secret, project_private=True)), uuid7()),
            (updated(2, ["scope"], ["scope"]), project),
        ]
        seen = [
            (updated(3, ["hidden_fields"], ["hidden_fields"]), project),
            (MilestoneWithdrawn(**step(project, 2, private=True)), launch),
            (MilestoneShared(**step(project, 3)), launch),
            (ProjectWithdrawn(name="x", status="on_track", version=4), project),
            (ProjectShared(name="x", status="on_track", version=5), project),
        ]
        for fact in (*unseen, *seen):
            await told.happens(fact)
        assert [(each.event, each.data, each.id) for each in await anna.take(5)] == [("changed", {}, place)] * 5
        assert [each.event for each in await staff.take(7)][-1] == "project_shared"
        await told.happens((milestone_created(project, "Next"), uuid7()))
        assert (await anna.next()).event == "milestone_created"
        await told.rig.publish(project_created("All"), uuid7(), client_id=told.id)
        other_next = await told.rig.api(elsewhere, "GET", "activity")
        assert other_next.json()["items"] == []


async def test_an_id_of_a_private_entry_is_nobodys_place(told: Told, rig: Rig, browser: Browser) -> None:
    """A client's stream begins behind what the client was told; the place of anything else starts it afresh."""
    project = uuid7()
    await told.happens((project_created("Shown"), project), (project_created("Secret", private=True), uuid7()))
    shown, secret = [
        row[0] for row in await rig.sql("select position from feed where client_id = $1 order by 1", told.id)
    ]
    async with browser.open(told.anna) as source:
        await source.begun()
        assert source.last_id == str(shown)
    async with browser.open(told.anna, last_id=str(secret)) as source:
        message = await source.next()
        assert (message.event, message.data) == ("reset", {"head": shown})


async def test_figures_count_for_nobody_what_is_kept_from_them(told: Told) -> None:
    shown, secret, later = uuid7(), uuid7(), today() + timedelta(days=5)
    await told.happens((project_created("Shown"), shown), (milestone_created(shown, target_on=later), uuid7()))
    before = await told.figures()
    done = {"completed_on": today(), "target_on": today()}
    await told.happens(
        (project_created("Secret", private=True), secret),
        (milestone_completed(secret, project_private=True, **done), uuid7()),
        (milestone_created(secret, "Sooner", project_private=True, target_on=today()), uuid7()),
        (milestone_completed(shown, private=True, **done), uuid7()),
        (milestone_created(shown, "Own step", private=True, target_on=today()), uuid7()),
    )
    assert [value for value, _ in await told.figures(CLARA)][:2] == [
        2,
        2,
    ]  # first: an answer is kept for all who see the same
    for actor in (told.anna, told.viewing):
        assert await told.figures(actor) == before
    await told.happens((ProjectShared(name="Secret", status="on_track", version=2), secret))
    assert [value for value, _ in await told.figures()][:2] == [2, 1]


async def test_who_reads_the_log_from_within_a_client_learns_nothing_private(told: Told, rig: Rig) -> None:
    """What a partner bound to the client gets: without the flags, the private, and what is for the team alone."""
    shown, secret, was = uuid7(), uuid7(), uuid7()
    changed = ProjectUpdated(name="x", status="on_track", version=2, fields=["name", "scope"], hidden=["scope"])
    await told.happens(
        (project_created("Shown"), shown),
        (changed, shown),
        (ProjectUpdated(name="x", status="on_track", version=3, fields=["scope"], hidden=["scope"]), shown),
        (ProjectViewed(name="Shown"), shown),
        (project_created("Secret", private=True), secret),
        (ProjectViewed(name="Secret"), secret),
        (milestone_created(shown, "Own step", private=True), was),
    )
    partner = Actor(id=uuid7(), kind="partner", client_id=told.id, scopes=frozenset({"audit:read"}))
    async with rig.api.app.state.database.read(partner) as connection:
        rows = await audit.list_records(connection, AuditFilter(private=False, client_id=told.id), audit.LAST, 100)
    found = [(view.type, bytes(view.detail)) for _, view in reversed(rows)]
    assert [kind for kind, _ in found] == ["client_created", "project_created", "project_updated", "view_project"]
    everything = b"".join(detail for _, detail in found)
    assert b'"fields":["name"]' in everything
    assert not [word for word in (b"private", b"hidden", b"scope", b"Secret", b"Own step") if word in everything]
    items = (await rig.api(CLARA, "GET", "audit", params={"client_id": str(told.id)})).json()["items"]
    assert len(items) == 8
    assert items[0]["detail"]["private"] is True


def updated(version: int, fields: list[str], hidden_fields: list[str]) -> ProjectUpdated:
    """As the project tells it: what is hidden before or after counts as hidden, and so does what hides it."""
    hidden = [each for each in fields if each in {"hidden_fields", *hidden_fields}]
    facts = {"name": "Shop", "status": "on_track", "ends_on": date(2041, 1, 19), "starts_on": date(2021, 1, 17)}
    return ProjectUpdated(**facts, version=version, fields=fields, hidden=hidden, hidden_fields=hidden_fields)


async def log_of(told: Told, actor: Actor) -> str:
    """The audit log as the actor reads it, oldest first."""
    wanted = AuditFilter(private=actor.sees_all_clients, client_id=told.id)
    async with told.rig.api.app.state.database.read(actor) as connection:
        rows = await audit.list_records(connection, wanted, 0, 100, oldest_first=True)
    return "\n".join(f"{view.type} {bytes(view.detail).decode()}" for _, view in rows)


async def test_what_is_hidden_now_leaves_by_no_exit(told: Told) -> None:
    """Told while it was open, and hidden since: it is gone from feed, figures, stream and log, and comes back."""
    shop, step_one = uuid7(), uuid7()
    bound = Actor(id=uuid7(), kind="partner", client_id=told.id, scopes=frozenset({"audit:read"}))
    days = {"starts_on": date(2021, 1, 17), "ends_on": date(2041, 1, 19)}
    done = {"completed_on": date(2022, 3, 5), "target_on": date(2022, 3, 9)}
    await told.happens(
        (project_created("Shop", **days), shop),
        (milestone_completed(shop, "Design", version=1, **done), step_one),
        (MilestoneShared(**step(shop, 2, completed_on=date(2022, 3, 5))), step_one),
        (updated(2, ["name", "ends_on"], []), shop),
        (updated(3, ["ends_on"], []), shop),
    )
    before = ["changed Shop", "changed Shop", "finished Design", "started Shop"]
    canaries = ("2021-01-17", "2041-01-19", "2022-03-05", "milestone_completed", "ends_on")
    assert await told.feed() == before
    assert [canary for canary in canaries if canary not in await log_of(told, bound)] == []
    await told.happens((updated(4, ["hidden_fields"], ["completion", "ends_on", "starts_on"]), shop))
    await told.happens((milestone_completed(shop, "Build", **done, hidden_fields=["completion"]), uuid7()))
    for actor in (told.anna, told.viewing):
        assert await told.feed(actor) == ["changed Shop", "started Shop"]
    assert [canary for canary in canaries if canary in await log_of(told, bound)] == []
    assert [canary for canary in canaries if canary not in await log_of(told, CLARA)] == []
    assert len(await told.feed(CLARA)) == 7
    await told.happens((updated(5, ["hidden_fields"], []), shop))
    assert [title for title in await told.feed() if title != "changed Shop"] == ["finished Build", *before[2:]]


async def test_an_entry_names_no_field_that_was_hidden_since(told: Told, rig: Rig, browser: Browser) -> None:
    """Of several fields: the others are still named, in the list and to who comes back to the stream."""
    shop = uuid7()
    await told.happens((project_created("Shop"), shop))
    start = str((await rig.sql("select max(position) from feed where client_id = $1", told.id))[0][0])
    await told.happens((updated(2, ["ends_on", "name"], []), shop))
    assert await told.description(told.anna) == "Planned end, name"
    await told.happens((updated(3, ["hidden_fields"], ["ends_on"]), shop))
    for actor in (told.anna, told.viewing):
        assert await told.description(actor) == "Name"
    assert await told.description(CLARA, 1) == "Planned end, name"
    async with browser.open(told.anna, last_id=start) as anna, browser.open(CLARA, told.id, last_id=start) as staff:
        assert (await anna.next()).data["description"] == "Name"
        assert (await staff.next()).data["description"] == "Planned end, name"
    await told.happens((updated(4, ["hidden_fields"], []), shop))
    assert await told.description(told.anna) == "Planned end, name"


async def test_figures_do_not_tell_hidden_progress(told: Told) -> None:
    shop = uuid7()
    await told.happens(
        (project_created("Shop"), shop),
        (milestone_completed(shop, completed_on=today(), target_on=today()), uuid7()),
    )
    assert (await told.figures())[1][0] == 1
    await told.happens((updated(2, ["hidden_fields"], ["completion"]), shop))
    for actor, completed in ((CLARA, 1), (told.anna, 0)):  # staff see what is hidden
        assert (await told.figures(actor))[1][0] == completed


async def test_the_log_from_within_a_client_names_no_private_project_and_no_other_client(told: Told) -> None:
    shown, secret, other = uuid7(), uuid7(), uuid7()
    visit = {"method": "GET", "kind": "page", "request_id": "r"}
    await told.happens(
        (project_created("Shown"), shown),
        (project_created("Secret", private=True), secret),
        (ProjectRolesChanged(roles={shown: "viewer", secret: "approver"}), told.anna.id),
        (SessionVisited(path=f"/projects/{secret}", **visit), uuid7()),
        (SessionVisited(path=f"/projects/{shown}", **visit), uuid7()),
        (ContactMoved(from_client_id=told.id, to_client_id=other), uuid7()),
    )
    bound = Actor(id=uuid7(), kind="partner", client_id=told.id, scopes=frozenset({"audit:read"}))
    log = await log_of(told, bound)
    assert (str(secret) in log, str(other) in log) == (False, False)
    assert f'"roles":{{"{shown}":"viewer"}}' in log
    assert f'"path":"/projects/{shown}"' in log
    assert '"path":"/projects/*"' in log
    assert str(secret) in await log_of(told, CLARA)


async def test_the_log_from_within_a_client_says_nothing_of_what_an_address_is_to_others(told: Told) -> None:
    """That an invitation failed as its mailbox was given up, or as somebody may not sign in, is told to staff."""
    of = uuid7()
    await told.happens(*((InvitationFailed(reason=why), of) for why in ("given_up", "closed", "refused")))
    bound = Actor(id=uuid7(), kind="partner", client_id=told.id, scopes=frozenset({"audit:read"}))
    told_to = {who: await log_of(told, actor) for who, actor in (("client", bound), ("staff", CLARA))}
    assert told_to["client"].count("invitation_failed") == 1
    assert '"reason":"refused"' in told_to["client"]
    assert told_to["staff"].count("invitation_failed") == 3


async def test_the_database_hides_what_is_private_from_the_tenant(told: Told, rig: Rig) -> None:
    """The second lock, without a word of the service's own statements."""
    shown, secret = uuid7(), uuid7()
    team_only = ProjectUpdated(name="x", status="on_track", version=2, fields=["scope"], hidden=["scope"])
    await told.happens(
        (project_created("Shown"), shown),
        (team_only, shown),
        (project_created("Secret", private=True), secret),
        (milestone_created(shown, private=True), uuid7()),
    )
    connection = await asyncpg.connect(rig.api.database_url)
    try:
        await connection.execute(f"begin; select set_config('app.client_id', '{told.id}', true)")
        assert [row["name"] for row in await connection.fetch("select facts->>'name' as name from feed")] == ["Shown"]
        assert [row["id"] for row in await connection.fetch("select id from overview")] == [shown]
    finally:
        await connection.close()
