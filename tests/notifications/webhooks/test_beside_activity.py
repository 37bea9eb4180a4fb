"""Activity and notifications, fed by the same events: what is sent is what the feed shows, and changes are audited."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from services.activity.app import create_app
from services.activity.settings import ActivitySettings
from shared.actor import Actor
from shared.clock import now, uuid7
from shared.contracts import EVENTS
from shared.contracts.notifications import WebhookDisabled
from shared.contracts.projects import ProjectUpdated
from shared.events import Event, EventData
from tests.activity.build import ACME, milestone_completed, project_created
from tests.activity.rig import Rig as Activity
from tests.conftest import Cluster, ServiceFactory
from tests.notifications.rig import introduce, staff
from tests.notifications.webhooks.webhooks import Webhooks, manager


@pytest.fixture(scope="module")
async def activity(webhooks: Webhooks, cluster: Cluster, run_service: ServiceFactory) -> AsyncGenerator[Activity]:
    """The other service, which hears the same publisher and notifications itself."""
    async with run_service("activity", create_app, ActivitySettings) as api:
        made = Activity(api, webhooks.source, cluster.admin_of(api.database_url))
        yield made
        await made.looks.close()


async def read(activity: Activity, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await activity.api(manager(), "GET", path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_what_is_sent_is_the_entry_of_the_feed(webhooks: Webhooks, activity: Activity) -> None:
    await webhooks.create("/feed")
    project = uuid7()
    await webhooks.publish(project_created("Shop", private=True), project)
    changed = ProjectUpdated(name="Shop", status="on_track", version=2, fields=["name", "ends_on"], private=True)
    await webhooks.publish(changed, project)
    await webhooks.publish(milestone_completed(project, private=True))
    sent = await webhooks.receiver.wait_for("/feed", 3)
    await activity.settle()
    entries = {each["id"]: each for each in await read(activity, "activity")}
    assert len(entries) == 3
    for told in sent:
        entry = entries[told.json["data"]["id"]]
        assert told.json == {"type": entry["type"], "timestamp": entry["at"], "data": entry}


async def test_each_change_is_in_the_audit_log(webhooks: Webhooks, activity: Activity) -> None:
    await webhooks.know_clients()
    made = await webhooks.create("/audited", client_id=str(ACME))
    path = f"webhooks/{made['id']}"
    await webhooks.ask("PATCH", path, json={"name": "Till"})
    await webhooks.ask("POST", f"{path}/rotate")
    await webhooks.ask("DELETE", path)
    await webhooks.until_published()
    await activity.settle()
    records = await read(activity, "audit", client_id=str(ACME), security="true", limit=100)
    told = [each["type"] for each in records if each["subject"] == made["id"]]
    assert told == ["webhook_removed", "webhook_rotated", "webhook_updated", "webhook_created"]


async def test_what_activity_said_of_webhooks_is_understood_for_ever(webhooks: Webhooks, activity: Activity) -> None:
    """As it stands in the stream, and in the outbox, of an activity of the release before."""
    reader = staff("manageApiClients")
    await introduce(webhooks, [reader])
    await webhooks.settle()  # what follows takes no way through an outbox, and would overtake it
    ids = {kind.type: await publish_as_before(webhooks, kind) for kind in EVENTS.values() if kind.formerly}
    assert len(ids) == 5
    await webhooks.settle()
    await activity.settle()
    records = await read(activity, "audit", client_id=str(ACME), security="true", limit=100)
    assert {each["type"] for each in records if each["subject"] in ids.values()} == set(ids)
    assert [each["target"]["id"] for each in await notified(webhooks, reader)] == [ids[WebhookDisabled.type]]
    for service in (webhooks, activity):
        assert await service.sql("select reason from dead_letters") == []


async def publish_as_before(webhooks: Webhooks, kind: type[EventData]) -> str:
    """One event of this kind under its former subject; which webhook it is about."""
    known = {
        "host": "erp.example", "types": [], "fields": ["name"], "active": True, "reason": "gone", "old_valid_until": now(),
    }  # fmt: skip
    about = uuid7()
    fact = Event[EventData](
        id=uuid7(), source="/services/activity", type=kind.type, subject=about, time=now(), clientid=ACME,
        data=kind(**{name: value for name, value in known.items() if name in kind.__struct_fields__}),
    )  # fmt: skip
    jetstream = webhooks.source.client.jetstream()
    await jetstream.publish(f"portal.{kind.formerly}", msgspec.json.encode(fact))
    return str(about)


async def notified(webhooks: Webhooks, reader: Actor) -> list[dict[str, Any]]:
    return (await webhooks.get(reader))["items"]
