"""Webhooks over HTTP: who may, what is refused, what is told, and where a secret is not."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.clock import now, uuid7
from shared.contracts import EVENTS, TOLD
from shared.contracts.identity import ClientCreated
from shared.contracts.words.telling import LINES
from tests.activity.build import ACME, BIRCH, contact
from tests.notifications.webhooks.webhooks import Webhooks, manager

NEW = {"name": "ERP", "url": "https://erp.example/hook", "client_id": None}


async def test_a_secret_is_shown_when_it_is_made_and_never_again(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    made = await webhooks.create("/shown", client_id=str(ACME), types=["project_updated", "project_created"] * 2)
    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    shown = await webhooks.shown(made)
    assert shown | {"secret": made["secret"]} == made
    assert (shown["created_by"], shown.keys()) == ("Clara Hoffmann", made.keys() - {"secret"})
    assert (shown["client_name"], shown["types"]) == ("Acme GmbH", ["project_created", "project_updated"])
    assert (shown["active"], shown["disabled_reason"], shown["last_delivery_at"]) == (True, "", None)
    renewed = (await webhooks.ask("POST", f"webhooks/{made['id']}/rotate")).json()
    kept = await everything_kept(webhooks)
    for secret in (made["secret"], renewed["secret"]):
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        assert not any(form in kept for form in (secret, secret.removeprefix("whsec_"), raw.hex()))
    for path in ("webhooks", f"webhooks/{made['id']}", f"webhooks/{made['id']}/deliveries"):
        assert "whsec_" not in (await webhooks.ask("GET", path)).text


async def everything_kept(webhooks: Webhooks) -> str:
    """Every row of every table, as text."""
    tables = await webhooks.sql("select tablename from pg_tables where schemaname = 'notifications'")
    rows = [await webhooks.sql(f"select t::text from {table['tablename']} t") for table in tables]
    assert any("https://" in row[0] or "http://" in row[0] for each in rows for row in each)
    return "\n".join(row[0] for each in rows for row in each)


async def test_each_change_is_told(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    made = await webhooks.create("/told?key=hidden", client_id=str(ACME))
    path = f"webhooks/{made['id']}"
    clara = manager()
    await webhooks.ask("PATCH", path, json={"name": "Till", "types": ["project_created"]}, actor=clara)
    await webhooks.ask("PATCH", path, json={"name": "Till"}, actor=clara)  # changes nothing
    await webhooks.ask("POST", f"{path}/rotate", actor=clara)
    await webhooks.ask("PATCH", path, json={"active": False}, actor=clara)
    assert (await webhooks.ask("DELETE", path, actor=clara)).status_code == 204
    events = await webhooks.events(made)
    told = ["webhook_created", "webhook_updated", "webhook_rotated", "webhook_updated", "webhook_removed"]
    assert [event.type for event in events] == told
    assert {event.clientid for event in events} == {ACME}
    assert {event.actorid for event in events[1:]} == {clara.id}
    data = [msgspec.json.decode(event.data) for event in events]
    assert data[1] == {"host": "127.0.0.1", "types": ["project_created"], "fields": ["name", "types"], "active": True}
    assert (data[3]["fields"], data[3]["active"]) == (["active"], False)
    assert "hidden" not in str(events)
    assert "whsec" not in str(events)
    assert {EVENTS[each].audit for each in told} == {"security"}
    assert (await webhooks.ask("GET", path)).status_code == 404
    assert (await webhooks.ask("DELETE", path)).status_code == 404
    left = await webhooks.sql("select from webhook_secrets where webhook_id = $1", UUID(made["id"]))
    assert left == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"url": ""}, "url"),
    ({"url": "erp.example"}, "url"),
    ({"url": "ftp://erp.example/"}, "url"),
    ({"url": "https://clara:secret@erp.example/"}, "url"),
    ({"url": "https://erp.example/#x"}, "url"),
    ({"url": "https://erp.example/\n"}, "url"),
    ({"url": "https://" + "x" * 2000}, "url"),
    ({"types": ["everything"]}, "types"),
    ({"types": ["login"]}, "types"),
    ({"types": ["ping"]}, "types"),
    ({"types": "project_created"}, "types"),
    ({"client_id": "x"}, "client_id"),
    ({"active": True}, "active"),
    ({"secret": "whsec_AAAA"}, "secret"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
async def test_what_is_wrong_is_named(webhooks: Webhooks, wrong: dict[str, Any], field: str) -> None:
    answer = await webhooks.ask("POST", "webhooks", json=NEW | wrong)
    assert (answer.status_code, field in answer.text) == (422, True), answer.text


async def test_what_is_wrong_changes_nothing(webhooks: Webhooks) -> None:
    made = await webhooks.create("/unchanged")
    before = await webhooks.shown(made)
    for wrong in ({"url": "ftp://x.example"}, {"types": ["login"]}, {"client_id": str(ACME)}, {"name": None}):
        answer = await webhooks.ask("PATCH", f"webhooks/{made['id']}", json={"name": "Other"} | wrong)
        assert answer.status_code == 422, answer.text
    for hours in (-1, 169, "x"):
        answer = await webhooks.ask("POST", f"webhooks/{made['id']}/rotate", json={"overlap_hours": hours})
        assert answer.status_code == 422
    assert await webhooks.shown(made) == before


async def test_a_client_nobody_knows_is_none(webhooks: Webhooks) -> None:
    answer = await webhooks.ask("POST", "webhooks", json=NEW | {"client_id": str(uuid7())})
    assert answer.status_code == 404


async def test_only_staff_with_the_policy_get_near_them(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    made = await webhooks.create("/guarded", client_id=str(ACME))
    await webhooks.happens()
    delivery = await webhooks.until(made, state="delivered")
    requests = every_request(made["id"], delivery["id"])
    others = [
        contact(ACME, primary=True, proven_at=now()),
        contact(BIRCH, primary=True, proven_at=now()),
        manager(policies=frozenset({"manageClients", "managePeople", "manageProjects", "viewAudit"})),
        manager(assignments={uuid7(): ACME}),
        manager(kind="client", client_id=ACME, read_only=True),
        manager(kind="partner", policies=frozenset(), scopes=frozenset({"activity:read", "events:read", "audit:read"})),
        manager(kind="partner", client_id=ACME, policies=frozenset(), scopes=frozenset({"activity:read"})),
    ]
    for other in others:
        for method, path, body in requests:
            answer = await webhooks.ask(method, path, actor=other, json=body)
            assert answer.status_code == 403, (other.kind, method, path)
    assert (await webhooks.shown(made))["name"] == "ERP"


def every_request(webhook_id: str, delivery_id: str) -> list[tuple[str, str, Any]]:
    one = f"webhooks/{webhook_id}"
    return [
        ("GET", "webhooks", None),
        ("GET", "webhooks/types", None),
        ("POST", "webhooks", NEW),
        ("GET", one, None),
        ("PATCH", one, {"name": "Mine"}),
        ("POST", f"{one}/rotate", {}),
        ("POST", f"{one}/test", None),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/deliveries/{delivery_id}/retry", None),
        ("DELETE", one, None),
    ]


async def test_changes_need_a_fresh_proof(webhooks: Webhooks) -> None:
    made = await webhooks.create("/proof")
    stale = manager(proven_at=now() - timedelta(minutes=11))
    refused = {
        (method, path.replace(made["id"], ""))
        for method, path, body in every_request(made["id"], made["id"])
        if (await webhooks.ask(method, path, actor=stale, json=body)).json().get("code") == "auth.step_up_required"
    }
    assert refused == {
        ("POST", "webhooks"),
        ("PATCH", "webhooks/"),
        ("POST", "webhooks//rotate"),
        ("DELETE", "webhooks/"),
    }


async def test_what_does_not_exist_is_not_found(webhooks: Webhooks) -> None:
    made, other = await webhooks.create("/one"), await webhooks.create("/two")
    await webhooks.ask("POST", f"webhooks/{other['id']}/test")
    foreign = await webhooks.until(other, state="delivered")
    nowhere = [
        each for each in every_request(str(uuid7()), str(uuid7())) if each[1].count("/") and "types" not in each[1]
    ]
    assert len(nowhere) == 7
    for method, path, body in [*nowhere, ("POST", f"webhooks/{made['id']}/deliveries/{foreign['id']}/retry", None)]:
        assert (await webhooks.ask(method, path, json=body)).status_code == 404, path


async def test_pages_of_both_lists_are_whole(webhooks: Webhooks) -> None:
    await webhooks.know_clients()
    made = [await webhooks.create(f"/page/{number}", client_id=str(BIRCH)) for number in range(3)]
    for _ in range(3):
        await webhooks.ask("POST", f"webhooks/{made[0]['id']}/test")
    lists = {"webhooks": {"client_id": str(BIRCH)}, f"webhooks/{made[0]['id']}/deliveries": {}}
    for path, query in lists.items():
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {**query, "limit": "2", **({"cursor": cursor} if cursor else {})}
            page = (await webhooks.ask("GET", path, params=params)).json()
            seen += [each["id"] for each in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 3
        assert seen == sorted(seen, reverse=True)


async def test_the_list_is_sorted_by_what_it_shows(webhooks: Webhooks) -> None:
    """Those that nothing was sent to are at the end, whichever way it is sorted."""
    of = uuid7()
    await webhooks.publish(ClientCreated(name="Cedar"), of, client_id=of)
    await webhooks.settle()
    made = {
        name: await webhooks.create(f"/sorted/{number}", name=name, client_id=str(of))
        for number, name in enumerate(("B", "Ä", "c"))
    }
    for name in ("Ä", "c"):
        sent = (await webhooks.ask("POST", f"webhooks/{made[name]['id']}/test")).json()
        await webhooks.until(made[name], id=sent["delivery_id"], state="delivered")
    for sort, expected in (
        ("name", "ÄBc"),
        ("-name", "cBÄ"),
        ("last_delivery_at", "ÄcB"),
        ("-last_delivery_at", "cÄB"),
        ("client_name", "BÄc"),
        ("created_at", "BÄc"),
    ):
        names, asked = "", {"client_id": str(of), "sort": sort, "limit": "2"}
        while asked:
            page = (await webhooks.ask("GET", "webhooks", params=asked)).json()
            names += "".join(each["name"] for each in page["items"])
            asked = {**asked, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
        assert names == expected, sort


async def test_the_types_are_said_in_words(webhooks: Webhooks) -> None:
    items = (await webhooks.ask("GET", "webhooks/types")).json()["items"]
    assert {each["key"]: each["name"] for each in items} == {kind.type: LINES[kind.type].occasion for kind in TOLD}


async def test_types_of_events_are_named_in_the_language(webhooks: Webhooks) -> None:
    answer = await webhooks.ask("GET", "webhooks/types", headers={"Accept-Language": "de-AT, en;q=0.1"})
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept-Language")
    types = {each["key"]: each["name"] for each in answer.json()["items"]}
    assert types["milestone_completed"] == "Ein Meilenstein wurde abgeschlossen"


async def test_readiness_covers_sender_and_consumer(webhooks: Webhooks) -> None:
    await webhooks.settle()
    own = {"consumer notifications-webhooks": "ok", "webhooks": "ok", "inbox notifications-webhooks": "ok"}
    async with asyncio.timeout(30):
        while not (await webhooks.api(None, "GET", "/readyz")).json().items() >= own.items():
            await asyncio.sleep(0.1)


async def test_no_tenant_sees_a_row(webhooks: Webhooks) -> None:
    """The second lock alone: not even rows about itself, and no way to add any."""
    made = await webhooks.create("/locked")
    await webhooks.ask("POST", f"webhooks/{made['id']}/test")
    connection = await asyncpg.connect(webhooks.api.database_url)
    try:
        await connection.execute("select set_config('app.client_id', $1, false)", str(ACME))
        for table in ("webhooks", "webhook_secrets", "webhook_deliveries", "webhook_entries", "webhook_things"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"delete from {table}")
    finally:
        await connection.close()
