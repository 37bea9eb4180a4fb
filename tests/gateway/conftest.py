"""One real Redis and one gateway for the tests that do not need their own."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from ops.stack.backing import Backing, backing
from tests.gateway.rig import ENDING, Rig


@pytest.fixture(scope="module", autouse=True)
def nobody_stays() -> Iterator[None]:
    """Whoever was told to end has ended."""
    yield
    while ENDING:
        ENDING.pop().stop()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    with backing(tmp_path_factory.mktemp("redis"), servers=("redis",)) as running:
        yield running


@pytest.fixture(scope="module")
def rig(redis: Backing) -> Iterator[Rig]:
    rig = Rig(redis.addresses.redis_url)
    yield rig
    rig.end()


@pytest.fixture(scope="module")
async def http(rig: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=rig.server.url, timeout=30) as client:
        yield client
