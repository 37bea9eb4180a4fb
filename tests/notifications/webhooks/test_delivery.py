"""From an event to a signed POST at a partner's, whatever happens in between."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from aiohttp import web

from services.notifications.webhooks import commands, consumer, outgoing, portions, queries
from services.notifications.webhooks.commands import AT_ONCE_EACH, AT_ONCE_HOST
from services.notifications.webhooks.models import PATIENCE, Outcome
from services.notifications.webhooks.outgoing import Outgoing
from services.notifications.webhooks.sender import Sender
from shared.actor import SYSTEM
from shared.clock import now, uuid7
from shared.contracts.entries.entry import Entry
from shared.contracts.identity import ClientUpdated
from shared.contracts.projects import ProjectUpdated, ProjectWithdrawn
from shared.sealing import Sealer
from tests.activity.build import ACME, BIRCH, milestone_completed, project_created
from tests.notifications.webhooks.receiver import is_signed
from tests.notifications.webhooks.webhooks import Webhooks


async def test_what_happens_is_told_signed_as_staff_see_it(webhooks: Webhooks) -> None:
    made = await webhooks.create("/erp")
    event_id = await webhooks.happens()
    [told] = await webhooks.receiver.wait_for("/erp")
    assert is_signed(made["secret"], told)
    delivery = await webhooks.until(made, state="delivered")
    assert (delivery["id"], delivery["event_id"], delivery["tries"]) == (told.id, event_id, 1)
    assert (told.json["type"], told.json["timestamp"]) == ("project_created", told.json["data"]["at"])
    assert (told.json["data"]["id"], told.json["data"]["client_id"]) == (event_id, str(ACME))
    assert told.headers["content-type"] == "application/json"


async def test_a_webhook_hears_of_its_own_client_and_of_the_types_it_asked_for(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    bound = await webhooks.create("/acme", client_id=str(ACME))
    plans = await webhooks.create("/plans", types=["milestone_completed"])
    every = await webhooks.create("/every")
    foreign, own = await webhooks.happens(client_id=BIRCH), await webhooks.happens()
    done = str(await webhooks.publish(milestone_completed(uuid7()), client_id=BIRCH))
    await webhooks.receiver.wait_for("/every", 3)
    await webhooks.settle()
    heard = {name: {each["event_id"] for each in await webhooks.deliveries(webhook)} for name, webhook in
             (("bound", bound), ("plans", plans), ("every", every))}  # fmt: skip
    assert heard == {"bound": {own}, "plans": {done}, "every": {foreign, own, done}}
    [told] = await webhooks.receiver.wait_for("/acme")
    assert told.json["data"]["client_id"] == str(ACME)


async def test_a_webhook_of_one_client_hears_nothing_that_is_kept_from_it(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    bound = await webhooks.create("/client", client_id=str(ACME))
    every = await webhooks.create("/company")
    kept = str(await webhooks.publish(project_created("Secret", private=True)))
    shown = await webhooks.happens()
    told = await webhooks.receiver.wait_for("/company", 2)
    await webhooks.settle()
    assert {each["event_id"] for each in await webhooks.deliveries(bound)} == {shown}
    assert {each["event_id"] for each in await webhooks.deliveries(every)} == {kept, shown}
    assert sorted(each.json["data"].get("private", False) for each in told) == [False, True]


async def test_what_was_withdrawn_meanwhile_is_not_sent_after_all(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    made = await webhooks.create("/late", client_id=str(ACME))
    webhooks.receiver.answers["/late"] = 503
    project = uuid7()
    await webhooks.publish(project_created(), project)
    await webhooks.until(made, last_status=503)
    await webhooks.publish(ProjectWithdrawn(name="x", status="on_track", version=2), project)
    await webhooks.settle()
    del webhooks.receiver.answers["/late"]
    await webhooks.time_passes(made)
    await webhooks.until(made, state="failed", last_error="withdrawn")
    assert len(webhooks.receiver.told["/late"]) == 1
    assert (await webhooks.shown(made))["active"] is True


async def test_a_field_that_is_hidden_by_now_is_named_to_the_company_alone(webhooks: Webhooks) -> None:
    """The change was open when it happened, and comes after the project hid the field."""
    await webhooks.know_clients()
    await webhooks.create("/field-of-client", client_id=str(ACME))
    await webhooks.create("/field-of-company")
    project = uuid7()
    await webhooks.publish(project_created("Shop", version=2, hidden_fields=["ends_on"]), project)
    changed = ProjectUpdated(name="Shop", status="on_track", version=1, fields=["ends_on", "name"])
    await webhooks.publish(changed, project)
    for path, said in (("/field-of-client", "Name"), ("/field-of-company", "Planned end, name")):
        told = await webhooks.receiver.wait_for(path, 2)
        assert {each.json["data"]["description"] for each in told} == {"", said}


async def test_an_event_that_is_folded_again_is_told_once(webhooks: Webhooks) -> None:
    made = await webhooks.create("/once")
    event_id = await webhooks.happens()
    told = await webhooks.until(made, state="delivered")
    assert (told["name"], told["project_name"]) == ("Website relaunch", "")
    [row] = await webhooks.sql("select * from webhook_entries where id = $1", UUID(event_id))
    connection = await asyncpg.connect(webhooks.admin_url, server_settings={"search_path": "notifications"})
    known = {name: row[name] for name in Entry.__struct_fields__}
    await consumer.queue(connection, Entry(**known | {"facts": msgspec.Raw(row["facts"].encode())}))
    await connection.close()
    assert [each["event_id"] for each in await webhooks.deliveries(made)] == [event_id]


async def test_who_was_away_is_told_under_the_same_id(webhooks: Webhooks) -> None:
    made = await webhooks.create("/away")
    await webhooks.receiver.stop()
    await webhooks.happens()
    failed = await webhooks.until(made, tries=1, last_error="unreachable")
    assert (failed["state"], failed["last_status"]) == ("waiting", None)
    assert (await webhooks.shown(made))["failing_since"]
    await webhooks.receiver.start()
    await webhooks.time_passes(made)
    [told] = await webhooks.receiver.wait_for("/away")
    delivered = await webhooks.until(made, state="delivered", tries=2)
    assert (told.id, delivered["last_status"], delivered["last_error"]) == (failed["id"], 200, "")
    assert (await webhooks.shown(made))["failing_since"] is None


async def test_what_an_attempt_came_to_counts_only_while_it_is_the_last(webhooks: Webhooks) -> None:
    made = await webhooks.create("/overtaken")
    webhooks.receiver.answers["/overtaken"] = 500
    await webhooks.happens()
    first = await webhooks.until(made, last_status=500)
    await webhooks.time_passes(made)
    await webhooks.until(made, tries=2, last_status=500)
    late = commands.Attempt(UUID(first["id"]), UUID(made["id"]), 1, made["url"], [], b"")
    async with webhooks.api.app.state.database.uow(SYSTEM) as db:
        await commands.record_attempt(db, late, Outcome(200))
    assert (await webhooks.deliveries(made))[0]["state"] == "waiting"


async def test_one_that_is_slow_keeps_nobody_else_waiting(webhooks: Webhooks) -> None:
    slow, quick = await webhooks.create("/slow"), await webhooks.create("/quick")
    webhooks.receiver.hold("/slow")
    for number in range(AT_ONCE_EACH + 2):
        await webhooks.happens(name=f"Website {number}")
    await webhooks.receiver.wait_for("/quick", AT_ONCE_EACH + 2)
    assert len(webhooks.receiver.told["/slow"]) == AT_ONCE_EACH
    webhooks.receiver.release("/slow")
    await webhooks.receiver.wait_for("/slow", AT_ONCE_EACH + 2)
    for webhook in (slow, quick):
        await webhooks.until(webhook, state="delivered")


async def test_one_that_is_under_way_says_so_and_nothing_of_the_attempt_before(webhooks: Webhooks) -> None:
    made = await webhooks.create("/under-way")
    webhooks.receiver.answers["/under-way"] = 503
    await webhooks.happens()
    await webhooks.until(made, state="waiting", last_status=503)
    webhooks.receiver.hold("/under-way")
    await webhooks.time_passes(made)
    await webhooks.receiver.wait_for("/under-way", 2)
    [sent] = await webhooks.deliveries(made)
    shown = await webhooks.shown(made)
    assert [sent[name] for name in ("state", "tries", "last_status", "last_error")] == ["sending", 2, None, ""]
    assert shown["last_delivery_state"] == "sending"
    webhooks.receiver.release("/under-way")
    await webhooks.until(made, state="waiting", last_status=503)


async def test_one_whose_sender_ended_waits_again_after_its_lease(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await webhooks.create("/left")
    webhooks.receiver.hold("/left")
    await webhooks.happens()
    await webhooks.receiver.wait_for("/left")
    with monkeypatch.context() as later:
        later.setattr(queries, "now", lambda: now() + portions.LEASE)
        assert [each["state"] for each in await webhooks.deliveries(made)] == ["waiting"]
    assert [each["state"] for each in await webhooks.deliveries(made)] == ["sending"]
    webhooks.receiver.release("/left")
    await webhooks.until(made, state="delivered")


async def test_one_that_fails_is_tried_one_at_a_time(webhooks: Webhooks) -> None:
    made = await webhooks.create("/weak")
    webhooks.receiver.answers["/weak"] = 503
    await webhooks.happens()
    await webhooks.until(made, last_status=503)
    webhooks.receiver.hold("/weak")
    await webhooks.time_passes(made)
    other = await webhooks.create("/strong")
    await webhooks.happens()
    await webhooks.receiver.wait_for("/weak", 2)
    await webhooks.until(other, state="delivered")
    assert len(webhooks.receiver.told["/weak"]) == 2
    del webhooks.receiver.answers["/weak"]
    webhooks.receiver.release("/weak")
    await webhooks.receiver.wait_for("/weak", 3)


async def test_one_host_is_told_so_much_at_once(webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many webhooks it has, and whatever room there is."""
    reached: list[str] = []
    never = asyncio.Event()

    async def post(_self: Outgoing, url: str, _headers: dict[str, str], _body: bytes) -> Outcome:
        reached.append(url)
        if "hangs" in url:
            await never.wait()
        return Outcome(status=200)

    monkeypatch.setattr(Outgoing, "post", post)
    for number in range(2 * AT_ONCE_HOST // AT_ONCE_EACH):
        await webhooks.create("", url=f"https://hangs.example/{number}")
    await webhooks.create("", url="https://quick.example")
    for _ in range(AT_ONCE_EACH):
        await webhooks.happens()
    async with asyncio.timeout(30):
        while len(reached) < AT_ONCE_HOST + AT_ONCE_EACH:
            await asyncio.sleep(0.02)
    await webhooks.happens()
    async with asyncio.timeout(30):
        while reached.count("https://quick.example") <= AT_ONCE_EACH:
            await asyncio.sleep(0.02)
    assert len([url for url in reached if "hangs" in url]) == AT_ONCE_HOST
    never.set()
    await webhooks.sql("delete from webhooks where url like '%.example%'")


@pytest.mark.parametrize("failing", [False, True])
async def test_however_many_hang_one_that_answers_is_told_at_once(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """At hosts of their own and at one host, with more to be told than all of them could be at once."""
    at_once = commands.AT_ONCE // 4  # enough to show it, with fewer webhooks
    monkeypatch.setattr(commands, "AT_ONCE", at_once)
    reached: list[str] = []
    never = asyncio.Event()

    async def post(_self: Outgoing, url: str, _headers: dict[str, str], _body: bytes) -> Outcome:
        reached.append(url)
        if "hangs" in url:
            await never.wait()
        return Outcome(status=200)

    monkeypatch.setattr(Outgoing, "post", post)
    hanging = [*(f"https://hangs-{number}.example" for number in range(at_once // 3))]
    hanging += [f"https://hangs.example/{number}" for number in range(at_once // 3)]
    for url in hanging:
        await webhooks.create("", url=url)
    if failing:
        await webhooks.sql("update webhooks set failing_since = now() where url like '%hangs%'")
    for _ in range(AT_ONCE_EACH):
        await webhooks.happens()
    await webhooks.settle()
    async with asyncio.timeout(30):
        while len([url for url in reached if "hangs-" in url]) < at_once // 3:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert len([url for url in reached if "hangs." in url]) <= (1 if failing else AT_ONCE_HOST)
    quick = await webhooks.create("", url="https://quick.example")
    same = await webhooks.create("", url="https://hangs.example/quick") if failing else quick
    await webhooks.happens()
    for webhook in (quick, same):
        await webhooks.until(webhook, state="delivered" if webhook is quick else "waiting")
    assert "https://quick.example" in reached
    assert not failing or "https://hangs.example/quick" in reached
    never.set()
    await webhooks.sql("delete from webhooks where url like '%.example%'")


async def test_what_happens_while_it_is_switched_off_is_sent_once_it_is_on(webhooks: Webhooks) -> None:
    made = await webhooks.create("/paused")
    webhooks.receiver.answers["/paused"] = 500
    happened = [await webhooks.happens()]
    await webhooks.until(made, last_status=500, state="waiting")
    del webhooks.receiver.answers["/paused"]
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": False})
    happened += [await webhooks.happens(), await webhooks.happens()]
    await webhooks.settle()
    await webhooks.time_passes(made)
    other = await webhooks.create("/beside")
    await webhooks.happens()
    await webhooks.until(other, state="delivered")
    held = [(each["event_id"], each["state"]) for each in await webhooks.deliveries(made)]
    assert held[1:] == [(each, "waiting") for each in reversed(happened)]
    assert (await webhooks.shown(made))["held"] == 4
    assert len(webhooks.receiver.told["/paused"]) == 1
    in_an_hour = now() + timedelta(hours=1)
    await webhooks.sql("update webhook_deliveries set due_at = $1 where event_id = $2", in_an_hour, UUID(happened[0]))
    switched = await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": True})
    assert switched.json()["held"] == 0
    told = await webhooks.receiver.wait_for("/paused", 5)
    async with asyncio.timeout(30):
        while {each["state"] for each in await webhooks.deliveries(made)} != {"delivered"}:
            await asyncio.sleep(0.02)
    assert {each.id for each in told[1:]} == {each["id"] for each in await webhooks.deliveries(made)}
    assert len(webhooks.receiver.told["/paused"]) == 5


async def waits_for_long(webhooks: Webhooks, path: str, number: int) -> tuple[dict[str, Any], list[str]]:
    """A webhook, switched off, with deliveries that wait for their next try; their ids, the oldest first."""
    made = await webhooks.create(path)
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": False})
    for _ in range(number):
        await webhooks.happens()
    await webhooks.settle()
    await webhooks.sql(
        """update webhook_deliveries set due_at = now() + interval '1 h', tries = 4,
           last_tried_at = now() - interval '1 s' where webhook_id = $1""",
        UUID(made["id"]),
    )
    return made, [each["id"] for each in reversed(await webhooks.deliveries(made))]


async def test_what_was_held_is_made_due_in_portions_however_much_it_is(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is lost, none sent twice, and the oldest goes first."""
    made, held = await waits_for_long(webhooks, "/much", 11)
    monkeypatch.setattr("services.notifications.webhooks.portions.PORTION", 3)
    monkeypatch.setattr("services.notifications.webhooks.commands.AT_ONCE_EACH", 1)
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": True})
    told = await webhooks.receiver.wait_for("/much", 11)
    assert [each.id for each in told] == held
    async with asyncio.timeout(30):
        while (await webhooks.sql("select resumed_at from webhooks where id = $1", UUID(made["id"])))[0][0]:
            await asyncio.sleep(0.02)
        while {each["state"] for each in await webhooks.deliveries(made)} != {"delivered"}:  # noted after it was told
            await asyncio.sleep(0.02)
    assert len(webhooks.receiver.told["/much"]) == 11


async def test_what_fails_again_after_it_was_held_waits_as_ever(webhooks: Webhooks) -> None:
    made, _ = await waits_for_long(webhooks, "/anew", 2)
    webhooks.receiver.answers["/anew"] = 500
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": True})
    await webhooks.until(made, last_status=500, tries=5)
    async with asyncio.timeout(30):
        while (await webhooks.sql("select resumed_at from webhooks where id = $1", UUID(made["id"])))[0][0]:
            await asyncio.sleep(0.02)
    assert [each["tries"] for each in await webhooks.deliveries(made)] == [5, 5]
    waits = await webhooks.sql(
        "select due_at > now() + '50 min' from webhook_deliveries where webhook_id = $1", UUID(made["id"])
    )
    assert [row[0] for row in waits] == [True, True]


async def test_types_that_are_taken_away_while_it_is_off_are_not_sent_once_it_is_on(webhooks: Webhooks) -> None:
    made, held = await waits_for_long(webhooks, "/narrowed", 2)
    change = {"types": ["milestone_completed"], "active": True}
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json=change)
    async with asyncio.timeout(30):
        while {each["last_error"] for each in await webhooks.deliveries(made)} != {"unwanted"}:
            await asyncio.sleep(0.02)
    assert [each["state"] for each in await webhooks.deliveries(made)] == ["failed"] * len(held)
    await webhooks.ask("POST", f"webhooks/{made['id']}/test")
    [told] = await webhooks.receiver.wait_for("/narrowed", 1)
    assert told.json["type"] == "ping"


async def test_a_webhook_of_a_client_that_is_deactivated_holds_what_happens(webhooks: Webhooks) -> None:
    """As no partner system of such a client gets a token; and the client's own webhook alone."""
    await webhooks.know_clients()
    bound, every = await webhooks.create("/bound", client_id=str(ACME)), await webhooks.create("/every")
    off = ClientUpdated(name="Acme GmbH", active=False, portal_enabled=True, fields=["active"])
    await webhooks.publish(off, ACME)
    await webhooks.settle()
    happened = await webhooks.happens()
    await webhooks.until(every, state="delivered", event_id=happened)
    assert (await webhooks.shown(bound))["held"] == len(await webhooks.deliveries(bound)) > 0
    assert webhooks.receiver.told["/bound"] == []
    await webhooks.publish(msgspec.structs.replace(off, active=True), ACME)
    await webhooks.until(bound, state="delivered")
    assert (await webhooks.shown(bound))["held"] == 0


async def test_whoever_is_gone_is_told_nothing_more(webhooks: Webhooks) -> None:
    made = await webhooks.create("/gone")
    webhooks.receiver.answers["/gone"] = 500
    await webhooks.happens()
    waiting = await webhooks.until(made, last_status=500, state="waiting")
    webhooks.receiver.answers["/gone"] = 410
    await webhooks.happens()
    await webhooks.until(made, last_status=410, state="waiting", last_error="")
    shown = await webhooks.shown(made)
    assert (shown["active"], shown["disabled_reason"]) == (False, "gone")
    assert shown["disabled_at"]
    older = (await webhooks.deliveries(made))[1]
    assert (older["id"], older["state"], older["last_status"]) == (waiting["id"], "waiting", 500)
    [*_, event] = await webhooks.events(made)
    assert (event.type, event.actorkind, msgspec.json.decode(event.data)) == (
        "webhook_disabled",
        "system",
        {"reason": "gone", "host": "127.0.0.1", "name": made["name"]},
    )
    del webhooks.receiver.answers["/gone"]
    await webhooks.happens()
    await webhooks.settle()
    assert (await webhooks.shown(made))["held"] == 3
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": True})
    told = await webhooks.receiver.wait_for("/gone", 5)
    assert {each.id for each in told[2:]} == {each["id"] for each in await webhooks.deliveries(made)}


async def test_whoever_fails_for_days_is_switched_off_and_can_be_switched_on(webhooks: Webhooks) -> None:
    made = await webhooks.create("/broken")
    webhooks.receiver.answers["/broken"] = 500
    await webhooks.happens()
    await webhooks.until(made, last_status=500)
    assert (await webhooks.shown(made))["active"]
    since = now() - PATIENCE
    await webhooks.sql("update webhooks set failing_since = $1 where id = $2", since, UUID(made["id"]))
    webhooks.receiver.answers["/broken"] = 502  # shows that the second answer is on record, and not only on its way
    await webhooks.time_passes(made)
    await webhooks.until(made, tries=2, state="waiting", last_status=502)
    shown = await webhooks.shown(made)
    assert (shown["active"], shown["disabled_reason"]) == (False, "failing")
    del webhooks.receiver.answers["/broken"]
    answer = await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": True})
    assert [answer.json()[name] for name in ("active", "disabled_reason", "failing_since")] == [True, "", None]
    await webhooks.happens()
    await webhooks.until(made, state="delivered")


async def test_a_redirect_is_not_followed(webhooks: Webhooks) -> None:
    made = await webhooks.create("/moved")
    webhooks.receiver.answers["/moved"] = web.Response(status=307, headers={"Location": "/elsewhere"})
    await webhooks.happens()
    delivery = await webhooks.until(made, last_status=307)
    assert delivery["state"] == "waiting"
    assert webhooks.receiver.told["/elsewhere"] == []
    del webhooks.receiver.answers["/moved"]


async def test_a_long_answer_is_not_read_and_a_late_one_not_waited_for(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = await webhooks.create("/long")
    webhooks.receiver.answers["/long"] = web.Response(body=b"x" * 4_000_000)
    await webhooks.happens()
    await webhooks.until(long, state="delivered", last_status=200)
    late = await webhooks.create("/too-late")
    webhooks.receiver.hold("/too-late")
    monkeypatch.setattr(outgoing, "SECONDS", 0.3)
    await webhooks.happens()
    await webhooks.until(late, last_error="timeout", last_status=None)
    webhooks.receiver.release("/too-late")


async def test_while_a_secret_is_changed_deliveries_are_signed_with_both(webhooks: Webhooks) -> None:
    made = await webhooks.create("/rotating")
    rotate = f"webhooks/{made['id']}/rotate"
    second = (await webhooks.ask("POST", rotate)).json()
    assert (await webhooks.shown(made))["old_secret_until"] == second["old_valid_until"]
    assert timedelta(hours=23) < datetime.fromisoformat(second["old_valid_until"]) - now() <= timedelta(hours=24)
    third = (await webhooks.ask("POST", rotate)).json()
    await webhooks.happens()
    [told] = await webhooks.receiver.wait_for("/rotating")
    assert [is_signed(each["secret"], told) for each in (made, second, third)] == [True, True, True]
    fourth = (await webhooks.ask("POST", rotate, json={"overlap_hours": 0})).json()
    await webhooks.happens()
    told = (await webhooks.receiver.wait_for("/rotating", 2))[1]
    assert [is_signed(each["secret"], told) for each in (made, second, third, fourth)] == [False, False, False, True]
    assert not is_signed(fourth["secret"], msgspec.structs.replace(told, body=told.body + b" "))


async def test_a_secret_stops_signing_when_its_time_is_over(webhooks: Webhooks) -> None:
    made = await webhooks.create("/expiring")
    new = (await webhooks.ask("POST", f"webhooks/{made['id']}/rotate")).json()
    await webhooks.sql("update webhook_secrets set expires_at = now() where expires_at is not null")
    await webhooks.happens()
    [told] = await webhooks.receiver.wait_for("/expiring")
    assert [is_signed(each["secret"], told) for each in (made, new)] == [False, True]


async def test_a_ping_shows_whether_it_arrives_and_is_tried_once(webhooks: Webhooks) -> None:
    made = await webhooks.create("/ping")
    queued = await webhooks.ask("POST", f"webhooks/{made['id']}/test")
    assert queued.status_code == 201
    [told] = await webhooks.receiver.wait_for("/ping")
    assert is_signed(made["secret"], told)
    delivery = await webhooks.until(made, state="delivered", type="ping")
    assert delivery["id"] == queued.json()["delivery_id"] == told.id
    assert told.json == {"type": "ping", "timestamp": delivery["created_at"], "data": {"webhook_id": made["id"]}}
    webhooks.receiver.answers["/ping"] = 500
    await webhooks.ask("POST", f"webhooks/{made['id']}/test")
    await webhooks.until(made, state="failed", last_status=500, tries=1)
    assert (await webhooks.shown(made))["failing_since"] is None


async def test_what_failed_or_arrived_can_be_sent_again(webhooks: Webhooks) -> None:
    made = await webhooks.create("/again")
    await webhooks.happens()
    first = await webhooks.until(made, state="delivered")
    again = f"webhooks/{made['id']}/deliveries/{first['id']}/retry"
    assert (await webhooks.ask("POST", again)).status_code == 200
    told = await webhooks.receiver.wait_for("/again", 2)
    assert told[0].id == told[1].id == first["id"]
    await webhooks.until(made, state="delivered", tries=2)
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": False})
    for path in (again, f"webhooks/{made['id']}/test"):
        refused = await webhooks.ask("POST", path)
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook.switched_off")


async def test_a_secret_that_cannot_be_opened_sends_nothing(webhooks: Webhooks) -> None:
    made, other = await webhooks.create("/sealed"), await webhooks.create("/other")
    await webhooks.sql(
        "update webhook_secrets set sealed = (select sealed from webhook_secrets where webhook_id = $2) where webhook_id = $1",
        UUID(made["id"]), UUID(other["id"]),
    )  # fmt: skip
    await webhooks.happens()
    await webhooks.until(made, last_error="secret_unreadable")
    await webhooks.until(other, state="delivered")
    assert webhooks.receiver.told["/sealed"] == []


async def test_what_is_a_month_old_goes_with_what_it_told(webhooks: Webhooks) -> None:
    made = await webhooks.create("/old")
    old, waiting, new = [await webhooks.happens() for _ in range(3)]
    await webhooks.receiver.wait_for("/old", 3)
    await webhooks.until(made, state="delivered")
    others = "delete from webhook_deliveries where event_id = $1 and webhook_id <> $2"
    await webhooks.sql(others, UUID(old), UUID(made["id"]))
    long_ago = now() - portions.KEPT_FOR - timedelta(minutes=1)
    events = [UUID(old), UUID(waiting)]
    await webhooks.sql("update webhook_entries set at = $1 where id = any($2)", long_ago, events)
    await webhooks.sql("update webhook_deliveries set created_at = $1 where event_id = any($2)", long_ago, events)
    in_a_day = now() + timedelta(days=1)
    await webhooks.sql("update webhook_deliveries set due_at = $1 where event_id = $2", in_a_day, UUID(waiting))
    async with webhooks.api.app.state.database.uow(SYSTEM) as db:
        await portions.forget(db)
    kept = await webhooks.sql("select id from webhook_entries where id = any($1)", [*events, UUID(new)])
    assert {str(row["id"]) for row in kept} == {waiting, new}
    assert {each["event_id"] for each in await webhooks.deliveries(made)} == {waiting, new}
    await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"active": False})
    async with webhooks.api.app.state.database.uow(SYSTEM) as db:
        await portions.forget(db)
    assert [each["event_id"] for each in await webhooks.deliveries(made)] == [new]


async def test_what_is_old_goes_in_portions_until_none_is_left(
    webhooks: Webhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await webhooks.create("/olden")
    happened = [UUID(await webhooks.happens()) for _ in range(5)]
    await webhooks.receiver.wait_for("/olden", 5)
    others = "delete from webhook_deliveries where event_id = any($1) and webhook_id <> $2"
    await webhooks.sql(others, happened, UUID(made["id"]))
    async with asyncio.timeout(30):
        while {each["state"] for each in await webhooks.deliveries(made)} != {"delivered"}:
            await asyncio.sleep(0.02)
    long_ago = now() - portions.KEPT_FOR - timedelta(minutes=1)
    await webhooks.sql("update webhook_entries set at = $1 where id = any($2)", long_ago, happened)
    await webhooks.sql("update webhook_deliveries set created_at = $1 where event_id = any($2)", long_ago, happened)
    monkeypatch.setattr(portions, "PORTION", 2)
    sender = Sender(Sealer("A" * 43), Outgoing(private=True))
    async with webhooks.api.app.state.database.uow(SYSTEM) as db:
        assert await portions.forget(db)
    assert await webhooks.sql("select 1 from webhook_deliveries where event_id = any($1)", happened)
    await sender._forget(webhooks.api.app.state.database)
    assert await webhooks.sql("select 1 from webhook_deliveries where event_id = any($1)", happened) == []
    assert await webhooks.sql("select 1 from webhook_entries where id = any($1)", happened) == []
