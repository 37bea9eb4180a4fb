"""The way of an event: from its commit to open streams, and how much the relay and the fold carry.

1,000 streams and 5,000, five at each of the clients, 200 commits a second at random moments (Poisson) to random clients:
what a portal is, many small tenants and not one that everybody watches. Every disk is asked to keep what it acknowledges.
"""

import asyncio
import contextlib
import hashlib
import multiprocessing
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec
from redis import Redis

from gateway.claims import ClaimsSigner
from gateway.seals import Seal
from ops.stack.backing import Backing, backing
from shared import outbox
from shared.actor import SYSTEM, Actor
from shared.broker import connect
from shared.clock import now, uuid7
from shared.database import Database
from shared.relay import Relay
from shared.testing.claims import Signer
from tests.bench.delivery import databases, fact, throughput
from tests.bench.gateway import UPSTREAMS
from tests.bench.report import Row
from tests.conftest import keep_stream

ROOT = Path(__file__).parent.parent.parent
STREAMS_EACH, RATE = 5, 200
SIZES = ((200, 25), (1_000, 50))
"""Clients, and within how many milliseconds 99 of 100 events have to arrive."""
OPENING = 16
"""Clients whose streams are opened at a time."""
SECONDS, WARM_SECONDS = 20, 3

Times = dict[UUID, float]
"""Event to the moment of its commit, on the clock all processes share."""


def measure() -> list[Row]:
    """Commit to receipt, directly and through the gateway; then relay and fold beside their floors."""
    with (
        TemporaryDirectory() as name,
        backing(Path(name), durable=True, servers=("postgres", "nats", "redis")) as servers,
    ):
        Path(name).chmod(0o711)
        signer = Signer(Path(name))
        rows = [
            row
            for clients, budget in SIZES
            for through_gateway in (False, True)
            for row in _latency(servers, signer, clients, budget, through_gateway=through_gateway)
        ]
        return rows + asyncio.run(throughput(servers))


def _latency(servers: Backing, signer: Signer, count: int, budget: float, *, through_gateway: bool) -> list[Row]:
    """Streams opened by one process, commits made by another, the service (and the gateway) in processes of their own."""
    asyncio.run(keep_stream(servers.addresses.nats_url))
    source, target = asyncio.run(databases(servers))
    clients = [uuid7() for _ in range(count)]
    with _activity(servers, signer, target) as activity, contextlib.ExitStack() as stack:
        if through_gateway:
            address = stack.enter_context(_gateway(servers, signer, activity))
            cookies = _sign_in(servers.addresses.redis_url, signer, clients)
            heads = {
                client: f"Cookie: portal_session={cookies[client]}\r\nX-Forwarded-For: 10.0.{place >> 8}.{place & 255}"
                for place, client in enumerate(clients)
            }
        else:
            address = activity
            heads = {
                client: f"Authorization: Bearer {signer.token(_watcher(client), 'activity')}" for client in clients
            }
        committed, received = _run(source, servers.addresses.nats_url, address, clients, heads)
    lags = sorted((at - committed[event]) * 1000 for event, at in received if event in committed)[:]
    expected = len(committed) * STREAMS_EACH
    if len(lags) != expected:
        raise RuntimeError(f"{len(lags)} receipts of {expected}")
    where = "through the gateway" if through_gateway else "at the service"
    name = f"commit to receipt {where}, {count * STREAMS_EACH:,} streams, {RATE}/s"
    p50, p99 = statistics.median(lags), lags[int(len(lags) * 0.99)]
    return [Row(f"{name}, p50", p50, "ms"), Row(f"{name}, p99", p99, "ms", None, f"{budget} ms", p99 < budget)]


def _run(
    database_url: str, nats_url: str, address: str, clients: list[UUID], heads: Mapping[UUID, str]
) -> tuple[Times, list[tuple[UUID, float]]]:
    """Open every stream, then commit for a while; what was committed when, and what arrived when."""
    processes = multiprocessing.get_context("forkserver")
    opened, finished = processes.Event(), processes.Event()
    receipts, commits = processes.Queue(), processes.Queue()
    reader = processes.Process(target=_read, args=(address, heads, opened, finished, receipts), daemon=True)
    writer = processes.Process(target=_write, args=(database_url, nats_url, clients, commits), daemon=True)
    reader.start()
    if not opened.wait(120):
        raise RuntimeError("the streams did not open")
    writer.start()
    committed: Times = commits.get(timeout=SECONDS + 60)
    time.sleep(3)
    finished.set()
    received: list[tuple[UUID, float]] = receipts.get(timeout=60)
    writer.join(10)
    reader.join(10)
    return committed, received


class _Ear(asyncio.Protocol):
    """Notes when bytes arrive and reads them afterwards, so that the reader is not what is measured."""

    def __init__(self, request: bytes, heard: list[tuple[float, bytes]]) -> None:
        self._request = request
        self._heard = heard
        self.opened = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard.append((time.monotonic(), data))
        if b"\nid: " in data or b"retry: " in data:
            self.opened.set()


def _read(address: str, heads: Mapping[UUID, str], opened: object, finished: object, receipts: object) -> None:
    heard: list[tuple[float, bytes]] = []

    async def work() -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        loop, places = asyncio.get_running_loop(), asyncio.Semaphore(OPENING)

        async def listen(client: UUID, head: str) -> None:
            request = f"GET /api/events/{client} HTTP/1.1\r\nHost: {host}:{port}\r\n{head}\r\n\r\n".encode()
            async with places:
                ears = [
                    (await loop.create_connection(lambda: _Ear(request, heard), host, int(port)))[1]
                    for _ in range(STREAMS_EACH)
                ]
                await asyncio.gather(*(ear.opened.wait() for ear in ears))

        await asyncio.gather(*(listen(client, head) for client, head in heads.items()))
        opened.set()  # type: ignore[attr-defined]
        await asyncio.to_thread(finished.wait)  # type: ignore[attr-defined]

    asyncio.run(work())
    receipts.put([each for at, data in heard for each in _events(at, data)])  # type: ignore[attr-defined]


def _events(at: float, data: bytes) -> Iterator[tuple[UUID, float]]:
    """The entries in what arrived at once; a service writes each event whole."""
    for line in data.split(b"\n"):
        if line.startswith(b'data: {"id":"'):
            yield UUID(line[13:49].decode()), at


def _write(database_url: str, nats_url: str, clients: list[UUID], commits: object) -> None:
    times: Times = {}
    rng = random.Random(200)
    gate = asyncio.Semaphore(6)  # the pool's size: who waits longer for it than two seconds is refused

    async def commit(database: Database, client: UUID) -> None:
        async with gate, database.uow(SYSTEM) as db:
            event = await outbox.append(db, SYSTEM, fact(rng), client_id=client, aggregate_id=uuid7())
        times[event] = time.monotonic()

    async def work() -> None:
        database = Database(database_url)
        await database.start()
        broker = await connect(nats_url, "bench")
        relay = asyncio.create_task(Relay("source", database, broker).run())
        begun = due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while due < begun + SECONDS + WARM_SECONDS:
                due += rng.expovariate(RATE)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(commit(database, rng.choice(clients)))
        await asyncio.sleep(2)
        relay.cancel()
        commits.put({event: at for event, at in times.items() if at > begun + WARM_SECONDS})  # type: ignore[attr-defined]

    asyncio.run(work())


def _watcher(client: UUID) -> Actor:
    return Actor(
        id=uuid7(), name="Anna Keller", kind="client", client_id=client, session_id=uuid7(), is_primary_contact=True
    )


def _sign_in(redis_url: str, signer: Signer, clients: list[UUID]) -> dict[UUID, str]:
    """A session a client where the gateway looks for it first; its cookie's value."""
    cookies: dict[UUID, str] = {}
    seal = Seal(ClaimsSigner(_key(signer)).secret("sessions"))
    with Redis.from_url(redis_url) as redis:
        for client in clients:
            cookies[client] = secrets.token_urlsafe(32)
            person = _watcher(client)
            session = {
                "session_id": person.session_id, "person_id": person.id, "name": person.name, "kind": "client",
                "client_id": client, "version": 1, "policies": [], "project_roles": {}, "is_primary_contact": True,
                "expires_at": now() + timedelta(hours=1), "proven_at": now(),
            }  # fmt: skip
            digest = hashlib.sha256(cookies[client].encode()).hexdigest()
            redis.set(f"session:{digest}", seal.close(digest, msgspec.json.encode(session), 300), ex=300)
    return cookies


@contextlib.contextmanager
def _activity(servers: Backing, signer: Signer, database_url: str) -> Generator[str]:
    told = {
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_NATS_URL": servers.addresses.nats_url,
        "PORTAL_REDIS_URL": servers.addresses.redis_url,
        "PORTAL_JWKS": str(signer.jwks),
    }
    with _process("activity", told) as address:
        yield address


@contextlib.contextmanager
def _gateway(servers: Backing, signer: Signer, activity: str) -> Generator[str]:
    """The gateway in front of activity alone: no other service is asked in this run. Readers are at home in as many
    networks as there are clients, so they come through a proxy.
    """
    told = {f"PORTAL_UPSTREAM_{name}": activity for name in UPSTREAMS}
    told |= {
        "PORTAL_CLAIMS_KEY": _key(signer),
        "PORTAL_REDIS_URL": servers.addresses.redis_url,
        "PORTAL_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with _process("gateway", told) as address:
        yield address


def _key(signer: Signer) -> str:
    return msgspec.json.encode(signer.key.as_dict(private=True)).decode()


@contextlib.contextmanager
def _process(service: str, told: Mapping[str, str]) -> Generator[str]:
    """A service on a free port, ready; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.serve", service],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env=os.environ | dict(told) | {"PORTAL_PORT": str(port), "PORTAL_PUBLIC_URL": f"http://127.0.0.1:{port}"},
    )
    try:
        _wait(f"http://127.0.0.1:{port}/{'healthz' if service == 'gateway' else 'readyz'}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


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
