"""A real Chromium, and people sitting at it."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.e2e.appearance import LOOKS, TWO_LOOKS, Look, inaccessible, wider_than_its_window
from tests.portal_stack import API, PASSWORD, PEOPLE, Portal

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHARED_MEMORY = Path("/dev/shm")
IGNORED = ["--disable-dev-shm-usage"] if SHARED_MEMORY.is_dir() and disk_usage(SHARED_MEMORY).free > 2**30 else []
"""Playwright's own flag, for containers with little shared memory. With it whatever Chromium's processes share, down to
each tile of a page, is a file that is made and deleted on the disk.
"""
expect.set_options(timeout=20_000)
"""What is to happen may take its time on a busy machine: how long is for the benchmarks to say."""


@dataclass
class Seat:
    """A browser window of somebody, and everything it complained about."""

    page: Page
    look: Look = LOOKS[0]
    complaints: list[str] = field(default_factory=list)
    is_altered: bool = False
    """Whether somebody laid hands on the browser, and not only on the page."""

    @property
    def context(self) -> BrowserContext:
        """The browser. What somebody does to it stays in it, so nobody else gets it afterwards."""
        self.is_altered = True
        return self.page.context

    def open(self, path: str) -> None:
        self.page.goto(path, wait_until="load")

    def complain(self, text: str) -> None:
        self.complaints.append(text)

    def wear(self, look: Look) -> None:
        """Show the page that is open in another look, and those that are opened from now on."""
        if look.dark != self.look.dark:
            self.page.emulate_media(color_scheme=look.theme)
        if look.narrow != self.look.narrow:
            self.page.set_viewport_size(look.window)
        self.look = look

    def faults(self, looks: Iterable[Look] = TWO_LOOKS, picture: str = "") -> list[Any]:
        """What is wrong with the page that is open: what shuts somebody out or is too wide in one of these looks, and
        that it has no heading. The look that is nearest comes first, and the last one stays, so that the steps of a
        journey are taken in both in turn. PORTAL_LOOK names a folder for pictures of it.
        """
        found: list[Any] = [] if self.page.locator("h1").count() == 1 else ["has no heading"]
        for look in sorted(looks, key=self.look.differs):
            self.wear(look)
            found += [(str(look), each) for each in inaccessible(self.page)]
            found += [(str(look), "scrolls sideways")] if wider_than_its_window(self.page) else []
            if picture and (folder := os.environ.get("PORTAL_LOOK")):
                self.page.screenshot(path=f"{folder}/{picture}-{look}.png")
        return found


Sit = Callable[..., Any]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for this folder: while it runs, its own event loop would keep every other test from having one."""
    with sync_playwright() as playwright:
        path = os.environ.get("PORTAL_CHROMIUM", "/usr/bin/chromium")
        running = playwright.chromium.launch(executable_path=path, args=FLAGS, ignore_default_args=IGNORED)
        yield running
        running.close()


@pytest.fixture(scope="module")
def ids(portal: Portal) -> dict[str, str]:
    """Acme, the project of the demo with the most to see, and people to look at."""
    acme = portal.me("approver")["client_id"]
    projects = portal.as_("admin").get(f"{API}/projects", params={"client_id": acme, "limit": 100}).json()["items"]
    busiest = next(each for each in projects if each["name"] == "Website relaunch")
    people = {who: portal.me(who)["id"] for who in ("member", "viewer")}
    token = portal.run.mailbox.partition("token=")[2]
    return {"client": acme, "project": busiest["id"], "mailbox": token, **people}


@pytest.fixture(scope="module")
def cookies(portal: Portal) -> Callable[[str], list[Any]]:
    """The cookies of one of `PEOPLE` who has signed in, once for a module, or of an address that signs in now."""
    kept: dict[str, list[Any]] = {}

    def of(who: str) -> list[Any]:
        if who in kept:
            return kept[who]
        told = {"url": portal.gateway, "httpOnly": True, "sameSite": "Lax"}
        cookies = portal.sign_in(PEOPLE.get(who, who)).cookies
        found = [{"name": name, "value": value} | told for name, value in cookies.items()]
        if who in PEOPLE:
            kept[who] = found
        return found

    return of


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """As a person does it: the address first, then the password."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


class Windows:
    """Windows of one Chromium. One in which pages were only looked at and used is emptied, and is the next one's: a new
    one takes four times as long to show its first page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._empty: dict[tuple[str, bool, bool], list[Page]] = defaultdict(list)

    @contextmanager
    def taken(self, origin: str, look: Look, *, scripts: bool, fresh: bool) -> Iterator[Seat]:
        """A window that knows nobody. `fresh`: that has never seen a page, so that it has nothing cached either."""
        empty = self._empty[origin, look.narrow, scripts]
        page = empty.pop() if empty and not fresh else self._open(origin, look, scripts=scripts)
        page.set_viewport_size(look.window)
        page.emulate_media(color_scheme=look.theme)
        seat = Seat(page, look)
        complaints = {
            "pageerror": lambda error: seat.complain(f"script: {error}"),
            "console": lambda said: seat.complain(said.text) if said.type in ("error", "warning") else None,
        }
        for event, complain in complaints.items():
            page.on(event, complain)
        used = False
        try:
            yield seat
            used = True
        finally:
            if used and scripts and not seat.is_altered:
                for event, complain in complaints.items():
                    page.remove_listener(event, complain)
                self._clean(page)
                empty.append(page)
            else:
                page.context.close()

    def _open(self, origin: str, look: Look, *, scripts: bool) -> Page:
        given = {"viewport": look.window, "color_scheme": look.theme, "has_touch": look.narrow}
        return self._browser.new_context(base_url=origin, java_script_enabled=scripts, **given).new_page()

    def _clean(self, page: Page) -> None:
        page.unroute_all(behavior="ignoreErrors")
        page.set_extra_http_headers({})
        page.emulate_media(media="null")
        page.goto("/healthz")  # of the same origin: its process stays
        page.evaluate("localStorage.clear(); sessionStorage.clear(); window.name = ''")
        page.context.clear_cookies()


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Windows:
    """Chromium's windows, for as long as it runs."""
    return Windows(browser)


@pytest.fixture
def sit(portal: Portal, windows: Windows, cookies: Callable[[str], list[Any]]) -> Sit:
    """Seat somebody in a browser of their own: one of `PEOPLE` in a session that the module shares, an address in one of
    its own, "anonymous" in none.
    """

    @contextmanager
    def take(
        who: str, *, dark: bool = False, narrow: bool = False, scripts: bool = True, fresh: bool = False
    ) -> Iterator[Seat]:
        with windows.taken(portal.gateway, Look(dark, narrow), scripts=scripts, fresh=fresh) as seat:
            if who != "anonymous":
                seat.page.context.add_cookies(cookies(who))
            yield seat

    return take


def open_until(portal: Portal, seat: Seat, path: str, shown: Locator) -> None:
    """Open a page until something is on it: what is late is left out of a page, and without scripts does not follow."""

    def opened() -> bool:
        seat.open(path)
        return shown.count() > 0

    portal.until(opened)


def offered(page: Page, name: str) -> Locator:
    """One of a form's projects. Of many, the form shows the newest, and more to whoever searches."""
    option = page.get_by_label(name)
    if not option.count():
        page.locator("input[data-find]").fill(name)
    expect(option).to_be_visible()
    return option


def choose(page: Page, label: str, name: str) -> None:
    """Choose one of many by its name: of a plain select, or of a choice that is searched where there are more."""
    field = page.locator("main").get_by_label(label).first
    if field.evaluate("element => element.tagName") == "SELECT":
        field.select_option(label=name)
    else:
        field.fill(name)
        page.get_by_role("radio", name=name).check()
