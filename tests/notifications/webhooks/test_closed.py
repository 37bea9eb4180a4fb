"""As it is installed: nothing inside the company's own network is told."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest

from ops.stack.backing import Backing
from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster, ServiceFactory
from tests.notifications.webhooks.receiver import Receiver
from tests.notifications.webhooks.webhooks import Webhooks


@pytest.fixture(scope="module")
async def closed(
    servers: Backing, cluster: Cluster, run_service: ServiceFactory, receiver: Receiver, at_our_pace: None
) -> AsyncGenerator[Webhooks]:
    """The service without a word about private addresses."""
    await empty_streams(servers)
    async with (
        publisher(servers, cluster) as source,
        run_service("notifications", create_app, NotificationsSettings) as api,
    ):
        made = Webhooks(api, source, cluster.admin_of(api.database_url), receiver)
        yield made
        await made.looks.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook", "https://[::1]/hook", "https://10.1.2.3/hook", "https://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/", "https://192.168.0.1:8443/", "http://erp.example/hook", "https://0x7f.1/\x00",
        "https://localhost/hook", "https://erp.localhost:8443/hook",
    ],
)  # fmt: skip
async def test_an_address_in_here_is_refused_when_it_is_entered(closed: Webhooks, url: str) -> None:
    answer = await closed.ask("POST", "webhooks", json={"name": "ERP", "url": url, "client_id": None})
    assert (answer.status_code, "url" in answer.text) == (422, True), answer.text


async def test_an_address_that_turns_out_to_be_in_here_is_told_nothing(closed: Webhooks) -> None:
    """Whoever entered a name of the internet's can have it lead in here later: what it is looked up to decides."""
    made = await closed.create("/inside", url="https://erp.example/inside")
    named = f"https://localhost:{closed.receiver.port}/inside"
    await closed.sql("update webhooks set url = $1 where id = $2", named, UUID(made["id"]))
    await closed.happens()
    delivery = await closed.until(made, last_error="refused_address")
    assert (delivery["last_status"], delivery["state"]) == (None, "waiting")
    # Nor one that was entered while it was allowed.
    plain = f"{closed.receiver.url}/inside"
    await closed.sql("update webhooks set url = $1 where id = $2", plain, UUID(made["id"]))
    await closed.time_passes(made)
    await closed.until(made, last_error="refused_address", tries=2)
    assert closed.receiver.told["/inside"] == []
