from collections.abc import AsyncGenerator

import pytest

from ops.stack.backing import Backing
from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster, ServiceFactory
from tests.notifications.rig import Cast, Rig


@pytest.fixture(scope="module")
async def rig(servers: Backing, cluster: Cluster, run_service: ServiceFactory) -> AsyncGenerator[Rig]:
    """The service on a fresh database, with an empty stream and somebody who publishes."""
    await empty_streams(servers)
    async with (
        publisher(servers, cluster) as source,
        run_service("notifications", create_app, NotificationsSettings) as api,
    ):
        yield Rig(api, source, cluster.admin_of(api.database_url))


@pytest.fixture
async def cast(rig: Rig) -> Cast:
    """A client of the test's own, with its people."""
    made = Cast()
    await made.enter(rig)
    return made
