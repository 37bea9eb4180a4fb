from collections.abc import AsyncGenerator

import pytest

from ops.stack.backing import Backing
from services.activity.app import create_app
from services.activity.settings import ActivitySettings
from tests.activity.rig import empty_streams, publisher
from tests.activity.webhooks.receiver import Receiver, receiving
from tests.activity.webhooks.webhooks import Webhooks
from tests.conftest import Cluster, ServiceFactory


@pytest.fixture(scope="module")
async def receiver() -> AsyncGenerator[Receiver]:
    """Partner systems that are told."""
    async with receiving() as running:
        yield running


@pytest.fixture(scope="module")
async def webhooks(
    servers: Backing, cluster: Cluster, run_service: ServiceFactory, receiver: Receiver
) -> AsyncGenerator[Webhooks]:
    """The service, which may send into this machine, somebody who publishes, and who is told."""
    await empty_streams(servers)
    async with (
        publisher(servers, cluster) as source,
        run_service("activity", create_app, ActivitySettings, private_webhooks=True) as api,
    ):
        yield Webhooks(api, source, cluster.admin_of(api.database_url), receiver)
