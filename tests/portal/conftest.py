"""The portal over the stand-in services, called as the gateway would call it."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from litestar import Litestar
from playwright.async_api import Browser, async_playwright, expect

from gateway.cookies import Cookies
from ops.keys import new_secrets_key
from services.portal import branding
from services.portal.app import create_app
from services.portal.forms import OPENED_BY
from services.portal.look import whose
from services.portal.services import UPSTREAMS
from services.portal.settings import PortalSettings
from shared.actor import Actor
from shared.testing.claims import Signer
from tests.e2e.conftest import FLAGS, IGNORED
from tests.portal.documents import document
from tests.portal.office import Office
from tests.portal.patience import LATE, LONG, Patience
from tests.portal.people import AUDIENCE, NOBODY

Browse = Callable[..., httpx2.AsyncClient]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
async def server() -> AsyncGenerator[Office]:
    for service in UPSTREAMS:
        document(service)  # takes its time, which no page waits for
    standin = Office()
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
def standin(server: Office) -> Iterator[Office]:
    """The services behind the portal, well again. What they answer, the services themselves would."""
    server.reset()
    yield server
    assert server.strange == []


@pytest.fixture(scope="session")
def patience() -> Iterator[Patience]:
    """Pages wait for each widget, however busy the machine is."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Patience(monkeypatch)


@pytest.fixture
def hurried(patience: Patience, standin: Office) -> Iterator[None]:
    """Pages leave a widget out that takes `LATE` seconds, as they do for people after a moment."""
    patience.wait(LATE / 2)
    yield
    patience.wait(LONG)


@pytest.fixture(scope="session")
async def web(
    server: Office, signer: Signer, patience: Patience, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Litestar]:
    """The portal's application, running."""
    settings = PortalSettings(
        env="embedded",
        jwks=str(signer.jwks),
        upstreams=dict.fromkeys(UPSTREAMS, server.url),
        company_name="Northwind Studio",
        mailbox_dir=str(tmp_path_factory.mktemp("mails")),
        secrets_key=new_secrets_key(),
        mailbox_token="a-token-of-the-mailbox",
    )
    branding.SECONDS = 3600.0  # asked when it starts and when it is published, not between the calls of a test
    app = create_app(settings)
    running, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # One task for both ends: the framework's task group must be left by the task that entered it.
        async with app.lifespan():
            running.set()
            await over.wait()

    task = asyncio.create_task(live())
    await running.wait()
    yield app
    over.set()
    await task


async def through_the_gateway(answer: httpx2.Response) -> None:
    """Each cookie comes back: the gateway passes its name on, and over https a browser takes it."""
    for line in answer.headers.get_list("set-cookie"):
        sent = line.partition(";")[0].encode()
        assert Cookies("http://portal.test").split(sent) != (None, b""), line
        assert "; Path=/;" in f"{line};".replace("path=", "Path="), line


class Tab(httpx2.AsyncClient):
    """A browser that sends forms as the portal's pages have them: each names for whom it was opened."""

    opened_by = ""

    async def post(self, url: Any, **sent: Any) -> httpx2.Response:
        if self.opened_by and sent.get("content") is None:
            sent["data"] = {OPENED_BY: self.opened_by} | (sent.get("data") or {})
        return await super().post(url, **sent)


@pytest.fixture
async def browse(web: Litestar, standin: Office, signer: Signer) -> AsyncGenerator[Browse]:
    """`browse(ANNA)` is a browser of that person, behind the gateway; without a person nobody is signed in."""
    opened: list[Tab] = []

    def client(actor: Actor = NOBODY) -> httpx2.AsyncClient:
        transport: Any = httpx2.ASGITransport(app=web)
        headers = signer.headers(actor, *AUDIENCE)
        hooks: Any = {"response": [through_the_gateway]}
        opened.append(Tab(transport=transport, base_url="http://portal.test", headers=headers, event_hooks=hooks))
        opened[-1].opened_by = whose(actor)
        return opened[-1]

    yield client
    for http in opened:
        await http.aclose()


@pytest.fixture
def back(browse: Browse) -> Browse:
    """`back(browser, CLARA)` is the same browser with somebody else signed in."""

    def signed_in(browser: httpx2.AsyncClient, actor: Actor) -> httpx2.AsyncClient:
        again = browse(actor)
        again.cookies = browser.cookies
        return again

    return signed_in


@pytest.fixture(scope="module")
async def chromium() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        path = os.environ.get("PORTAL_CHROMIUM", "/usr/bin/chromium")
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS, ignore_default_args=IGNORED)
        yield browser
        await browser.close()
