"""A process that dies with a delivery in its hand, and what its log says of it."""

import asyncio
import base64
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2

from ops.stack.backing import Backing
from shared.testing.claims import Signer
from tests.activity.build import project_created
from tests.activity.process import service
from tests.activity.rig import empty_streams, publisher
from tests.conftest import Cluster
from tests.notifications.process import serve_notifications
from tests.notifications.webhooks.receiver import Receiver, is_signed
from tests.notifications.webhooks.webhooks import manager


async def test_killed_between_the_post_and_the_mark_it_is_told_again_under_the_same_id(
    servers: Backing, cluster: Cluster, signer: Signer, receiver: Receiver, tmp_path: Path
) -> None:
    await empty_streams(servers)
    target = await cluster.create("notifications")
    told = {"private_webhooks": "true", "secrets_key": base64.urlsafe_b64encode(bytes(32)).decode()}
    async with (
        publisher(servers, cluster) as source,
        service(servers, signer, target, tmp_path, work=serve_notifications, **told) as running,
        httpx2.AsyncClient(headers=signer.headers(manager(), "notifications"), timeout=30) as http,
    ):
        api = f"{running.url}/api/client-portal/webhooks"
        body = {"name": "ERP", "url": f"{receiver.url}/killed?key=hidden", "client_id": None}
        made = (await http.post(api, json=body)).json()
        receiver.hold("/killed")
        await source.publish(project_created())
        [first] = await receiver.wait_for("/killed")
        running.kill()
        receiver.release("/killed")
        connection = await asyncpg.connect(cluster.admin_of(target), server_settings={"search_path": "notifications"})
        left = await connection.fetchrow(
            "select id, tries, due_at > now() as leased, delivered_at from webhook_deliveries"
        )
        assert tuple(left or ()) == (UUID(first.id), 1, True, None)
        receiver.answers["/killed"] = 500
        await running.begin()
        await connection.execute("update webhook_deliveries set due_at = now()")  # the lease is over
        again = (await receiver.wait_for("/killed", 2))[1]
        assert (again.id, again.body) == (first.id, first.body)
        assert all(is_signed(made["secret"], each) for each in (first, again))
        async with asyncio.timeout(30):
            while await connection.fetchval("select last_status from webhook_deliveries") != 500:
                await asyncio.sleep(0.02)
        await connection.close()
        log = running.log
    assert "webhooks.not_delivered" in log
    secret = made["secret"].removeprefix("whsec_")
    assert not any(each in log for each in (secret, base64.b64decode(secret).hex(), "hidden", "signature"))
