"""The tables are the queue: a process that ends half-way loses nobody and mails nobody twice."""

import asyncio

from ops.stack.backing import Backing
from services.identity.app import create_app
from services.identity.settings import IdentitySettings
from tests.conftest import Cluster, ServiceFactory
from tests.identity.bulk_invitations.conftest import open_office
from tests.identity.bulk_invitations.test_api import HOLD_UP, ON_WHOM
from tests.identity.rig import Identity

MANY = 40


async def test_half_way_the_process_ends_and_another_finishes(
    run_service: ServiceFactory, servers: Backing, cluster: Cluster
) -> None:
    async with run_service("identity", create_app, IdentitySettings) as api:
        identity = Identity(api, servers, cluster.admin_of(api.database_url))
        office = await open_office(identity)
        client_id = await identity.client()
        contacts = [await office.contact(client_id, last_name=name) for name in ("Vogt", "Held") * (MANY // 2)]
        for statement in (HOLD_UP, ON_WHOM):  # however fast the first one is, it does not finish
            await identity.execute(statement)
        bulk_id = (await office.start(None)).json()["id"]
        queued = "select 1 from bulk_invitation_items where mail_id is not null having count(*) >= 5"
        async with asyncio.timeout(60):
            while not await identity.execute(queued):
                await asyncio.sleep(0.002)
    await identity.execute("drop trigger hold_up on people")
    left = await identity.execute("select 1 from bulk_invitation_items where mail_id is null")
    await identity.close()
    assert len(left) >= MANY // 2

    # Two of them, so that they also get in each other's way.
    same = {"database_url": api.database_url}
    async with (
        run_service("identity", create_app, IdentitySettings, **same) as again,
        run_service("identity", create_app, IdentitySettings, **same),
    ):
        identity = Identity(again, servers, cluster.admin_of(api.database_url))
        office.identity = identity
        result = await office.done(bulk_id)
        assert (result["total"], result["sent"], result["failed"], result["skipped"]) == (MANY, MANY, 0, 0)
        assert [len(identity.mails_to(contact["email"])) for contact in contacts] == [1] * MANY
        told = "select 1 from outbox where subject = 'portal.identity.bulk_invitation.finished.v1'"
        assert len(await identity.execute(told)) == 1
        await identity.close()
