"""Many tabs of one browser: one event stream for all of them, over HTTP/1.1 (decision 0108)."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import uvicorn
from litestar import Litestar
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, Page, expect

from shared.testing.claims import Signer
from tests.portal.people import ANNA, AUDIENCE, CLARA, MIA
from tests.portal.standin import Standin, entry, uid

TABS = 8
"""Two more than the connections that a browser opens to a host."""


@dataclass
class Streams:
    """Answers `/api/events/...` on the portal's own port, as a gateway does, and knows which streams are open."""

    web: Litestar
    open: list[asyncio.Queue[bytes]] = field(default_factory=list[Any])
    most: int = 0
    opened: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get("path", "").startswith("/api/events/"):
            await self.web(scope, receive, send)
            return
        said: asyncio.Queue[bytes] = asyncio.Queue()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"retry: 100\n\n", "more_body": True})
        self.open.append(said)
        self.opened += 1
        self.most = max(self.most, len(self.open))
        leaving = asyncio.create_task(self._talk(said, send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            leaving.cancel()
            self.open.remove(said)

    async def _talk(self, said: asyncio.Queue[bytes], send: Send) -> None:
        while True:
            await send({"type": "http.response.body", "body": await said.get(), "more_body": True})

    def tell(self, title: str, *, to: asyncio.Queue[bytes] | None = None) -> None:
        """What a reader sees as a toast in each of their tabs."""
        data = entry(0, "milestone_completed", title, "2026-01-01T00:00:00Z", text="Harbour")
        text = f"id: 7\nevent: milestone_completed\ndata: {msgspec.json.encode(data | {'project_id': uid(1)}).decode()}\n\n"
        for stream in [to] if to else self.open:
            stream.put_nowait(text.encode())

    async def become(self, count: int, *, opened: int | None = None) -> None:
        """Wait until so many are open, and `opened` were."""
        async with asyncio.timeout(30):
            while len(self.open) != count or self.opened != (opened or self.opened):
                await asyncio.sleep(0.02)


@pytest.fixture
async def streams(web: Litestar) -> Streams:
    return Streams(web)


@pytest.fixture
async def sit(
    chromium: Browser, streams: Streams, standin: Standin, signer: Signer
) -> AsyncGenerator[Callable[..., Any]]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(streams, log_level="error", lifespan="off", timeout_graceful_shutdown=1))  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve([listening]))

    @asynccontextmanager
    async def browse(actor: Any = ANNA) -> AsyncGenerator[BrowserContext]:
        context = await chromium.new_context(
            base_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
            extra_http_headers=signer.headers(actor, *AUDIENCE),
        )
        yield context
        await context.close()

    yield browse
    server.should_exit = True
    await task


async def open_tab(context: BrowserContext, path: str = "/") -> Page:
    tab = await context.new_page()
    await tab.goto(path)
    await expect(tab.locator("[data-live-state]").first).to_have_attribute("data-state", "live")
    return tab


def toast(tab: Page, title: str) -> Any:
    return expect(tab.locator(".toast-card", has_text=title))


async def look_away(tab: Page, hidden: bool) -> None:
    """Headless Chromium shows every tab: what the browser says of one is put in its place."""
    await tab.evaluate(
        """(hidden) => {
            Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


async def test_eight_tabs_load_share_one_stream_and_hear_everything(sit, streams):
    async with sit() as browser:
        tabs = [await open_tab(browser, path) for path in ["/", "/projects"] * (TABS // 2)]
        assert streams.most == 1
        streams.tell("Sketches")
        for tab in tabs:
            await toast(tab, "Sketches").to_be_visible()


async def test_the_next_tab_takes_over_from_one_that_is_closed(sit, streams):
    async with sit() as browser:
        first, second, third = [await open_tab(browser) for _ in range(3)]
        await first.close()
        await streams.become(1, opened=2)
        streams.tell("Sketches")
        for tab in (second, third):
            await toast(tab, "Sketches").to_be_visible()
            await expect(tab.locator("[data-live-state]")).to_have_attribute("data-state", "live")


async def test_the_next_tab_takes_over_from_one_that_is_frozen(sit, streams):
    async with sit() as browser:
        first, second = [await open_tab(browser) for _ in range(2)]
        await first.evaluate("document.dispatchEvent(new Event('freeze'))")
        await streams.become(1, opened=2)
        streams.tell("Sketches")
        await toast(second, "Sketches").to_be_visible()


async def test_the_next_tab_takes_over_from_one_that_is_stuck(sit, streams):
    async with sit() as browser:
        first = await open_tab(browser)
        second = await browser.new_page()
        await second.clock.install()
        await second.goto("/")
        await expect(second.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        stuck = asyncio.create_task(
            first.evaluate("() => { const end = Date.now() + 2000; while (Date.now() < end); }")
        )
        await second.clock.run_for(45_000)
        await stuck
        await streams.become(1, opened=2)
        streams.tell("Sketches")
        for tab in (first, second):
            await toast(tab, "Sketches").to_be_visible()


async def test_a_hidden_tab_lets_go_and_catches_up_when_it_is_shown(sit, streams, standin):
    async with sit() as browser:
        tab = await browser.new_page()
        await tab.clock.install()
        await tab.goto("/projects")
        await streams.become(1)
        await look_away(tab, hidden=True)
        await tab.clock.run_for(4_000)
        await look_away(tab, hidden=False)
        await tab.clock.run_for(4_000)
        assert (len(streams.open), streams.most) == (1, 1)
        await look_away(tab, hidden=True)
        await tab.clock.run_for(6_000)
        await streams.become(0)
        before = len(standin.calls)
        await tab.clock.run_for(200_000)
        assert len(standin.calls) == before
        async with tab.expect_response("**/projects*"):
            await look_away(tab, hidden=False)
        await streams.become(1)
        await expect(tab.locator("[data-live-state]")).to_have_attribute("data-state", "live")


async def test_nobody_hears_what_is_said_to_another_reader_in_the_same_browser(sit, streams, signer):
    """Another person, another session of the same person, and staff through a client's eyes."""
    others: tuple[Any, ...] = (
        replace(MIA, project_roles=ANNA.project_roles),
        replace(ANNA, session_id=MIA.session_id),
        replace(CLARA, kind="client", client_id=ANNA.client_id, is_primary_contact=True, read_only=True),
    )
    async with sit() as browser:
        first = await open_tab(browser)
        for number, actor in enumerate(others):
            await browser.set_extra_http_headers(signer.headers(actor, *AUDIENCE))
            other = await open_tab(browser)
            await streams.become(2)
            streams.tell(f"Sketch {number}", to=streams.open[0])
            streams.tell(f"Draft {number}", to=streams.open[1])
            await toast(first, f"Sketch {number}").to_be_visible()
            await toast(other, f"Draft {number}").to_be_visible()
            await toast(first, "Draft").to_have_count(0)
            await toast(other, "Sketch").to_have_count(0)
            await other.close()
            await streams.become(1)


async def test_tabs_of_many_clients_leave_connections_for_pages(sit, streams, standin):
    async with sit(CLARA) as browser:
        tabs = []
        for n in range(TABS):
            await browser.add_cookies([{"name": "portal_client", "value": uid(900 + n), "url": "http://127.0.0.1"}])
            tab = await browser.new_page()
            await tab.goto("/")
            tabs.append(tab)
        await expect(tabs[-1].locator("[data-live-state]")).to_have_attribute("data-state", "polling")
        assert streams.most == 3


@pytest.mark.parametrize("missing", ["navigator.locks", "BroadcastChannel"])
async def test_where_tabs_cannot_speak_to_each_other_each_has_its_own(sit, streams, missing):
    """As on an address without TLS."""
    name = missing.rpartition(".")[2]
    async with sit() as browser:
        await browser.add_init_script(
            f"delete window.{name}; delete Navigator.prototype.{name}" if name == "locks" else f"delete window.{name}"
        )
        tabs = [await open_tab(browser) for _ in range(2)]
        await streams.become(2)
        streams.tell("Sketches")
        for tab in tabs:
            await toast(tab, "Sketches").to_be_visible()
