from collections.abc import AsyncGenerator, Generator

import aiohttp
import pytest

from ops.stack.backing import Backing
from services.activity.app import create_app
from services.activity.settings import ActivitySettings
from shared.testing.claims import Signer
from tests.activity.rig import Limits, Rig, empty_streams, publisher, served
from tests.activity.sse import Browser
from tests.conftest import Cluster, ServiceFactory


@pytest.fixture(scope="module")
async def rig(servers: Backing, cluster: Cluster, run_service: ServiceFactory) -> AsyncGenerator[Rig]:
    """The service on a fresh database, with an empty stream and somebody who publishes."""
    await empty_streams(servers)
    async with (
        publisher(servers, cluster) as source,
        run_service("activity", create_app, ActivitySettings, stream_heartbeat=0.5) as api,
    ):
        rig = Rig(api, source, cluster.admin_of(api.database_url))
        yield rig
        await rig.looks.close()


@pytest.fixture(scope="module")
async def browser(rig: Rig, signer: Signer) -> AsyncGenerator[Browser]:
    """Reads the live stream through a real server."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=10)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        served(rig.api.app) as url,
        aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
    ):
        yield Browser(url, signer, http)


@pytest.fixture
def limits(rig: Rig) -> Generator[Limits]:
    """Sets other limits of the service for one test."""
    chosen = Limits(rig.api.app.state)
    yield chosen
    chosen.restore()
