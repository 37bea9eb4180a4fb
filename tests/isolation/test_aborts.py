"""T4 over HTTP: thousands of callers hang up in the middle, on a pool of three connections, and nobody sees a foreign row."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2
import pytest

from ops.stack.backing import Backing
from ops.stack.ports import free_port
from shared.actor import Actor
from shared.clock import uuid7
from shared.testing.claims import Signer
from tests.conftest import Cluster

ROOT = Path(__file__).parent.parent.parent
ABORTS = 5_000
CALLERS = 16
TENANTS = [uuid7() for _ in range(2)]


@pytest.fixture(scope="module")
async def projects(servers: Backing, cluster: Cluster, signer: Signer) -> AsyncIterator[tuple[int, str]]:
    """The projects service as a process of its own with three connections; its port and its database."""
    url = await cluster.create("projects")
    admin = await asyncpg.connect(cluster.admin_of(url), server_settings={"search_path": "projects"})
    for tenant in TENANTS:
        await admin.execute("insert into known_clients values ($1, $2, true)", tenant, f"of {tenant}")
        await admin.execute(
            """insert into projects (id, client_id, name, description, scope, status, team, private, hidden_fields,
               version, created_at, updated_at)
               select gen_random_uuid(), $1::uuid, 'of ' || ($1::uuid)::text, '', '', 'on_track', '[]', false, '{}', 1, now(), now()
               from generate_series(1, 5)""",
            tenant,
        )
    await admin.close()
    port = free_port()
    told = {
        "PORTAL_DATABASE_URL": url,
        "PORTAL_DATABASE_POOL": "3",
        "PORTAL_NATS_URL": servers.addresses.nats_url,
        "PORTAL_REDIS_URL": servers.addresses.redis_url,
        "PORTAL_JWKS": str(signer.jwks),
        "PORTAL_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.serve", "projects", cwd=ROOT, env=os.environ | told
    )
    async with httpx2.AsyncClient(timeout=30) as http, asyncio.timeout(120):
        while not await serves(http, port):
            await asyncio.sleep(0.1)
    yield port, cluster.admin_of(url)
    process.terminate()
    await process.wait()


async def serves(http: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
    except httpx2.TransportError:
        return False


class Person:
    """Somebody of a client, whose claims last a minute and are signed anew before that."""

    def __init__(self, signer: Signer, tenant: UUID) -> None:
        self._signer = signer
        self._actor = Actor(id=uuid7(), kind="client", client_id=tenant, is_primary_contact=True)
        self._headers, self._until = dict[str, str](), 0.0

    def headers(self) -> dict[str, str]:
        if time.monotonic() > self._until:
            self._headers, self._until = self._signer.headers(self._actor, "projects"), time.monotonic() + 30
        return self._headers

    def request(self) -> bytes:
        said = "".join(f"{name}: {value}\r\n" for name, value in self.headers().items())
        return f"GET /api/client-portal/projects HTTP/1.1\r\nHost: x\r\n{said}\r\n".encode()


async def hang_up(port: int, message: bytes, other: UUID, chance: random.Random) -> bool:
    """Ask, wait a moment, tear the connection down; whether anything of the other tenant had come by then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message)
    arrived = b""
    try:
        async with asyncio.timeout(chance.uniform(0, 0.012)):
            while part := await reader.read(65536):
                arrived += part
    except TimeoutError:
        pass
    writer.transport.abort()
    return str(other).encode() in arrived


async def test_nobody_who_hangs_up_leaves_a_tenant_behind(projects: tuple[int, str], signer: Signer) -> None:
    port, admin_url = projects
    people = {tenant: Person(signer, tenant) for tenant in TENANTS}

    async def caller(seed: int) -> int:
        chance, leaks = random.Random(seed), 0
        for _ in range(ABORTS // CALLERS + 1):
            tenant = chance.choice(TENANTS)
            other = next(each for each in TENANTS if each != tenant)
            leaks += await hang_up(port, people[tenant].request(), other, chance)
        return leaks

    assert sum(await asyncio.gather(*(caller(seed) for seed in range(CALLERS)))) == 0
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:

        async def ask(tenant: UUID) -> httpx2.Response:
            return await http.get("/api/client-portal/projects", headers=people[tenant].headers())

        async with asyncio.timeout(120):  # those who hung up come first
            while (await ask(TENANTS[0])).status_code == 503:
                await asyncio.sleep(0.1)
        for number in range(200):
            tenant = TENANTS[number % 2]
            answer = await ask(tenant)
            assert answer.status_code == 200, answer.text
            assert {each["client_id"] for each in answer.json()["items"]} == {str(tenant)}
    admin = await asyncpg.connect(admin_url)
    idle = """select pid, xact_start from pg_stat_activity where usename = 'projects_app'
              and datname = current_database() and state like 'idle in transaction%'"""
    looks: list[set[asyncpg.Record]] = []
    for _ in range(2):  # one that works is idle for a moment, and in another transaction the next time
        looks.append({*await admin.fetch(idle)})
        await asyncio.sleep(0.5)
    assert looks[0] & looks[1] == set()
    await admin.close()
