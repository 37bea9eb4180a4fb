"""The bell as its owner meets it: the list, the count, and what is read."""

from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from services.notifications.bell.commands import KEPT_FOR, forget
from services.notifications.rules import RULES
from shared.actor import SYSTEM
from shared.clock import now, uuid7
from shared.contracts import EVENTS
from shared.contracts.accounts import FailedSignInsPaused, InvitationAccepted
from shared.contracts.notifications import BellChanged, WebhookDisabled, WebhookRemoved
from shared.contracts.restated import ClientRestated
from shared.database import Database
from shared.events import EventData
from tests.activity.build import milestone_completed, status_changed
from tests.notifications.rig import Cast, Rig


async def tell(rig: Rig, cast: Cast, count: int) -> list[str]:
    """So many milestones are completed; the events, newest first."""
    events = [
        await rig.publish(milestone_completed(cast.project, f"Step {number}"), uuid7(), client_id=cast.client)
        for number in range(count)
    ]
    await rig.settle()
    return [str(each) for each in reversed(events)]


async def test_it_is_told_in_words_and_leads_to_the_thing(rig: Rig, cast: Cast) -> None:
    milestone, webhook, newcomer = uuid7(), uuid7(), cast.elsewhere
    assert newcomer.id
    await rig.publish(milestone_completed(cast.project), milestone, client_id=cast.client)
    await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await rig.publish(InvitationAccepted(registered=False), newcomer.id, client_id=cast.client, actor=newcomer)
    gone = WebhookDisabled(reason="gone", host="erp.acme.example", name="Warehouse sync")
    await rig.publish(gone, webhook, client_id=cast.client, actor=SYSTEM)
    await rig.settle()
    mine = (await rig.get(cast.approver))["items"]
    assert [(each["title"], each["description"], each["target"]["url"]) for each in mine] == [
        ("Clara Hoffmann marked Website relaunch as at risk", "Was on track", f"/projects/{cast.project}"),
        (
            "Clara Hoffmann finished Design approved",
            "Website relaunch",
            f"/projects/{cast.project}#milestone-{milestone}",
        ),
    ]
    assert not {"client_id", "client_name"} & {name for each in mine for name in each}
    staffs = (await rig.get(cast.manager))["items"]
    assert [(each["title"], each["description"], each["target"]["url"]) for each in staffs] == [
        (
            "The portal switched off the webhook Warehouse sync",
            "erp.acme.example: its receiver says that it is gone",
            f"/webhooks/{webhook}",
        ),
        ("Anna Keller accepted the invitation", "", f"/contacts/{newcomer.id}"),
        ("Clara Hoffmann marked Website relaunch as at risk", "Was on track", f"/projects/{cast.project}"),
    ]
    assert {(each["client_id"], each["client_name"]) for each in staffs} == {(str(cast.client), None)}
    [accepted] = (await rig.get(cast.primary, limit=1))["items"]
    assert accepted["target"]["url"] == "/team"


async def test_what_it_is_about_is_gone_and_so_is_it(rig: Rig, cast: Cast) -> None:
    for client in (cast.client, None):
        webhook = uuid7()
        gone = WebhookDisabled(reason="gone", host="erp.acme.example")
        event = await rig.publish(gone, webhook, client_id=client, actor=SYSTEM)
        await rig.settle()
        assert (await rig.listed(cast.manager), await rig.unread(cast.manager)) == ([str(event)], 1)
        await rig.publish(WebhookRemoved(), webhook, client_id=client)
        await rig.settle()
        assert (await rig.listed(cast.manager), await rig.unread(cast.manager)) == ([], 0)
        assert (await rig.api(cast.manager, "POST", f"notifications/{event}/read")).status_code == 404


@pytest.mark.parametrize("kind", RULES, ids=lambda kind: kind.type)
def test_it_is_known_when_what_it_is_about_ends(kind: type[EventData]) -> None:
    """A summary says it, or an event of its own. People are kept: they are closed and moved, and have their page."""
    told_by_summary = {each.subject.split(".")[1] for each in EVENTS.values() if "summary" in each.__struct_fields__}
    people = kind.subject.startswith("identity.")
    assert kind.subject.split(".")[1] in told_by_summary or RULES[kind].ended_by or people


async def test_that_a_webhook_is_gone_says_nothing_of_other_things(rig: Rig, cast: Cast) -> None:
    """Whoever says so of the id of a project, a milestone or a person: what has a summary is gone when that says so."""
    assert cast.approver.id
    milestone, early = uuid7(), uuid7()
    told = [
        await rig.publish(milestone_completed(cast.project), milestone, client_id=cast.client),
        await rig.publish(FailedSignInsPaused(reason="password", known=True), cast.approver.id, client_id=cast.client),
    ]
    await rig.settle()
    for each in (cast.project, milestone, cast.approver.id, early):
        await rig.publish(WebhookRemoved(), each, client_id=cast.client)
    told += [
        await rig.publish(milestone_completed(cast.project), early, client_id=cast.client),
        await rig.publish(FailedSignInsPaused(reason="totp", known=True), cast.approver.id, client_id=cast.client),
    ]
    await rig.settle()
    assert await rig.listed(cast.approver) == [str(each) for each in reversed(told)]


async def test_a_list_of_several_pages_loses_and_doubles_nothing(rig: Rig, cast: Cast) -> None:
    told = await tell(rig, cast, 7)
    seen, cursor = [], None
    while True:
        page = await rig.get(cast.viewer, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == told


async def test_what_is_read_is_read_by_its_owner_alone(rig: Rig, cast: Cast) -> None:
    newest, older = await tell(rig, cast, 2)
    answer = await rig.api(cast.viewer, "POST", f"notifications/{older}/read")
    assert (answer.status_code, answer.json()["id"], answer.json()["read"]) == (200, older, True)
    spoken = [answer.headers, (await rig.api(cast.viewer, "GET", "notifications")).headers]
    assert [(each["Content-Language"], each["Vary"]) for each in spoken] == [("en", "Accept-Language")] * 2
    assert (await rig.api(cast.viewer, "POST", f"notifications/{older}/read")).status_code == 200
    assert [each["read"] for each in (await rig.get(cast.viewer))["items"]] == [False, True]
    assert [each["id"] for each in (await rig.get(cast.viewer, unread="true"))["items"]] == [newest]
    assert (await rig.unread(cast.viewer), await rig.unread(cast.approver)) == (1, 2)
    rung = [event for event in await rig.api.published() if event.subject == cast.viewer.id]
    assert [msgspec.json.decode(event.data, type=BellChanged).people for event in rung] == [[cast.viewer.id]]


async def test_everything_is_read_up_to_what_was_shown(rig: Rig, cast: Cast) -> None:
    shown = await tell(rig, cast, 3)
    await tell(rig, cast, 2)
    assert (await rig.api(cast.viewer, "POST", "notifications/read-all", json={"upto_id": shown[0]})).status_code == 204
    assert await rig.unread(cast.viewer) == 2
    assert (await rig.api(cast.viewer, "POST", "notifications/read-all")).status_code == 204
    assert (await rig.unread(cast.viewer), await rig.unread(cast.approver)) == (0, 5)


async def test_everything_is_read_up_to_a_place_that_is_hidden_by_now(rig: Rig, cast: Cast) -> None:
    """The newest one was shown, and is taken back before its reader marks everything as read."""
    await tell(rig, cast, 2)
    milestone = uuid7()
    newest = await rig.publish(milestone_completed(cast.project, version=1), milestone, client_id=cast.client)
    await rig.settle()
    assert await rig.unread(cast.viewer) == 3
    taken_back = milestone_completed(cast.project, private=True, version=2)
    await rig.publish(taken_back, milestone, client_id=cast.client)
    await rig.settle()
    assert await rig.unread(cast.viewer) == 2
    answer = await rig.api(cast.viewer, "POST", "notifications/read-all", json={"upto_id": str(newest)})
    assert (answer.status_code, await rig.unread(cast.viewer)) == (204, 0)


async def test_what_is_another_s_is_answered_as_what_is_not_there(rig: Rig, cast: Cast) -> None:
    [told] = await tell(rig, cast, 1)
    for id_ in (told, str(uuid4())):
        one = await rig.api(cast.stranger, "POST", f"notifications/{id_}/read")
        every = await rig.api(cast.stranger, "POST", "notifications/read-all", json={"upto_id": id_})
        assert (one.status_code, every.status_code) == (404, 404)
        assert one.json()["detail"] == every.json()["detail"]
    assert await rig.unread(cast.viewer) == 1


async def test_what_is_old_goes(rig: Rig, cast: Cast) -> None:
    newest, older, oldest = await tell(rig, cast, 3)
    for id_, age in ((older, KEPT_FOR - timedelta(hours=1)), (oldest, KEPT_FOR)):
        await rig.sql("update told set at = $1 where id = $2", now() - age, UUID(id_))
    before = await rig.sql("select position from told where id = $1", UUID(oldest))
    database = Database(rig.api.database_url)
    await database.start()
    try:
        async with database.uow(SYSTEM) as db:
            assert await forget(db) is False
    finally:
        await database.stop()
    assert await rig.listed(cast.viewer) == [newest, older]
    assert await rig.sql("select from bell where position = $1", before[0]["position"]) == []


async def test_staff_read_whose_it_is_by_the_clients_present_name(rig: Rig, cast: Cast) -> None:
    await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    gone = WebhookDisabled(reason="gone", host="erp.acme.example")
    await rig.publish(gone, uuid7(), actor=SYSTEM)  # of all clients
    for name in ("Acme", "Acme GmbH"):
        told = ClientRestated(name=name, active=True, portal_enabled=True, created_at=now())
        await rig.publish(told, cast.client)
        await rig.settle()
        staffs = (await rig.get(cast.manager))["items"]
        assert [(each["client_id"], each["client_name"]) for each in staffs] == [
            (None, None), (str(cast.client), name),
        ]  # fmt: skip
        marked = await rig.api(cast.manager, "POST", f"notifications/{staffs[1]['id']}/read")
        assert marked.json()["client_name"] == name
        assert "client_name" not in (await rig.get(cast.approver))["items"][0]
