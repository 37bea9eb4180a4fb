"""Contacts as the tests make them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.identity.rig import ADMIN, Identity

Contact = dict[str, Any]
MakeContact = Callable[..., Awaitable[Contact]]


@pytest.fixture
def contact(identity: Identity) -> MakeContact:
    """Makes a contact of a client, with an address of their own where nothing else is said."""

    async def make(client_id: str, **fields: Any) -> Contact:
        body = {"first_name": "Sabine", "last_name": "Vogt", "email": f"{uuid4().hex}@acme.example", **fields}
        answer = await identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make
