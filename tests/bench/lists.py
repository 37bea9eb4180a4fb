"""Feed and project list against their floor, small and large: the cost of framework, claims and isolation, and of growth."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from ops.stack.backing import Backing, backing
from shared.actor import Actor
from shared.broker import connect, ensure_stream
from shared.clock import uuid7
from shared.migrations.runner import migrate
from shared.testing.claims import Signer
from tests.bench import load
from tests.bench.report import Row

ROOT = Path(__file__).parent.parent.parent
SMALL, LARGE = (10, 400), (5_000, 400)
"""Clients, and feed rows of each: 4,000 and 2,000,000."""
PROJECTS_EACH = 20
CONNECTIONS = 16
PASSWORD = "bench-only"

# Ids that sort as they were made, as real ones do.
_CLIENT = "('00000000-0000-7000-8000-' || lpad(to_hex(c), 12, '0'))::uuid"
_PROJECT = "('00000000-0000-7000-9000-' || lpad(to_hex(c * 100 + p), 12, '0'))::uuid"
_FILL = {
    "activity": [
        f"insert into known_clients (client_id, name, created_at, changed) select {_CLIENT}, 'Client ' || c, now(), 0 from generate_series(1, $1) c",
        f"""insert into feed (position, client_id, id, type, facts, actor_id, actor_name, project_id, target_type, target_id, at,
            private, team_only, tells) select (r - 1) * $1 + c, {_CLIENT}, gen_random_uuid(), 'milestone_completed',
            json_build_object('name', 'Step ' || r, 'project_name', 'Project ' || r % {PROJECTS_EACH}), gen_random_uuid(), 'Jonas Weber',
            ('00000000-0000-7000-9000-' || lpad(to_hex(c * 100 + r % {PROJECTS_EACH}), 12, '0'))::uuid, 'milestone',
            gen_random_uuid(), now() - make_interval(mins => 400 - r), false, false, '{{completion}}'
            from generate_series(1, $2) r, generate_series(1, $1) c order by r, c""",
    ],
    "projects": [
        f"insert into known_clients select {_CLIENT}, 'Client ' || c, true from generate_series(1, $1) c",
        f"""insert into projects (id, client_id, name, description, scope, status, starts_on, ends_on, team, private,
            hidden_fields, version, created_at, updated_at) select {_PROJECT}, {_CLIENT}, 'Project ' || p, 'What it is about', 'Scope', 'on_track',
            current_date - 30, current_date + 60, '[{{"name": "Jonas Weber", "role": "Lead"}}, {{"name": "Clara Hoffmann", "role": "Account"}}]',
            false, '{{}}', 1, now(), now() from generate_series(1, $1) c, generate_series(1, {PROJECTS_EACH}) p where $2 > 0""",
        f"""insert into milestones (id, client_id, project_id, name, description, phase, target_on, completed_on, private,
            project_private, version, created_at, updated_at) select gen_random_uuid(), {_CLIENT}, {_PROJECT}, 'Step ' || m, '', 'Build',
            current_date - 20 + 5 * m, case when m < 4 then current_date - 20 + 5 * m end, false, false, 1, now(), now()
            from generate_series(1, $1) c, generate_series(1, {PROJECTS_EACH}) p, generate_series(1, 8) m where $2 > 0""",
    ],
}


@dataclass(frozen=True)
class Case:
    """One list: the service's route and the floor's."""

    name: str
    service: str
    route: str
    floor: str


CASES = [
    Case("feed, 20 rows", "activity", "/api/client-portal/activity", "/feed"),
    Case("project list, 20 cards", "projects", "/api/client-portal/projects", "/projects"),
]


def measure() -> list[Row]:
    """Both lists at both sizes, each beside its floor."""
    rows: list[Row] = []
    with TemporaryDirectory() as folder, backing(Path(folder), servers=("postgres", "nats", "redis")) as servers:
        Path(folder).chmod(0o711)
        asyncio.run(_with_stream(servers.addresses.nats_url))
        signer = Signer(Path(folder))
        for case in CASES:
            small, large = (_measure(case, servers, signer, size) for size in (SMALL, LARGE))
            for size, (ours, floor) in ((SMALL, small), (LARGE, large)):
                label = f"{case.name}, {size[0]:,} clients"
                ratio = ours.per_second / floor.per_second
                rows.append(Row(label, ours.per_second, "/s", floor.per_second, "0.4 of the floor", ratio >= 0.4))
            growth = large[0].p99 / small[0].p99
            rows.append(Row(f"{case.name}, p50", large[0].p50, "ms", small[0].p50, "floor here: p50 at 10 clients"))
            rows.append(Row(f"{case.name}, p99", large[0].p99, "ms", small[0].p99, "1.2x of 10 clients", growth <= 1.2))
    return rows


def _measure(case: Case, servers: Backing, signer: Signer, size: tuple[int, int]) -> tuple[load.Load, load.Load]:
    url = asyncio.run(_filled(case.service, servers.addresses.database_admin_url, size))
    client = UUID(f"00000000-0000-7000-8000-{random.Random(7).randint(1, size[0]):012x}")
    actor = Actor(id=uuid7(), name="Anna", kind="client", client_id=client, is_primary_contact=True)
    at = servers.addresses
    told = {
        "PORTAL_DATABASE_URL": _runtime(url, case.service),
        "PORTAL_NATS_URL": at.nats_url,
        "PORTAL_REDIS_URL": at.redis_url,
        "PORTAL_JWKS": str(signer.jwks),
        "FLOOR_DATABASE_URL": url,
        "FLOOR_SCHEMA": case.service,
    }
    floor_command = [
        "-m",
        "uvicorn",
        "tests.bench.floor:app",
        "--no-access-log",
        "--log-level",
        "warning",
        "--lifespan",
        "on",
    ]
    with (
        _process(["-m", "ops.serve", case.service], told) as service,
        _process(floor_command, told, port_flag="--port") as floor,
    ):
        headers = {"Authorization": f"Bearer {signer.token(actor, case.service)}"}
        _wait(f"{service}/healthz")
        _wait(f"{floor}{case.floor}?{client}")
        ours = load.median_of(3, service + case.route, connections=CONNECTIONS, headers=headers)
        bare = load.median_of(3, f"{floor}{case.floor}?{client}", connections=CONNECTIONS)
    return ours, bare


async def _with_stream(nats_url: str) -> None:
    """The stream that identity makes, which does not run here: a service without it tries again twice a second."""
    client = await connect(nats_url, "bench")
    await ensure_stream(client.jetstream(), 1)
    await client.close()


async def _filled(service: str, admin_url: str, size: tuple[int, int]) -> str:
    """A database with the schema and the rows; its administrator's URL."""
    name = f"{service}_{size[0]}"
    url = make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    admin = await asyncpg.connect(make_url(admin_url).set(database="postgres").render_as_string(hide_password=False))
    await admin.execute(f'create database "{name}"')
    await admin.close()
    await migrate(url, service, PASSWORD)
    connection = await asyncpg.connect(url, server_settings={"search_path": service})
    for statement in _FILL[service]:
        uses = [size[0], size[1]] if "$2" in statement else [size[0]]
        await connection.execute(statement, *uses, timeout=300)
    await connection.execute("vacuum analyze", timeout=300)
    await connection.close()
    return url


def _runtime(url: str, service: str) -> str:
    return make_url(url).set(username=f"{service}_app", password=PASSWORD).render_as_string(hide_password=False)


@contextmanager
def _process(command: list[str], told: dict[str, str], port_flag: str = "") -> Iterator[str]:
    """A server of its own on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    arguments = [sys.executable, *command, *([port_flag, port] if port_flag else [])]
    process = subprocess.Popen(arguments, cwd=ROOT, env=os.environ | told | {"PORTAL_PORT": port})
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} does not answer")
