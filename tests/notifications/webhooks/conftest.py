from collections.abc import AsyncGenerator, Generator
from datetime import timedelta

import pytest

from ops.stack.backing import Backing
from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from services.notifications.webhooks import models, sender
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster, ServiceFactory
from tests.notifications.webhooks.receiver import Receiver, receiving
from tests.notifications.webhooks.webhooks import Webhooks


@pytest.fixture(scope="module")
async def receiver() -> AsyncGenerator[Receiver]:
    """Partner systems that are told."""
    async with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def at_our_pace() -> Generator[None]:
    """What is due is found soon, and tried again when a test says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "POLL_SECONDS", 0.05)
        patch.setattr(models, "WAITS", [timedelta(hours=1)] * len(models.WAITS))
        yield


@pytest.fixture(scope="module")
async def webhooks(
    servers: Backing, cluster: Cluster, run_service: ServiceFactory, receiver: Receiver, at_our_pace: None
) -> AsyncGenerator[Webhooks]:
    """The service, which may send into this machine, somebody who publishes, and who is told."""
    await empty_streams(servers)
    async with (
        publisher(servers, cluster) as source,
        run_service("notifications", create_app, NotificationsSettings, private_webhooks=True) as api,
    ):
        made = Webhooks(api, source, cluster.admin_of(api.database_url), receiver)
        yield made
        await made.looks.close()
