"""Clients become known by identity's events, through the real broker."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from ops.stack.backing import Backing
from shared.broker import connect
from shared.clock import now, uuid7
from shared.contracts.identity import ClientCreated, ClientUpdated
from shared.events import Event, EventData
from tests.projects.build import STAFF, Desk, refused

pytestmark = pytest.mark.usefixtures("streams")


async def publish(servers: Backing, client_id: UUID, *facts: EventData) -> None:
    """As identity's relay would."""
    client = await connect(servers.addresses.nats_url, "identity")
    for fact in facts:
        event = Event[EventData](
            id=uuid7(), source="/services/identity", type=fact.type, subject=client_id, time=now(), data=fact
        )
        body = msgspec.json.encode(event)
        headers = {"Nats-Msg-Id": str(event.id)}
        await client.jetstream().publish(f"portal.{fact.subject}", body, headers=headers)
    await client.close()


async def until_known(desk: Desk, client_id: UUID, name: str) -> None:
    """A project can be started for this client, and shows it by this name."""
    async with asyncio.timeout(60):
        while True:
            answer = await desk(STAFF, "POST", "projects", json={"client_id": str(client_id), "name": "Shop"})
            if answer.status_code == 201 and answer.json()["client_name"] == name:
                return
            await asyncio.sleep(0.05)


async def test_a_client_is_known_as_identity_last_described_it(desk: Desk, servers: Backing) -> None:
    client_id, new = uuid7(), {"client_id": "", "name": "Shop"}
    new["client_id"] = str(client_id)
    refused(await desk(STAFF, "POST", "projects", json=new), 404, "not_found")
    await publish(servers, client_id, ClientCreated(name="Acme GmbH"))
    await until_known(desk, client_id, "Acme GmbH")
    await publish(servers, client_id, ClientUpdated(name="Acme AG", active=True, portal_enabled=False))
    await until_known(desk, client_id, "Acme AG")
    await publish(servers, client_id, ClientUpdated(name="Acme AG", active=False, portal_enabled=True))
    async with asyncio.timeout(60):
        while (answer := await desk(STAFF, "POST", "projects", json=new)).status_code == 201:
            await asyncio.sleep(0.05)
    refused(answer, 409, "project.client_inactive")
