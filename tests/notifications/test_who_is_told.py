"""Each event tells whom its rule names, once, and nobody who may not read it, then or later."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.notifications.rules import RULES, Rule
from shared.actor import Actor, Reader
from shared.clock import today, uuid7
from shared.contracts.accounts import FailedSignInsPaused, InvitationAccepted, OrganisationJoined
from shared.contracts.contacts import ContactMoved
from shared.contracts.identity import (
    ClientCreated,
    ClientUpdated,
    PoliciesChanged,
    ProjectRolesChanged,
    SignedIn,
    Standing,
)
from shared.contracts.notifications import BellChanged, MailOrdered, WebhookDisabled
from shared.contracts.projects import ProjectShared, ProjectUpdated, ProjectWithdrawn
from shared.contracts.restated import PersonRestated
from shared.contracts.summary import Readers, Summary
from shared.events import EventData
from tests.activity.build import milestone_completed, milestone_created, project_created, status_changed
from tests.notifications.rig import CLARA, Cast, Rig

READERS = {"approver", "viewer", "primary", "let_in_again"}


def shared(version: int = 2) -> ProjectShared:
    return ProjectShared(name="Website relaunch", status="on_track", version=version)


def withdrawn(version: int) -> ProjectWithdrawn:
    return ProjectWithdrawn(name="Website relaunch", status="on_track", version=version)


def hiding(version: int, *fields: str) -> ProjectUpdated:
    return ProjectUpdated(
        name="Website relaunch", status="on_track", version=version, fields=["hidden_fields"], hidden_fields=[*fields]
    )


async def completed(rig: Rig, cast: Cast, **more: Any) -> UUID:
    """A milestone of the cast's project is completed; the event."""
    return await rig.publish(milestone_completed(cast.project, **more), uuid7(), client_id=cast.client)


async def test_each_rule_tells_whom_it_names(rig: Rig, cast: Cast) -> None:
    newcomer, webhook, viewer = uuid7(), uuid7(), cast.viewer.id
    assert viewer
    expected: list[tuple[EventData, UUID, UUID | None, set[str]]] = [
        (shared(), cast.project, cast.client, READERS),
        (project_created("Shop"), uuid7(), cast.client, {"primary"}),
        (project_created("Kiosk", private=True), uuid7(), cast.client, set()),
        (milestone_completed(cast.project), uuid7(), cast.client, READERS),
        (status_changed("at_risk"), cast.project, cast.client, {"approver", "let_in_again", "manager", "assigned"}),
        (status_changed("delayed", version=3), cast.project, cast.client,
         {"approver", "let_in_again", "manager", "assigned"}),
        (status_changed("completed", version=4), cast.project, cast.client, set()),
        (milestone_created(cast.project), uuid7(), cast.client, set()),
        (InvitationAccepted(registered=False), newcomer, cast.client, {"primary", "manager"}),
        (InvitationAccepted(registered=False), newcomer, None, {"manager"}),
        (OrganisationJoined(), newcomer, cast.client, {"primary", "manager"}),
        (WebhookDisabled(reason="gone", host="erp.acme.example"), webhook, cast.client, {"manager"}),
        (WebhookDisabled(reason="failing"), webhook, None, {"manager"}),
        (FailedSignInsPaused(reason="password", known=True), viewer, cast.client, {"viewer", "colleague"}),
    ]  # fmt: skip
    events = [(data, await rig.publish(data, about, client_id=client), whom) for data, about, client, whom in expected]
    await rig.settle()
    found = [(data.type, cast.names(await rig.told(event))) for data, event, _ in events]
    assert found == [(data.type, whom) for data, _, whom in events]


async def test_who_did_it_is_not_told(rig: Rig, cast: Cast) -> None:
    done = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client, actor=cast.manager)
    await rig.settle()
    assert cast.names(await rig.told(done)) == {"approver", "let_in_again", "assigned"}


async def test_what_is_private_or_hidden_is_told_no_client(rig: Rig, cast: Cast) -> None:
    alone = await completed(rig, cast, private=True)
    await rig.publish(hiding(2, "completion"), cast.project, client_id=cast.client)
    hidden = await completed(rig, cast)
    await rig.publish(withdrawn(3), cast.project, client_id=cast.client)
    kept = [
        await completed(rig, cast, project_private=True),
        await rig.publish(
            msgspec.structs.replace(status_changed("delayed", version=4), private=True),
            cast.project,
            client_id=cast.client,
        ),
    ]
    unknown = await rig.publish(milestone_completed(uuid7()), uuid7(), client_id=cast.client)
    await rig.settle()
    assert [cast.names(await rig.told(each)) for each in (alone, hidden, *kept, unknown)] == [
        set(), set(), set(), {"manager", "assigned"}, set(),
    ]  # fmt: skip


async def test_a_thing_of_no_project_is_kept_once_it_is_withdrawn(
    rig: Rig, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note to a client as a whole, of which its primary contacts are told."""
    monkeypatch.setitem(RULES, ProjectShared, Rule(primary_contacts=True, page="/notes", own_page="/notes"))
    note = uuid7()

    def summed_up(version: int, *, private: bool) -> dict[str, Any]:
        said = Summary(kind="note", title="Closed", status="", version=version, made_on=today(), private=private)
        return {"name": "Closed", "status": "", "version": version, "summary": said}

    told = await rig.publish(ProjectShared(**summed_up(1, private=False)), note, client_id=cast.client)
    await rig.settle()
    assert cast.names(await rig.told(told)) == {"primary"}
    assert (await rig.listed(cast.primary), await rig.unread(cast.primary)) == ([str(told)], 1)
    await rig.publish(ProjectWithdrawn(**summed_up(2, private=True)), note, client_id=cast.client)
    later = await rig.publish(ProjectShared(**summed_up(3, private=True)), note, client_id=cast.client)
    await rig.settle()
    assert await rig.told(later) == set()
    assert (await rig.listed(cast.primary), await rig.unread(cast.primary)) == ([], 0)


async def test_rights_are_those_of_then(rig: Rig, cast: Cast) -> None:
    """Roles and policies that were taken away, and somebody who moved to another client."""
    assert cast.viewer.id
    assert cast.manager.id
    assert cast.approver.id
    await rig.publish(ProjectRolesChanged(roles={}), cast.viewer.id, client_id=cast.client)
    await rig.publish(PoliciesChanged(policies=[]), cast.manager.id)
    out, there = Standing(kind="client", may_enter=False), uuid7()
    moved = ContactMoved(from_client_id=cast.client, to_client_id=there, standing=out)
    for client in (cast.client, there):
        await rig.publish(moved, cast.approver.id, client_id=client)
    risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    done = await completed(rig, cast)
    await rig.settle()
    assert cast.names(await rig.told(risk)) == {"let_in_again", "assigned"}
    assert cast.names(await rig.told(done)) == {"primary", "let_in_again"}


async def test_nobody_of_a_closed_client_is_told(rig: Rig, cast: Cast) -> None:
    """Deactivated, or without a portal; until it is open again. Staff go on."""
    told: list[set[str]] = []
    await rig.publish(ClientCreated(name="Cedar"), cast.client, client_id=cast.client)
    for active, enabled in ((False, True), (True, False), (True, True)):
        closed = ClientUpdated(name="Cedar", active=active, portal_enabled=enabled)
        await rig.publish(closed, cast.client, client_id=cast.client)
        risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
        await rig.settle()
        told.append(cast.names(await rig.told(risk)))
    staffs = {"manager", "assigned"}
    assert told == [staffs, staffs, staffs | {"approver", "let_in_again"}]


async def test_who_was_there_before_is_told_once_they_are_published_again(rig: Rig, cast: Cast) -> None:
    """As after an update: all that is known of them until then is a change of their roles."""
    newcomer, closed = uuid7(), uuid7()
    for person in (newcomer, closed):
        roles = ProjectRolesChanged(roles={cast.project: "approver"})
        await rig.publish(roles, person, client_id=cast.client)
    before = await completed(rig, cast)
    known = PersonRestated(
        kind="client", active=True, portal_access=True, is_primary_contact=False, roles={cast.project: "viewer"},
        policies=[], limited=False, project_ids=[],
    )  # fmt: skip
    await rig.publish(known, newcomer, client_id=cast.client)
    await rig.publish(msgspec.structs.replace(known, portal_access=False), closed, client_id=cast.client)
    await rig.publish(msgspec.structs.replace(known, has_account=False), invited := uuid7(), client_id=cast.client)
    limited = msgspec.structs.replace(
        known, kind="staff", roles={}, policies=["manageProjects"], limited=True, project_ids=[cast.project]
    )
    await rig.publish(limited, subcontractor := uuid7())
    after = await completed(rig, cast)
    risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await rig.settle()
    came_in = SignedIn(
        method="invitation", ip="", user_agent="", standing=Standing(kind="client", may_enter=True, policies=[])
    )
    await rig.publish(came_in, invited, client_id=cast.client)
    later = await completed(rig, cast)
    await rig.settle()
    strangers = {newcomer, closed, invited, subcontractor}
    told = [strangers & await rig.told(each) for each in (before, after, risk, later)]
    assert told == [set(), {newcomer}, {subcontractor}, {newcomer, invited}]


async def test_what_is_for_some_is_told_nobody_else(rig: Rig, cast: Cast) -> None:
    """Nor shown, where they could read it when it happened. The primary contact reads everything of their client."""
    assert cast.viewer.id
    steps = {name: uuid7() for name in ("approvers", "viewer", "later")}

    async def finished(name: str, readers: Readers | None, version: int = 2) -> UUID:
        summary = Summary(
            kind="milestone", title=name, status="completed", version=version, made_on=today(),
            project_id=cast.project, readers=readers,
        )  # fmt: skip
        data = milestone_completed(cast.project, name, version, summary=summary)
        return await rig.publish(data, steps[name], client_id=cast.client)

    approvers = await finished("approvers", Readers(roles=["approver"]))
    viewers = await finished("viewer", Readers(people=[cast.viewer.id]))
    later = await finished("later", None)
    await rig.settle()
    assert cast.names(await rig.told(approvers)) == {"primary", "approver", "let_in_again"}
    assert cast.names(await rig.told(viewers)) == {"primary", "viewer"}
    assert await rig.listed(cast.approver) == [str(later), str(approvers)]
    await finished("later", Readers(), 3)
    await rig.settle()
    assert await rig.listed(cast.approver) == [str(approvers)]
    assert await rig.listed(cast.viewer) == [str(viewers)]
    assert str(later) in await rig.listed(cast.primary)


def seen_by_others(cast: Cast) -> dict[str, Actor]:
    """Somebody who was told, as they are when they look: each has lost what they were told by."""
    replace = msgspec.structs.replace
    return {
        "another role": replace(cast.viewer, project_roles={cast.project: "feedback_only"}),
        "no role": replace(cast.approver, project_roles={}),
        "a closed module": replace(cast.primary, closed=frozenset({"projects"})),
        "another client": replace(cast.approver, client_id=uuid7()),
    }


async def test_what_may_not_be_read_by_now_is_not_shown(rig: Rig, cast: Cast) -> None:
    """Everywhere: in the list, in the count, and to who would mark it as read."""
    done = await completed(rig, cast)
    risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await rig.settle()
    assert await rig.listed(cast.viewer) == [str(done)]
    assert await rig.listed(cast.approver) == [str(risk), str(done)]
    assert await rig.listed(cast.manager) == [str(risk)]
    without = msgspec.structs.replace(cast.manager, policies=frozenset())
    elsewhere = msgspec.structs.replace(cast.assigned, assignments={})
    for what, actor in {**seen_by_others(cast), "no policy": without, "no assignment": elsewhere}.items():
        assert (await rig.listed(actor), await rig.unread(actor)) == ([], 0), what
        for event in (done, risk):
            assert (await rig.api(actor, "POST", f"notifications/{event}/read")).status_code == 404, what
        await read_all(rig, actor)
    assert [await rig.unread(each) for each in (cast.viewer, cast.approver, cast.primary)] == [1, 2, 1]
    await rig.publish(withdrawn(3), cast.project, client_id=cast.client)
    await rig.settle()
    assert (await rig.listed(cast.approver), await rig.unread(cast.approver)) == ([], 0)
    await read_all(rig, cast.approver)
    assert await rig.listed(cast.manager) == [str(risk)]
    again = await rig.publish(shared(4), cast.project, client_id=cast.client)
    await rig.publish(hiding(5, "completion"), cast.project, client_id=cast.client)
    await rig.settle()
    assert (await rig.listed(cast.approver), await rig.unread(cast.approver)) == ([str(again), str(risk)], 2)


async def read_all(rig: Rig, actor: Actor) -> None:
    """Mark all as read, as somebody who sees none of it by now: it stays unread."""
    assert (await rig.api(actor, "POST", "notifications/read-all")).status_code == 204


async def test_who_sees_the_portal_as_somebody_reads_their_bell_and_changes_nothing(rig: Rig, cast: Cast) -> None:
    done = await completed(rig, cast)
    await rig.settle()
    assert cast.approver.id
    viewing = msgspec.structs.replace(
        cast.approver, id=CLARA.id, name=CLARA.name, read_only=True, seen_as=Reader(cast.approver.id, "Anna Keller")
    )
    assert await rig.listed(viewing) == [str(done)]
    assert (await rig.api(viewing, "POST", f"notifications/{done}/read")).status_code == 403
    whole = msgspec.structs.replace(viewing, seen_as=None)
    assert await rig.listed(whole) == []
    assert await rig.unread(cast.approver) == 1


@pytest.mark.parametrize("table", ["bell", "told", "things", "people"])
async def test_the_database_shows_a_client_nothing_of_others(rig: Rig, cast: Cast, table: str) -> None:
    """The second lock alone: no condition on the tenant, and no row but its own."""
    private = uuid7()
    await rig.publish(project_created(private=True), private, client_id=cast.client)
    await completed(rig, cast)
    await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await rig.settle()
    connection = await asyncpg.connect(rig.api.database_url)
    try:
        assert await connection.fetchval(f"select count(*) from {table}") == 0
        async with connection.transaction():
            await connection.execute("select set_config('app.client_id', $1, true)", str(cast.client))
            rows = [dict(row) for row in await connection.fetch(f"select * from {table}")]
    finally:
        await connection.close()
    assert {row["client_id"] for row in rows} == (set() if table == "people" else {cast.client})
    assert private not in {row.get("id") for row in rows}
    assert not {cast.manager.id, cast.stranger.id} & {row.get("person_id") for row in rows}


async def test_a_mail_is_ordered_for_each_who_is_told_of_what_is_worth_one(rig: Rig, cast: Cast) -> None:
    risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await completed(rig, cast)
    await rig.settle()
    ordered = [
        (event.clientid, order)
        for event in await rig.api.published()
        if event.type == MailOrdered.type
        and (order := msgspec.json.decode(event.data, type=MailOrdered)).project_id == cast.project
    ]
    assert sorted(order.person_id for _, order in ordered) == sorted(await rig.told(risk))
    assert {order.about for _, order in ordered} == {"project_status_changed"}
    for client, order in ordered:
        assert client == (cast.client if order.person_id in {cast.approver.id, cast.let_in_again.id} else None)
        assert (order.path, order.facts.new) == (f"/projects/{cast.project}", "at_risk")
        assert (order.thread, order.client_id) == (cast.project, cast.client)


async def test_those_who_are_told_hear_of_it_at_once(rig: Rig, cast: Cast) -> None:
    """One event names all of them, and nobody whose bell is as it was."""
    done = await completed(rig, cast)
    quiet = await rig.publish(milestone_created(cast.project), uuid7(), client_id=cast.client)
    await rig.settle()
    rung = {
        event.subject: msgspec.json.decode(event.data, type=BellChanged).people
        for event in await rig.api.published()
        if event.clientid == cast.client and event.type == BellChanged.type
    }
    assert {about: cast.names(people) for about, people in rung.items()} == {done: READERS}
    assert quiet not in rung
