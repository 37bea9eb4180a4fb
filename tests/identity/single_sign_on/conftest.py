"""An organisation with its own provider, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.identity.rig import Identity
from tests.identity.single_sign_on.rig import Organisation, organisation


@pytest.fixture
async def acme(identity: Identity) -> AsyncIterator[Organisation]:
    async with organisation(identity) as made:
        yield made
