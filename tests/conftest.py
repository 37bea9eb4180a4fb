"""Real servers for the whole session, and a fresh database for each module that asks for one."""

import asyncio
import logging
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import asyncpg
import httpx2
import msgspec
import pytest
import uvloop
from litestar import Litestar
from sqlalchemy.engine import make_url

from ops.keys import as_text, new_claims_key, new_secrets_key
from ops.stack.backing import Backing
from shared.actor import Actor
from shared.broker import STREAM, connect, ensure_stream
from shared.clock import uuid7
from shared.config import ServiceSettings
from shared.events import RawEvent
from shared.migrations.runner import migrate, prepare
from shared.migrations.tables import (
    closed_delivery,
    dead_letter_table,
    delivery_tables,
    fill_in,
    sequence_columns,
    stream_table,
)
from shared.testing.claims import Signer
from tests.looks import Looks
from tests.order import (  # noqa: F401  (pytest finds its hooks here)
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_teardown,
)
from tests.portal_stack import QUICK, Portal, running_portal, seeded
from tests.servers import running_servers

PASSWORD = "test-only"
# Nothing here speaks TLS, and every HTTP client would read a bundle of 150 authorities first: 30 ms each.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = "/nonexistent"


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is told by Python's own means where pytest cannot parse the source around it: behind events nested a
    thousand deep Python 3.11 finds its stack too small for that, and the worker would end with all tests it still has.
    """
    try:
        return (yield)
    except Exception:  # noqa: BLE001  (whatever it is, one test has failed)
        style, item.config.option.tbstyle = item.config.option.tbstyle, "native"
        try:
            return pytest.TestReport.from_item_and_call(item, call)
        finally:
            item.config.option.tbstyle = style


def pytest_sessionstart() -> None:
    """The services' own loop (`ops.serve`), also where they run beside the tests. Benchmarks take what they need from
    here and keep their loops.
    """
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def pytest_unconfigure() -> None:
    """The servers are gone: what a connection left open says about that would push the verdict off the screen."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """PostgreSQL, NATS, Redis and the mail sink, real ones; PORTAL_TEST_STACK says whose (tests/servers.py)."""
    with running_servers(tmp_path_factory.mktemp("servers")) as running:
        with ThreadPoolExecutor(1) as aside:  # a loop of its own, whoever's runs here
            aside.submit(asyncio.run, keep_stream(running.addresses.nats_url)).result()
        yield running


async def keep_stream(nats_url: str) -> None:
    """What identity does at its start: no other service may make the stream."""
    client = await connect(nats_url, "keeper")
    await ensure_stream(client.jetstream(), 1)
    await client.close()


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """The stand-in for the gateway's key."""
    return Signer(tmp_path_factory.mktemp("keys"))


async def prepare_bare(admin_url: str, role: str, password: str) -> None:
    """Roles and schema as for a service, then the delivery tables, owned by the owner role."""
    await prepare(admin_url, role, password)
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"set role {role}_owner; set search_path = {role}")
        seen = ["create table seen (position bigint, number int)", "grant select, insert on seen to {app}"]
        tables = [*delivery_tables(), *dead_letter_table(), *stream_table(), *closed_delivery(), *sequence_columns()]
        for statement in [*tables, *seen]:
            await connection.execute(fill_in(statement, role))
    finally:
        await connection.close()


class Cluster:
    """Makes databases. One migrated template a service, cloned for each module, by its files: two thirds of the work of
    writing all of it to the log as well, where no write waits for the disk.
    """

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._templates: set[str] = set()

    async def create(self, service: str) -> str:
        """A fresh database with the service's schema; the URL of the service's runtime role."""
        template = f"template_{service}"
        if template not in self._templates:
            await self._run(f'drop database if exists "{template}" with (force)')
            await self._run(f'create database "{template}"')
            await migrate(self._url(template), service, PASSWORD)
            self._templates.add(template)
        name = f"{service}_{uuid7().hex}"
        await self._run(f'create database "{name}" template "{template}" strategy file_copy')
        runtime = make_url(self._url(name)).set(username=f"{service}_app", password=PASSWORD)
        return runtime.render_as_string(hide_password=False)

    async def create_bare(self, role: str) -> str:
        """A database with outbox, inbox and a table `seen` and no service: for tests of the kernel alone."""
        name = f"{role}_{uuid7().hex}"
        await self._run(f'create database "{name}"')
        await prepare_bare(self._url(name), role, PASSWORD)
        runtime = make_url(self._url(name)).set(username=f"{role}_app", password=PASSWORD)
        return runtime.render_as_string(hide_password=False)

    def admin_of(self, url: str) -> str:
        """The administrator's URL of the database that `url` names."""
        return self._url(make_url(url).database or "")

    def _url(self, database: str) -> str:
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def cluster(servers: Backing) -> Cluster:
    # The database every cluster is born with: the portal's own is not needed here.
    url = make_url(servers.addresses.database_admin_url).set(database="postgres")
    return Cluster(url.render_as_string(hide_password=False))


@pytest.fixture
async def streams(servers: Backing) -> None:
    """The stream there and empty: what an earlier test published is gone."""
    client = await connect(servers.addresses.nats_url, "tests")
    jetstream = client.jetstream()
    await ensure_stream(jetstream, 1)
    await jetstream.purge_stream(STREAM)
    await client.close()


class ServiceApi:
    """HTTP calls to one service in this process, as whom you like."""

    def __init__(self, service: str, app: Litestar, signer: Signer, database_url: str) -> None:
        self.service = service
        self.app = app
        self.database_url = database_url
        self._outbox = Looks(database_url, role=f"{service}_relay")
        self._signer = signer
        transport = httpx2.ASGITransport(app=app)
        nothing = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # cookies are for the tests' browsers to keep
        self._http = httpx2.AsyncClient(transport=transport, base_url="http://service", cookies=nothing)

    async def __call__(self, actor: Actor | None, method: str, path: str, **request: object) -> httpx2.Response:
        """Send a request; `path` begins behind /api/client-portal/, or is absolute."""
        url = path if path.startswith("/") else f"/api/client-portal/{path}"
        headers = dict(request.pop("headers", None) or {})  # type: ignore[call-overload]
        if actor:
            headers |= self._signer.headers(actor, self.service)
        return await self._http.request(method, url, headers=headers, **request)  # type: ignore[arg-type]

    async def published(self) -> list[RawEvent]:
        """Every event in the outbox, oldest first."""
        rows = await self._outbox.fetch("select event from outbox order by seq")
        return [msgspec.json.decode(row["event"], type=RawEvent) for row in rows]

    async def close(self) -> None:
        await self._outbox.close()


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """An application started and stopped by one task: the two halves of a fixture run in two, which its scopes refuse."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        try:
            async with app.lifespan():
                started.set()
                await ended.wait()
        finally:
            started.set()

    task = asyncio.create_task(hold())
    await started.wait()
    try:
        if not task.done():
            yield
    finally:
        ended.set()
        await task


ServiceFactory = Callable[..., AbstractAsyncContextManager[ServiceApi]]


@pytest.fixture(scope="session")
def run_service(servers: Backing, cluster: Cluster, signer: Signer) -> ServiceFactory:
    """Runs a service on a fresh database; a context manager giving its `ServiceApi`."""

    @asynccontextmanager
    async def run(
        service: str, create_app: Callable[..., Litestar], kind: type[ServiceSettings], **settings: object
    ) -> AsyncIterator[ServiceApi]:
        url = await cluster.create(service)
        known = {field: value for field, value in _addresses(servers).items() if field in kind.__struct_fields__}
        app = create_app(
            kind(**{"env": "embedded", "database_url": url, "jwks": str(signer.jwks), **known, **settings})
        )
        async with lifespan(app):
            api = ServiceApi(service, app, signer, url)
            yield api
            await api.close()

    return run


def _addresses(servers: Backing) -> dict[str, str]:
    at = servers.addresses
    own = {"token_key": as_text(new_claims_key()), "secrets_key": new_secrets_key(), "orders_key": new_secrets_key()}
    return {"nats_url": at.nats_url, "redis_url": at.redis_url, "smtp_url": at.smtp_url, **own}


NewPortal = Callable[..., AbstractContextManager[Portal]]


@pytest.fixture(scope="session")
def new_portal(tmp_path_factory: pytest.TempPathFactory) -> NewPortal:
    """`new_portal("hostile")` starts the whole portal with its demo data, for tests that others must not feel."""

    @contextmanager
    def start(name: str, **constants: float) -> Iterator[Portal]:
        data = tmp_path_factory.mktemp(name) / "data"
        if "PYTEST_XDIST_WORKER" in os.environ:  # else it is seldom started twice
            kept = seeded(tmp_path_factory.getbasetemp().parent / "seeded")
            subprocess.run(["cp", "-a", kept, data], check=True)
        with running_portal(data, constants, **QUICK) as running:
            yield running

    return start


@pytest.fixture(scope="session")
def portal(new_portal: NewPortal) -> Iterator[Portal]:
    """The whole portal with its demo data, shared by every test that only adds to it."""
    with new_portal("portal") as running:
        yield running


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
