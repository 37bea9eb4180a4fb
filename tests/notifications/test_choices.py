"""How people choose to be notified, and that they are."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import msgspec
import pytest

from services.notifications.rules import RULES, Rule
from shared.actor import Actor, Reader
from shared.clock import uuid7
from shared.contracts.accounts import InvitationAccepted
from shared.contracts.notifications import MailOrdered, NotificationChoicesChanged, WebhookDisabled
from shared.contracts.projects import ProjectShared
from tests.activity.build import milestone_completed, project_created, status_changed
from tests.notifications.rig import CLARA, Cast, Rig

DONE, SHARED, TROUBLE = "milestone_completed", "project_created", "project_status_changed"
JOINED, STOPPED, PAUSED = "invitation_accepted", "webhook_disabled", "failed_sign_ins_paused"


async def choose(rig: Rig, actor: Actor, version: int | None = None, **channels: str) -> httpx2.Response:
    """Ask for these channels, at this version of what the person has."""
    headers = {"If-Match": f'"{version}"'} if version else {}
    return await rig.api(actor, "PATCH", "notifications/choices", json={"channels": channels}, headers=headers)


async def chosen(rig: Rig, actor: Actor) -> dict[str, str]:
    """How somebody is notified of what."""
    return {each["type"]: each["channel"] for each in (await rig.get(actor, "/choices"))["items"]}


async def told_of(rig: Rig, person: UUID | None) -> list[NotificationChoicesChanged]:
    """What was published of somebody's choices."""
    return [
        msgspec.json.decode(event.data, type=NotificationChoicesChanged)
        for event in await rig.api.published()
        if event.type == NotificationChoicesChanged.type and event.subject == person
    ]


async def mails(rig: Rig, person: Actor) -> list[str]:
    """Of which kinds they get mails."""
    return [
        order.about
        for event in await rig.api.published()
        if event.type == MailOrdered.type
        and (order := msgspec.json.decode(event.data, type=MailOrdered)).person_id == person.id
    ]


async def test_who_chose_nothing_is_notified_as_the_rules_have_it(rig: Rig, cast: Cast) -> None:
    """Each is offered what can reach them, by the roles that they have."""
    reads = {SHARED: "bell_and_mail", DONE: "bell"}
    works = dict.fromkeys((TROUBLE, "milestone_due_soon", "milestone_overdue"), "bell_and_mail")
    newcomers = {JOINED: "bell"}
    expected = {
        "viewer": reads,
        "approver": reads | {TROUBLE: "bell_and_mail"},
        "primary": reads | newcomers,
        "feedback": {},
        "manager": works | newcomers | {STOPPED: "bell_and_mail"},
        "assigned": works,
        "colleague": {},
    }
    own = {PAUSED: "bell_and_mail"}
    found = {name: await chosen(rig, cast.people[name]) for name in expected}
    assert found == {name: channels | own for name, channels in expected.items()}
    closed = msgspec.structs.replace(cast.primary, closed=frozenset({"projects"}))
    assert await chosen(rig, closed) == newcomers | own
    [done, stopped] = [
        each for each in (await rig.get(cast.manager, "/choices"))["items"] if each["type"] in (JOINED, STOPPED)
    ]
    assert done == {
        "type": JOINED, "occasion": "Somebody came into the portal", "channel": "bell", "default": "bell",
        "channels": ["none", "bell", "bell_and_mail"], "reason": "",
    }  # fmt: skip
    assert (stopped["channels"], bool(stopped["reason"])) == (["bell_and_mail"], True)
    assert await rig.sql("select from choices where client_id = $1", cast.client) == []


async def test_a_choice_applies_to_what_happens_afterwards(rig: Rig, cast: Cast) -> None:
    """To nobody else, and to no other kind."""

    async def completed() -> UUID:
        event = await rig.publish(milestone_completed(cast.project), uuid7(), client_id=cast.client)
        await rig.settle()
        return event

    before = await completed()
    assert (await choose(rig, cast.viewer, **{DONE: "none"})).status_code == 200
    silent = await completed()
    assert (await choose(rig, cast.viewer, **{DONE: "bell_and_mail"})).status_code == 200
    loud = await completed()
    readers = {"primary", "approver", "viewer", "let_in_again"}
    found = [cast.names(await rig.told(each)) for each in (before, silent, loud)]
    assert found == [readers, readers - {"viewer"}, readers]
    assert await rig.listed(cast.viewer) == [str(loud), str(before)]
    assert await mails(rig, cast.viewer) == [DONE]
    assert await mails(rig, cast.primary) == []


async def test_who_wants_no_mail_is_notified_at_the_bell_alone(rig: Rig, cast: Cast) -> None:
    assert (await choose(rig, cast.approver, **{TROUBLE: "bell"})).status_code == 200
    assert (await choose(rig, cast.manager, **{TROUBLE: "none"})).status_code == 200
    risk = await rig.publish(status_changed("at_risk"), cast.project, client_id=cast.client)
    await rig.settle()
    assert cast.names(await rig.told(risk)) == {"approver", "let_in_again", "assigned"}
    assert [await mails(rig, each) for each in (cast.approver, cast.manager, cast.let_in_again)] == [[], [], [TROUBLE]]


async def test_a_project_that_is_shared_from_its_start_is_shared(rig: Rig, cast: Cast) -> None:
    """People choose once for both, since both are the same to them."""
    await choose(rig, cast.primary, **{SHARED: "none"})
    started = await rig.publish(project_created("Shop"), uuid7(), client_id=cast.client)
    shared = await rig.publish(
        ProjectShared(name="Website relaunch", status="on_track", version=2), cast.project, client_id=cast.client
    )
    await rig.settle()
    assert await rig.told(started) == set()
    assert await rig.sql("select from told where id = $1", started) == []
    assert cast.names(await rig.told(shared)) == {"approver", "viewer", "let_in_again"}


def test_what_is_chosen_with_another_kind_is_for_the_same_people_by_the_same_channels() -> None:
    """They choose once for both."""
    alike = [(rule, RULES[each]) for rule in RULES.values() if (each := rule.chosen_with or rule.told_as)]
    assert alike != []
    for own, leading in alike:
        assert (own.roles, own.primary_contacts, own.policy) == (
            leading.roles,
            leading.primary_contacts,
            leading.policy,
        )
        assert (own.default, own.channels) == (leading.default, leading.channels)


def test_a_choice_that_its_rule_does_not_leave_to_people_any_more_counts_for_nothing() -> None:
    assert [Rule(mail=True).channel(each) for each in ("none", "bell", None)] == ["none", "bell", "bell_and_mail"]
    assert [Rule(mail=True, fixed="Why").channel(each) for each in ("none", "bell", None)] == ["bell_and_mail"] * 3


async def test_nor_is_anybody_notified_by_it(rig: Rig, cast: Cast) -> None:
    """As after an update that fixes a rule: who had switched it off is notified."""
    choice = "insert into choices values ($1, $2, $3::jsonb, 2)"
    await rig.sql(choice, UUID(int=0), cast.manager.id, f'{{"{STOPPED}": "none", "gone_by_now": "none"}}')
    assert (await chosen(rig, cast.manager))[STOPPED] == "bell_and_mail"
    stopped = await rig.publish(WebhookDisabled(reason="gone"), uuid7(), client_id=cast.client)
    await rig.settle()
    assert cast.names(await rig.told(stopped)) == {"manager"}
    assert await mails(rig, cast.manager) == [STOPPED]


async def test_only_what_differs_is_kept_and_told(rig: Rig, cast: Cast) -> None:
    """The event says which kinds, and of whom; not what they chose."""

    async def stored() -> list[tuple[str, int]]:
        rows = await rig.sql("select channels::text, version from choices where person_id = $1", cast.primary.id)
        return [tuple(row) for row in rows]

    first = await choose(rig, cast.primary, 1, **{DONE: "none", JOINED: "bell"})
    assert (first.status_code, first.headers["etag"], first.json()["version"]) == (200, '"2"', 2)
    assert first.json() == await rig.get(cast.primary, "/choices")
    assert await stored() == [('{"milestone_completed": "none"}', 2)]
    assert (await choose(rig, cast.primary, **{DONE: "none"})).headers["etag"] == '"2"'
    back = await choose(rig, cast.primary, 2, **{DONE: "bell", SHARED: "bell"})
    assert back.headers["etag"] == '"3"'
    assert await stored() == [('{"project_created": "bell"}', 3)]
    assert [each.kinds for each in await told_of(rig, cast.primary.id)] == [[DONE], [DONE, SHARED]]
    [last] = [event for event in await rig.api.published() if event.subject == cast.primary.id][-1:]
    assert (last.clientid, last.actorid) == (cast.client, cast.primary.id)


async def test_what_was_changed_meanwhile_is_not_changed_again_unseen(rig: Rig, cast: Cast) -> None:
    assert (await choose(rig, cast.viewer, 1, **{DONE: "none"})).status_code == 200
    for version in (1, 3):
        late = await choose(rig, cast.viewer, version, **{DONE: "bell_and_mail"})
        assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert (await chosen(rig, cast.viewer))[DONE] == "none"


async def test_two_at_once_lose_nothing(rig: Rig, cast: Cast) -> None:
    """Also the first time, when there is no row to wait for."""
    answers = await asyncio.gather(*(choose(rig, cast.approver, **{kind: "none"}) for kind in (DONE, SHARED, TROUBLE)))
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert [(await chosen(rig, cast.approver))[kind] for kind in (DONE, SHARED, TROUBLE)] == ["none"] * 3
    assert sorted(each.json()["version"] for each in answers) == [2, 3, 4]


@pytest.mark.parametrize(
    ("who", "channels", "code"),
    [
        ("viewer", {TROUBLE: "none"}, "choice.kind"),  # approvers are notified of it
        ("viewer", {"project_shared": "none"}, "choice.kind"),  # is told as project_created
        ("viewer", {"no_such_kind": "none"}, "choice.kind"),
        ("feedback", {DONE: "bell"}, "choice.kind"),
        ("manager", {STOPPED: "none"}, "choice.channel"),
        ("viewer", {DONE: "pigeon"}, "invalid"),
        ("viewer", {"No kind": "none"}, "invalid"),
        ("viewer", {DONE: None}, "invalid"),
    ],
)
async def test_what_is_refused_changes_nothing(
    rig: Rig, cast: Cast, who: str, channels: dict[str, Any], code: str
) -> None:
    actor = cast.people[who]
    before = await rig.get(actor, "/choices")
    refused = await choose(rig, actor, **({SHARED: "none"} if who == "viewer" else {}), **channels)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"] != []
    assert await rig.get(actor, "/choices") == before
    assert await rig.sql("select from choices where person_id = $1", actor.id) == []
    assert await told_of(rig, actor.id) == []


async def test_nobody_reads_or_changes_anothers(rig: Rig, cast: Cast) -> None:
    """A colleague's, another client's, or of whom staff see the portal as: these they read, and change nothing."""
    await choose(rig, cast.viewer, **{DONE: "none"})
    await choose(rig, cast.manager, **{TROUBLE: "none"})
    for other in (cast.approver, cast.primary, cast.stranger):
        assert (await chosen(rig, other))[DONE] == "bell"
        assert (await choose(rig, other, **{DONE: "bell_and_mail"})).status_code == 200
    assert (await chosen(rig, cast.assigned))[TROUBLE] == "bell_and_mail"
    assert (await chosen(rig, cast.viewer))[DONE] == "none"
    moved = msgspec.structs.replace(cast.viewer, client_id=uuid7())
    assert (await chosen(rig, moved))[DONE] == "bell"
    assert cast.viewer.id
    viewing = msgspec.structs.replace(
        cast.viewer, id=CLARA.id, name=CLARA.name, read_only=True, seen_as=Reader(cast.viewer.id, "Anna Keller")
    )
    assert await rig.get(viewing, "/choices") == await rig.get(cast.viewer, "/choices")
    assert (await choose(rig, viewing, **{DONE: "bell"})).status_code == 403
    assert (await chosen(rig, cast.viewer))[DONE] == "none"


async def test_the_database_shows_a_client_none_of_another_s_choices(rig: Rig, cast: Cast) -> None:
    """The second lock alone: no condition on the tenant, and no row but its own."""
    for actor in (cast.viewer, cast.stranger):
        await choose(rig, actor, **{DONE: "none"})
    await choose(rig, cast.manager, **{TROUBLE: "none"})
    connection = await asyncpg.connect(rig.api.database_url)
    try:
        assert await connection.fetchval("select count(*) from choices") == 0
        async with connection.transaction():
            await connection.execute("select set_config('app.client_id', $1, true)", str(cast.client))
            assert [row[0] for row in await connection.fetch("select person_id from choices")] == [cast.viewer.id]
    finally:
        await connection.close()


async def test_who_accepted_an_invitation_is_told_by_mail_who_asks_for_it(rig: Rig, cast: Cast) -> None:
    """A rule without a mail of its own orders one for who chose it."""
    await choose(rig, cast.manager, **{JOINED: "bell_and_mail"})
    assert cast.elsewhere.id
    joined = InvitationAccepted(registered=False)
    await rig.publish(joined, cast.elsewhere.id, client_id=cast.client, actor=cast.elsewhere)
    await rig.settle()
    assert await mails(rig, cast.manager) == [JOINED]
    assert await mails(rig, cast.primary) == []
