"""Webhooks of an installation in which they were activity's: all of them arrive, and each event is told once."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy.engine import make_url

from ops import moving
from ops.databases import plain_url
from ops.keys import new_secrets_key
from ops.migrate import migrate_all
from ops.moving import move_webhooks
from ops.stack.backing import Backing
from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from services.notifications.webhooks.signing import as_text
from shared.actor import Actor
from shared.broker import STREAM
from shared.clock import now, uuid7
from shared.idempotency import _Answer, _Once
from shared.migrations.runner import prepare
from shared.sealing import Sealer
from shared.testing.claims import Signer
from tests.activity.build import ACME, CLARA, project_created
from tests.activity.rig import Publisher, empty_streams, publisher
from tests.conftest import PASSWORD, Cluster, ServiceApi, lifespan
from tests.notifications.webhooks.receiver import Receiver, is_signed
from tests.notifications.webhooks.webhooks import Webhooks, manager
from tests.revisions import database_at, upgrade

SERVICES = {"activity": PASSWORD, "notifications": PASSWORD}
KEY, SECRET = new_secrets_key(), b"known to the partner since March"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = 1000
"""How far activity's positions were ahead of the stream: the broker had lost one before."""


class Before:
    """The database of a portal of the release before, with webhooks in it."""

    def __init__(self, url: str, admin: asyncpg.Connection) -> None:
        self.url = url
        self.admin = admin

    async def insert(self, table: str, **row: Any) -> None:
        names = ", ".join(row)
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await self.admin.execute(f"insert into activity.{table} ({names}) values ({places})", *row.values())

    async def webhook(self, url: str, client_id: UUID | None = None) -> UUID:
        """One with a secret, sealed as activity did."""
        made, secret = uuid7(), uuid7()
        await self.insert(
            "webhooks", id=made, client_id=client_id, name="ERP", url=url, types=[], active=True, disabled_reason="",
            created_by=CLARA.id, created_at=now(), updated_at=now(),
        )  # fmt: skip
        sealed = Sealer(KEY).seal(SECRET, made.bytes)
        await self.insert("webhook_secrets", id=secret, webhook_id=made, sealed=sealed, created_at=now())
        return made

    async def folded(self, event: UUID, project: UUID, position: int) -> None:
        """Activity has this event of a project in its feed."""
        await self.insert("inbox", consumer="activity", event_id=event)
        await self.insert(
            "feed", position=position, client_id=ACME, id=event, type="project_created", facts='{"name": "Shop"}',
            actor_id=CLARA.id, actor_name=CLARA.name, project_id=project, target_type="project", target_id=project,
            at=now(), private=False, team_only=False, tells=[],
        )  # fmt: skip

    async def delivery(self, webhook: UUID, event: UUID, position: int, **more: Any) -> UUID:
        made = uuid7()
        await self.insert(
            "webhook_deliveries", id=made, client_id=ACME, webhook_id=webhook, type="project_created", event_id=event,
            position=position, tries=1, last_error="", created_at=now(), **more,
        )  # fmt: skip
        return made

    async def place(self, sequence: int, stream: datetime) -> None:
        """How far activity's consumer is."""
        await self.insert(
            "inbox_positions", consumer="activity", position=sequence + AHEAD, ahead=AHEAD, stream_created=stream,
            stored_at=now(),
        )  # fmt: skip

    async def new_revisions(self) -> None:
        for service in SERVICES:
            await upgrade(self.url, service, "head")

    async def answered(self, actor: Actor, key: str, body: bytes, answer: dict[str, Any]) -> None:
        """Activity made a webhook for a POST with this `Idempotency-Key`."""
        once = _Once(key.encode(), actor, {"path": "/api/client-portal/webhooks", "query_string": b""}, body)  # type: ignore[arg-type]
        async with self.admin.transaction():
            await self.admin.execute("set local search_path = activity")
            assert await once.claim(self.admin) is None
            kept = _Answer(201, [(b"content-type", b"application/json")], msgspec.json.encode(answer))
            await once.keep(self.admin, kept)

    async def tables(self, schema: str) -> set[str]:
        rows = await self.admin.fetch("select tablename from pg_tables where schemaname = $1", schema)
        return {row["tablename"] for row in rows}

    async def left(self) -> int:
        """Rows of webhooks in activity."""
        tables = ("webhooks", "webhook_secrets", "webhook_deliveries")
        return sum([await self.admin.fetchval(f"select count(*) from activity.{each}") for each in tables])


@pytest.fixture
async def before(cluster: Cluster) -> AsyncGenerator[Before]:
    url = await database_at(cluster, "activity", "0017")
    await prepare(url, "notifications", PASSWORD)
    await upgrade(url, "notifications", "0002")
    admin = await asyncpg.connect(url)
    made = Before(url, admin)
    await made.insert("known_actors", id=CLARA.id, client_id=UUID(int=0), name="Clara Hoffmann")
    await made.insert("known_clients", client_id=ACME, name="Acme GmbH", created_at=now(), changed=1)
    yield made
    await admin.close()


@asynccontextmanager
async def afterwards(
    before: Before, servers: Backing, signer: Signer, source: Publisher, receiver: Receiver
) -> AsyncGenerator[Webhooks]:
    """Notifications of this release on that database."""
    runtime = make_url(before.url).set(username="notifications_app", password=PASSWORD)
    url = runtime.render_as_string(hide_password=False)
    at = servers.addresses
    app = create_app(
        NotificationsSettings(
            env="embedded", database_url=url, nats_url=at.nats_url, jwks=str(signer.jwks), secrets_key=KEY,
            private_webhooks=True,
        )
    )  # fmt: skip
    async with lifespan(app):
        api = ServiceApi("notifications", app, signer, url)
        made = Webhooks(api, source, before.url, receiver)
        yield made
        await made.looks.close()
        await api.close()


@asynccontextmanager
async def administrator(before: Before) -> AsyncGenerator[str]:
    """One who is no superuser, with what PostgreSQL gives who creates roles: the right to be one of them."""
    name = f"administrator_{uuid7().hex}"
    await before.admin.execute(
        f"create role {name} login createrole password '{PASSWORD}';"
        f" grant activity_owner, notifications_owner to {name};"
        f" grant activity_staff, notifications_staff to {name} with admin true, inherit false, set false"
    )
    yield make_url(before.url).set(username=name, password=PASSWORD).render_as_string(hide_password=False)
    await before.admin.execute(f"drop role {name}")


@pytest.mark.parametrize("stream_lost", [False, True])
async def test_they_arrive_with_everything_and_each_event_is_told_once(
    before: Before, servers: Backing, cluster: Cluster, signer: Signer, receiver: Receiver, stream_lost: bool
) -> None:
    """Also where the broker loses its stream meanwhile, and all of it is read again."""
    path = f"/moved/{stream_lost}"
    await empty_streams(servers)
    async with publisher(servers, cluster) as source:
        project = uuid7()
        happened = [await source.publish(project_created("Shop"), project) for _ in range(4)]
        earlier, told, waiting, next_one = happened  # the webhook was made after the first
        async with asyncio.timeout(30):
            while await source.published() < 0:
                await asyncio.sleep(0.02)
        stream = await source.client.jetstream().stream_info(STREAM)
        first = stream.state.last_seq - 3
        await before.place(first + 2, LONG_AGO if stream_lost else stream.created)
        webhook = await before.webhook(f"{receiver.url}{path}", ACME)
        for number, event in enumerate((earlier, told, waiting)):
            await before.folded(event, project, first + number + AHEAD)
        await before.delivery(webhook, told, first + 1 + AHEAD, delivered_at=now(), last_status=204)
        late = await before.delivery(webhook, waiting, first + 2 + AHEAD, due_at=now() - timedelta(minutes=1))
        await before.new_revisions()
        async with administrator(before) as url:
            await move_webhooks(plain_url(url))
        assert await before.left() == 0
        await migrate_all(before.url, SERVICES)  # as at each start
        async with afterwards(before, servers, signer, source, receiver) as webhooks:
            last = await webhooks.happens()
            heard = await receiver.wait_for(path, 3)
            await webhooks.settle()
            shown = await webhooks.shown({"id": str(webhook)})
            log = await all_delivered(webhooks, shown)
            ids = [row[0] for row in await webhooks.sql("select id from webhook_things")]
    assert {each.json["data"]["id"] for each in heard} == {str(waiting), str(next_one), last}
    assert len(heard) == 3
    assert all(is_signed(as_text(SECRET), each) for each in heard)
    [again] = [each for each in heard if each.json["data"]["id"] == str(waiting)]
    assert (again.id, again.json["data"]["seq"]) == (str(late), first + 2 + AHEAD)
    assert min(each.json["data"]["seq"] for each in heard if each is not again) > first + 2 + AHEAD
    assert again.json["data"]["title"] == "Clara Hoffmann started Shop"
    assert (shown["name"], shown["created_by"], shown["client_name"]) == ("ERP", "Clara Hoffmann", "Acme GmbH")
    assert [each["event_id"] for each in log] == [last, str(next_one), str(waiting), str(told)]
    assert project in ids


async def test_a_post_that_is_repeated_after_the_move_makes_nothing_and_has_its_first_answer(
    before: Before, servers: Backing, cluster: Cluster, signer: Signer, receiver: Receiver
) -> None:
    await empty_streams(servers)
    await before.place(0, LONG_AGO)
    caller, body = manager(), msgspec.json.encode({"name": "ERP", "url": f"{receiver.url}/repeated", "client_id": None})
    webhook = await before.webhook(f"{receiver.url}/repeated")
    await before.answered(caller, "import-7", body, {"id": str(webhook), "secret": as_text(SECRET)})
    await before.insert("idempotency_keys", id=b"yesterday's", request=b"", created_at=now() - timedelta(hours=25))
    await migrate_all(before.url, SERVICES)
    async with (
        publisher(servers, cluster) as source,
        afterwards(before, servers, signer, source, receiver) as webhooks,
    ):
        again = await webhooks.ask(
            "POST", "webhooks", actor=caller, content=body,
            headers={"Idempotency-Key": "import-7", "Content-Type": "application/json"},
        )  # fmt: skip
        made = [row["id"] for row in await webhooks.sql("select id from webhooks")]
        keys = await webhooks.sql("select id from idempotency_keys")
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, "true")
    assert again.json() == {"id": str(webhook), "secret": as_text(SECRET)}
    assert (made, len(keys)) == ([webhook], 1)


STAYS = {
    "outbox": "activity publishes it itself",
    "outbox_stream": "which stream that has reached",
    "dead_letters": "they are folded again where they lie",
    "alembic_version": "its own revisions",
}
"""What both have a table for, and whose rows are activity's own."""


async def test_everything_that_both_have_a_table_for_is_moved_or_stays_for_a_reason(before: Before) -> None:
    ours, theirs = await before.tables("notifications"), await before.tables("activity")
    await before.new_revisions()
    ours |= await before.tables("notifications")
    said = moving._PLACE + moving._TAKE
    of_webhooks = {table for table in ours | theirs if table.startswith("webhook")}
    moved = {table for table in theirs if re.search(rf"(from|join) activity\.{table}\b", said)}
    filled = {table for table in ours if f"insert into notifications.{table}" in said}
    assert ours & theirs - moved == STAYS.keys()
    assert of_webhooks & theirs <= moved
    assert of_webhooks & ours <= filled


async def all_delivered(webhooks: Webhooks, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """The log, once nothing in it waits: what arrived is noted a moment later."""
    async with asyncio.timeout(30):
        while True:
            log = await webhooks.deliveries(webhook)
            if all(each["state"] == "delivered" for each in log):
                return log
            await asyncio.sleep(0.02)


async def test_what_a_client_does_not_see_by_then_is_not_told_after_the_move(
    before: Before, servers: Backing, cluster: Cluster, signer: Signer, receiver: Receiver
) -> None:
    """Activity knew that the project was withdrawn; what waits for a webhook of the client still is not sent."""
    await empty_streams(servers)
    project, event = uuid7(), uuid7()
    await before.insert(
        "overview", client_id=ACME, id=project, publisher="projects", kind="project", title="Shop", status="on_track",
        project_id=project, made_on=now().date(), marks=[], private=True, hides=[], hidden_by="{}", deleted=False,
        version=2, at=now(),
    )  # fmt: skip
    await before.place(0, LONG_AGO)
    await before.folded(event, project, 7)
    bound, every = await before.webhook(f"{receiver.url}/kept", ACME), await before.webhook(f"{receiver.url}/all")
    for webhook in (bound, every):
        await before.delivery(webhook, event, 7, due_at=now())
    await migrate_all(before.url, SERVICES)
    async with (
        publisher(servers, cluster) as source,
        afterwards(before, servers, signer, source, receiver) as webhooks,
    ):
        await webhooks.until({"id": str(bound)}, state="failed", last_error="withdrawn")
        await webhooks.until({"id": str(every)}, state="delivered")
    assert receiver.told["/kept"] == []
    assert receiver.told["/all"][0].json["data"]["private"] is True


async def test_nobody_is_led_to_one_that_was_removed_before_the_move(before: Before) -> None:
    """Notifications of the release before did not hear that one is removed."""
    await before.place(7, LONG_AGO)
    kept, removed = await before.webhook("https://erp.example/"), uuid7()
    for position, (webhook, client) in enumerate(((kept, ACME), (removed, UUID(int=0)), (removed, UUID(int=0)))):
        await before.admin.execute(
            "insert into notifications.told (position, client_id, id, publisher, type, facts, actor_name, target_type,"
            " target_id, tells, at) values ($1, $2, $3, 'activity', 'webhook_disabled', '{}', '', 'webhook', $4, '{}', now())",
            position, client, uuid7(), webhook,
        )  # fmt: skip
    await before.new_revisions()
    async with administrator(before) as url:
        await move_webhooks(plain_url(url))
    rows = await before.admin.fetch("select client_id, id from notifications.things where deleted")
    assert [tuple(row) for row in rows] == [(UUID(int=0), removed)]


async def fold_as_before(connection: asyncpg.Connection, webhooks: bool) -> None:
    """Begin, as activity of the release before, to fold what comes next: with the webhooks it has, or up to there."""
    await connection.execute(
        "set role activity_relay; begin; update activity.inbox_positions set position = position + 1"
    )
    if webhooks:
        await queue_as_before(connection)


async def queue_as_before(connection: asyncpg.Connection) -> int:
    rows = await connection.fetch("select id from activity.webhooks where active for key share")
    for row in rows:
        await connection.execute(
            "insert into activity.webhook_deliveries (id, client_id, webhook_id, type, event_id, position, tries, due_at,"
            " last_error, created_at) values ($1, $2, $3, 'project_created', $4, 8, 0, now(), '', now())",
            uuid7(), ACME, row[0], uuid7(),
        )  # fmt: skip
    return len(rows)


@pytest.mark.parametrize("webhooks", [True, False])
async def test_an_activity_that_still_runs_queues_an_event_or_leaves_it_behind_the_place(
    before: Before, webhooks: bool
) -> None:
    await before.place(7, LONG_AGO)
    await before.webhook("https://erp.example/")
    await before.new_revisions()
    running = await asyncpg.connect(before.url)
    await fold_as_before(running, webhooks)
    moving = asyncio.create_task(move_webhooks(before.url))
    if webhooks:
        blocked = "select exists (select from pg_locks where not granted and relation = 'activity.webhooks'::regclass)"
        async with asyncio.timeout(30):
            while not await before.admin.fetchval(blocked):
                await asyncio.sleep(0.02)
        await running.execute("commit")
    await moving
    if not webhooks:
        assert await queue_as_before(running) == 0
        await running.execute("commit")
    await running.execute("reset role; set role activity_staff")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await running.execute("insert into activity.webhooks (id) values ($1)", uuid7())
    await running.close()
    place = "select position - ahead from notifications.inbox_positions where consumer = 'notifications-webhooks'"
    assert await before.admin.fetchval(place) == (8 if webhooks else 7)
    assert await before.admin.fetchval("select count(*) from notifications.webhook_deliveries") == int(webhooks)
    assert await before.left() == 0
