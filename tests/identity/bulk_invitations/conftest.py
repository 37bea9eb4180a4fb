"""Who presses the button, and contacts by the dozen."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from services.identity.policies.models import ADMIN_POLICIES
from shared.actor import Actor
from tests.identity.rig import ADMIN, Identity


class Office:
    """A member of staff who exists, at one running service."""

    def __init__(self, identity: Identity, clara: Actor) -> None:
        self.identity = identity
        self.clara = clara

    async def contact(self, client_id: str, **fields: Any) -> dict[str, Any]:
        body = {"first_name": "Sabine", "last_name": "Vogt", "email": f"{uuid4().hex}@acme.example", **fields}
        answer = await self.identity.api(ADMIN, "POST", f"clients/{client_id}/contacts", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def start(self, client_id: str | None, **more: Any) -> httpx2.Response:
        body = {"confirm": True, "client_id": client_id, **more}
        return await self.identity.api(self.clara, "POST", "invitations/bulk", json=body)

    async def preview(self, client_id: str | None) -> dict[str, Any]:
        params = {"client_id": client_id} if client_id else {}
        answer = await self.identity.api(self.clara, "GET", "invitations/bulk/preview", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def progress(self, bulk_id: str) -> dict[str, Any]:
        return (await self.identity.api(self.clara, "GET", f"invitations/bulk/{bulk_id}")).json()

    async def done(self, bulk_id: str) -> dict[str, Any]:
        """Wait until everybody was invited, or not."""
        async with asyncio.timeout(60):
            while not (found := await self.progress(bulk_id))["done"]:
                await asyncio.sleep(0.05)
        return found

    async def run(self, client_id: str | None) -> dict[str, Any]:
        """Press the button and wait."""
        answer = await self.start(client_id)
        assert answer.status_code == 202, answer.text
        return await self.done(answer.json()["id"])


async def open_office(identity: Identity) -> Office:
    person = await identity.person(first_name="Clara", last_name="Hoffmann", policies=list(ADMIN_POLICIES))
    return Office(identity, msgspec.structs.replace(ADMIN, id=UUID(person["id"]), name=person["name"]))


@pytest.fixture
async def office(identity: Identity) -> Office:
    return await open_office(identity)
