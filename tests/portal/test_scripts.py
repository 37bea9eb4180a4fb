"""What JavaScript adds, in a real browser over the stand-in services; the event stream says what a test tells it to."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvicorn
from litestar import Litestar
from msgspec.structs import replace
from playwright.async_api import Browser, Dialog, Page, Route, expect

from shared.testing.claims import Signer
from tests.portal.gallery import PIXEL
from tests.portal.patience import LATE
from tests.portal.people import ANNA, AUDIENCE, CLARA, JONAS, MIA, NOBODY
from tests.portal.standin import Standin, entry, notice, uid

NEVER_AGAIN = "retry: 600000\n\n"
"""The browser is not to ask for the stream a second time within a test."""


@pytest.fixture(scope="module")
async def address(web: Litestar) -> AsyncGenerator[str]:
    """The portal on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
def sit(address: str, chromium: Browser, standin: Standin, signer: Signer) -> Callable[..., Any]:
    """Opens browsers whose event stream carries just the text given."""

    @asynccontextmanager
    async def open_page(
        actor: Any = ANNA, *, stream: str = "", status: int = 200, **given: Any
    ) -> AsyncGenerator[Page]:
        async def answer(route: Route) -> None:
            await route.fulfill(status=status, content_type="text/event-stream", body=NEVER_AGAIN + stream)

        headers = signer.headers(actor, *AUDIENCE)
        context = await chromium.new_context(base_url=address, extra_http_headers=headers, **given)
        await context.route("**/api/events/**", answer)
        page = await context.new_page()
        yield page
        await context.close()

    return open_page


async def test_who_has_a_picture_is_asked_once_for_a_page_and_the_others_keep_their_initials(sit) -> None:
    asked: list[str] = []

    async def pictures(route: Route) -> None:
        if "?" not in route.request.url:
            await route.fulfill(content_type="image/png", body=PIXEL)
            return
        asked.append(route.request.url)
        items = [{"person_id": str(ANNA.id), "picture_id": uid(500)}]
        await route.fulfill(json={"items": items})

    async with sit() as page:
        await page.context.route("**/api/client-portal/people/pictures**", pictures)
        await page.goto("/projects")
        await expect(page.locator(f'.avatar-own > img[src$="/people/pictures/{uid(500)}"]')).to_be_visible()
        assert len(asked) == 1
        assert asked[0].count("id=") == len(set(asked[0].partition("?")[2].split("&")))
        await expect(page.locator(".avatars .avatar").first).to_have_text("JWJonas Weber")


def happening(kind: str, project: str, title: str = "Jonas Weber finished Sketches", text: str = "Harbour") -> str:
    """One event of the stream."""
    data = {**entry(0, kind, title, "2026-01-01T00:00:00Z", text=text), "project_id": project}
    return f"id: 7\nevent: {kind}\ndata: {msgspec.json.encode(data).decode()}\n\n"


def asked(standin: Standin, path: str) -> int:
    return sum(call.path == path for call in standin.calls)


def refreshed(standin: Standin) -> bool:
    """Whether each part of a dashboard was fetched once more: the overview was asked for the page, then for three of them."""
    return (asked(standin, "/projects"), asked(standin, "/overview")) == (2, 4)


async def eventually(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not check():
            await asyncio.sleep(0.02)


async def test_an_event_refreshes_its_widgets_and_is_announced(sit, standin):
    async with sit(stream=happening("milestone_completed", uid(1))) as page:
        await page.goto("/")
        await eventually(lambda: refreshed(standin))
        await expect(page.get_by_role("status").get_by_text("Jonas Weber finished Sketches · Harbour")).to_be_visible()


async def test_an_event_of_another_project_leaves_this_one_alone(sit, standin):
    async with sit(stream=happening("milestone_completed", uid(2))) as page:
        await page.goto(f"/projects/{uid(1)}")
        await expect(page.locator(".toast-card")).to_be_visible()
        await page.evaluate("fetch('/widgets/session')")  # behind whatever the event would have had fetched
        assert asked(standin, f"/projects/{uid(1)}") == 1
        assert asked(standin, "/activity") == 1


async def test_a_reset_fetches_everything_anew(sit, standin):
    async with sit(stream='event: reset\ndata: {"head":9}\n\n') as page:
        await page.goto("/")
        await eventually(lambda: refreshed(standin))


async def test_what_is_new_is_marked_and_what_was_opened_stays_open(sit, standin):
    async with sit() as page:
        await page.goto(f"/projects/{uid(1)}")
        await page.get_by_text("Scope").click()
        fresh = entry(99, "milestone_completed", "Milestone completed", "2031-01-01T00:00:00Z")
        standin.state["activity"].insert(0, fresh)
        await page.get_by_role("link", name="Refresh").click()
        await expect(page.locator(".is-new")).to_have_count(1)
        await expect(page.locator("#scope")).to_have_attribute("open", "")


async def test_a_list_with_further_pages_open_is_not_replaced(sit, standin):
    standin.state["activity"] = [
        entry(n, "project_status_changed", f"Step {n}", "2026-01-01T00:00:00Z") for n in range(45)
    ]
    async with sit() as page:
        await page.goto("/activity")
        await page.get_by_role("link", name="Show more").click()
        await expect(page.locator("[data-entry]")).to_have_count(45)
        await page.get_by_role("link", name="Refresh", exact=True).click()
        await expect(page.get_by_role("link", name="Something is new")).to_be_visible()
        await expect(page.locator("[data-entry]")).to_have_count(45)


async def test_a_closed_stream_asks_whether_the_session_is_over(sit, standin):
    async with sit(stream='event: closed\ndata: {"reason":"session_ended"}\n\n') as page:
        checks: list[str] = []
        page.on("request", lambda request: checks.append(request.url) if "/widgets/session" in request.url else None)
        await page.goto("/projects")
        await eventually(lambda: len(checks) == 1)
        await expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "polling")


async def test_a_form_being_filled_in_stays_when_the_session_ends_and_waits_when_it_is_sent(sit, signer):
    ended = asyncio.Event()

    async def end(route: Route) -> None:
        await ended.wait()
        await route.fulfill(
            content_type="text/event-stream", body='event: closed\ndata: {"reason":"session_ended"}\n\n'
        )

    async with sit() as page:
        await page.route("**/api/events/**", end)
        await page.goto("/profile")
        await page.get_by_label("Job title").fill("Harbour master")
        await page.context.set_extra_http_headers(signer.headers(NOBODY, *AUDIENCE))
        async with page.expect_response("**/widgets/session*"):
            ended.set()
        await expect(page.get_by_text("Your session has ended.")).to_be_visible()
        await expect(page.get_by_label("Job title")).to_have_value("Harbour master")
        await page.get_by_role("button", name="Save").first.click()
        await expect(page.get_by_text("what you typed is kept")).to_be_visible()


async def test_a_page_on_which_nothing_was_typed_leads_to_the_sign_in_page(sit, signer):
    async with sit(stream='event: closed\ndata: {"reason":"session_ended"}\n\n') as page:
        await page.goto("/profile")
        await page.context.set_extra_http_headers(signer.headers(NOBODY, *AUDIENCE))
        await page.wait_for_url("**/sign-in?**")


async def test_a_stream_that_was_closed_for_the_client_is_not_asked_for_again(sit, standin, signer):
    streams: list[str] = []
    closed = asyncio.Event()

    async def end(route: Route) -> None:
        streams.append(route.request.url)
        await closed.wait()
        await route.fulfill(
            content_type="text/event-stream", body='event: closed\ndata: {"reason":"access_changed"}\n\n'
        )

    async with sit() as page:
        await page.route("**/api/events/**", end)
        await page.clock.install()
        await page.goto("/projects")
        await eventually(lambda: len(streams) == 1)
        anna = replace(ANNA, closed=frozenset({"activity"}))
        await page.context.set_extra_http_headers(signer.headers(anna, *AUDIENCE))
        closed.set()
        await expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "polling")
        before = asked(standin, "/projects")
        async with page.expect_response("**/widgets/session*"):
            await page.clock.run_for(1_000)
        await eventually(lambda: asked(standin, "/projects") > before)
        await page.clock.run_for(600_000)
        await page.evaluate("fetch('/api/events/last')")
        assert [url.rpartition("/")[2] for url in streams[1:]] == ["last"]


async def test_a_refused_stream_falls_back_to_polling_without_a_fuss(sit):
    async with sit(status=503) as page:
        await page.goto("/")
        await expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "polling")
        await expect(page.locator(".toast-card")).to_have_count(0)


async def test_staff_over_all_clients_look_again_when_something_happened(sit):
    async with sit(CLARA, stream="event: changed\ndata: {}\n\n") as page:
        streams: list[str] = []
        page.on("request", lambda request: streams.append(request.url) if "/api/events" in request.url else None)
        async with page.expect_response("**/widgets/dashboard/clients") as looked:
            await page.goto("/")
        assert (await looked.value).status == 200
        assert [url.rpartition("/")[2] for url in streams] == ["all"]


async def test_a_late_widget_fills_itself(sit, standin, hurried):
    standin.delay["/overview"] = LATE
    async with sit() as page:
        await page.goto("/")
        await expect(page.locator(".figure").first).to_have_text("2")


async def test_retry_after_a_failure(sit, standin):
    standin.refuse("/overview", 500)
    async with sit() as page:
        await page.goto("/")
        await expect(page.get_by_text("The activity could not be loaded")).to_be_visible()
        standin.refusals.clear()
        await page.locator("#activity").get_by_role("link", name="Try again").click()
        await expect(page.locator("[data-entry]").first).to_be_visible()


async def test_the_theme_changes_at_once_and_stays(sit):
    async with sit() as page:
        await page.goto("/")
        await page.get_by_text("Your account").locator("..").click()
        await page.get_by_role("button", name="Dark").click()
        await expect(page.locator("html")).to_have_class("theme-dark")
        async with asyncio.timeout(30):
            while not any(cookie["name"] == "portal_theme" for cookie in await page.context.cookies()):
                await asyncio.sleep(0.02)
        await page.reload()
        await expect(page.locator("html")).to_have_class("theme-dark")


async def test_a_menu_closes_on_escape_and_gives_the_focus_back(sit):
    async with sit() as page:
        await page.goto("/")
        menu = page.locator("details.menu").last
        await menu.locator("summary").click()
        await expect(menu).to_have_attribute("open", "")
        await page.keyboard.press("Escape")
        await expect(menu).not_to_have_attribute("open", "")
        await expect(menu.locator("summary")).to_be_focused()


async def test_shortcuts_can_be_listed_used_and_switched_off(sit):
    async with sit() as page:
        await page.goto("/projects")
        await page.keyboard.press("/")
        await expect(page.get_by_label("Search projects")).to_be_focused()
        await page.keyboard.type("?")
        await expect(page.get_by_role("dialog")).not_to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.get_by_label("Use single-key shortcuts").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        await expect(page.get_by_label("Search projects")).not_to_be_focused()
        await page.keyboard.press("?")
        await page.get_by_label("Use single-key shortcuts").check()
        await page.keyboard.press("Escape")
        await page.keyboard.press("g")
        await page.keyboard.press("a")
        await page.wait_for_url("**/activity")


async def test_days_ago_in_an_open_page_are_those_of_the_calendar(sit):
    """33 hours ago, two midnights ago: as the server words it."""
    async with sit() as page:
        await page.clock.install(time="2026-03-12T08:00:00Z")
        await page.goto("/profile")
        await page.evaluate("""() => {
            const time = Object.assign(document.createElement('time'), {id: 'then', dateTime: '2026-03-10T23:00:00Z'});
            time.dataset.ago = '';
            document.querySelector('main').append(time);
        }""")
        await page.clock.fast_forward("01:00")
        await expect(page.locator("#then")).to_have_text("2 days ago")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
async def test_a_refused_form_has_the_focus_where_it_says_why_and_is_in_sight(sit, standin, scripts):
    async with sit(CLARA, java_script_enabled=scripts, viewport={"width": 390, "height": 600}) as page:
        await page.goto("/settings")
        standin.choose(project_created="none")
        await page.get_by_label("A milestone was completed").select_option("none")
        await page.get_by_role("button", name="Save notifications").click()
        said = page.get_by_role("alert").filter(has_text="You saved this while you had it open")
        await expect(said).to_be_focused()
        await expect(said).to_be_in_viewport(ratio=1)
        await page.goto("/webhooks/new")
        await page.get_by_label("Name").fill("ERP")
        await page.get_by_role("button", name="Create webhook").click()
        wrong = page.locator("[aria-invalid=true]").first
        await expect(wrong).to_be_focused()
        await expect(wrong).to_be_in_viewport()


async def test_the_focus_stays_with_what_was_marked_as_read(sit, standin):
    standin.state["notifications"] = [notice(number, f"Number {number}") for number in (1, 2, 3)]
    async with sit() as page:
        await page.goto("/notifications")
        row = page.locator("[data-entry]").first
        await row.get_by_role("button", name="Mark as read").focus()
        await page.keyboard.press("Enter")
        await expect(row).to_be_focused()
        await expect(row.get_by_role("button", name="Mark as read")).to_have_count(0)
        await page.get_by_role("button", name="Mark all as read").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="Notifications")).to_be_focused()


async def test_a_withdrawn_project_leaves_the_open_page_with_the_next_refresh(sit, standin):
    async with sit() as page:
        await page.goto(f"/projects/{uid(1)}")
        standin.refuse(f"/projects/{uid(1)}", 404)
        await page.get_by_role("link", name="Refresh").click()
        await expect(page.get_by_role("heading", name="No longer here")).to_be_focused()
        await expect(page.get_by_text("Website relaunch")).to_have_count(0)
        assert await page.title() == "No longer here · Northwind Studio"


async def test_a_choice_is_searched_as_one_types_and_chosen_by_keys(sit, standin):
    first = standin.state["clients"][0]
    standin.state["clients"] += [{**first, "id": uid(10_000 + n), "name": f"Company {n:03}"} for n in range(600)]
    async with sit(CLARA) as page:
        await page.goto("/webhooks/new")
        await page.get_by_label("Name").fill("ERP")
        search = page.get_by_label("Search: Events of")
        await search.press_sequentially("company 599")
        await expect(page.get_by_role("radio", name="Company 599")).to_be_visible()
        await expect(search).to_be_focused()
        await search.press("Enter")
        await expect(page.get_by_role("radio", name="All clients")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await search.fill("company 598")
        await expect(page.get_by_role("radio", name="Company 598")).to_be_visible()
        await expect(page.get_by_role("radio", name="Company 599")).to_be_checked()
        await expect(page.get_by_label("Name")).to_have_value("ERP")
        await search.press("Enter")
        await expect(page.get_by_role("radio", name="Company 599")).to_be_focused()
        assert not [call for call in standin.calls if call.method != "GET"]
        await page.goto("/activity")
        standin.state["projects"] += [
            {**standin.state["projects"][0], "id": uid(20_000 + n), "name": f"Project {n:03}"} for n in range(600)
        ]
        await page.reload()
        await page.get_by_text("All projects").first.click()
        await page.get_by_label("Find a project").press_sequentially("599")
        await page.get_by_role("link", name="Project 599").click()
        await page.wait_for_url(f"**/activity?project_id={uid(20_599)}")


@pytest.mark.parametrize(
    ("path", "typed", "stays", "goes", "then", "leads"),
    [
        ("/projects", "portal", "Customer portal", "Brand refresh", "At risk", "/projects?status=at_risk&q=portal"),
        ("/people", "emil", "Emil Sand", "Jonas Weber", "People of clients", "/people?kind=client&q=emil"),
        ("/clients", "birch", "Birch Ltd", "Acme GmbH", "", ""),
        ("/switch-client", "birch", "Birch Ltd", "Acme GmbH", "", ""),
        ("/help", "recovery", "Sign in", "Brand", "", ""),
    ],
)
async def test_a_list_follows_what_is_typed_and_so_do_its_address_and_its_filters(
    sit, standin, path, typed, stays, goes, then, leads
):
    async with sit(CLARA) as page:
        await page.goto(path)
        await page.get_by_role("searchbox").press_sequentially(typed)
        await expect(page.locator("main").get_by_text(goes)).to_have_count(0)
        await expect(page.locator("main").get_by_text(stays).first).to_be_visible()
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.wait_for_url(f"**{path}?*q={typed}*")
        if then:
            await expect(page.get_by_role("link", name=then)).to_have_attribute("href", leads)


async def asks(page: Page) -> bool:
    """Whether the page asks before it is left by Cancel. Whoever is asked stays."""
    asked = asyncio.get_running_loop().create_future()

    async def stay(dialog: Dialog) -> None:
        asked.set_result(dialog.type)
        await dialog.dismiss()

    page.once("dialog", stay)
    await page.get_by_role("link", name="Cancel").click(no_wait_after=True)
    left = asyncio.create_task(page.wait_for_url(lambda url: not url.endswith("/edit") and not url.endswith("/new")))
    await asyncio.wait([asked, left], return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    page.remove_listener("dialog", stay)
    return asked.done() and asked.result() == "beforeunload"


async def test_a_changed_form_asks_before_it_is_left_until_it_is_changed_back(sit):
    async with sit(CLARA) as page:
        await page.goto(f"/projects/{uid(1)}/edit")
        name, status, hide = (
            page.locator("#field-name"),
            page.get_by_label("Status"),
            page.get_by_label("Hide scope"),
        )
        was, chosen = await name.input_value(), await status.input_value()
        await name.fill("Another")
        assert await asks(page)
        await expect(name).to_have_value("Another")
        await name.fill(was)
        await status.select_option("completed")
        assert await asks(page)
        await status.select_option(chosen)
        await hide.check()
        assert await asks(page)
        await hide.uncheck()
        assert not await asks(page)


async def test_a_form_that_nobody_changed_or_that_was_sent_is_left_without_a_word(sit):
    async with sit(CLARA) as page:
        said: list[str] = []
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.goto(f"/projects/{uid(1)}/edit")
        assert not await asks(page)
        await page.goto(f"/projects/{uid(1)}/edit")
        await page.locator("#field-scope").fill("Everything")
        await page.get_by_role("button", name="Save project").click()
        await page.wait_for_url(f"**/projects/{uid(1)}")
        assert said == []


async def test_a_form_that_is_shown_again_asks_before_it_is_left(sit):
    async with sit(CLARA) as page:
        await page.goto(f"/projects/{uid(1)}/edit")
        await page.locator("#field-name").fill(" ")
        await page.get_by_role("button", name="Save project").click()
        await expect(page.locator("[aria-invalid]")).to_be_visible()
        assert await asks(page)


async def test_a_row_that_was_taken_away_is_a_change(sit):
    async with sit(CLARA) as page:
        await page.goto(f"/projects/{uid(1)}/edit")
        rows = page.locator(".team-row")
        before = await rows.count()
        await page.get_by_role("button", name="Remove person 1").click()
        await expect(rows).to_have_count(before - 1)
        assert await asks(page)


async def test_a_heading_sorts_in_place_and_a_search_keeps_its_order(sit):
    async with sit(CLARA) as page:
        await page.goto("/people")
        await page.get_by_role("searchbox").press_sequentially("a")
        await page.wait_for_url("**q=a")
        await page.get_by_role("link", name="Last sign-in").press("Enter")
        await page.wait_for_url("**q=a&sort=-last_sign_in_at")
        await expect(page.get_by_role("link", name="Last sign-in")).to_be_focused()
        await page.get_by_role("searchbox").fill("an")
        await page.wait_for_url("**an&sort=-last_sign_in_at")


async def test_the_other_forms_of_a_page_wait_while_one_is_sent(sit, signer, standin):
    jonas = f"/people/{JONAS.id}"
    async with sit(CLARA) as page:
        said: list[str] = []
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.goto(jonas)
        await page.get_by_label("Job title").fill("Harbour master")
        await page.get_by_label("Language", exact=True).select_option("de")
        await page.get_by_role("checkbox", name="View the audit log").check()
        await page.get_by_role("button", name="Save permissions").click()
        await expect(page.get_by_text("What you typed in another form of this page is still here.")).to_be_visible()
        await expect(page.get_by_label("Job title")).to_have_value("Harbour master")
        await expect(page.get_by_label("Language", exact=True)).to_have_value("de")
        assert [path for _, path, _ in standin.written] == [f"{jonas}/policies"]
        await page.get_by_role("button", name="Save details").click()
        await eventually(lambda: len(standin.written) == 2)
        assert standin.written[1][2] == {"title": "Harbour master", "language": "de"}
        assert said == []


async def test_they_wait_for_nobody_else(sit, signer):
    jonas = f"/people/{JONAS.id}"
    other = replace(CLARA, id=MIA.id)
    async with sit(CLARA) as page:
        await page.goto(jonas)
        await page.get_by_label("Job title").fill("Harbour master")
        await page.route("**/policies", lambda route: route.fulfill(status=303, headers={"Location": "/projects"}))
        await page.get_by_role("button", name="Save permissions").click()
        await page.wait_for_url("**/projects")
        await page.context.set_extra_http_headers(signer.headers(other, *AUDIENCE))
        for actor in (other, CLARA):
            await page.context.set_extra_http_headers(signer.headers(actor, *AUDIENCE))
            await page.goto(jonas)
            await expect(page.get_by_label("Job title")).not_to_have_value("Harbour master")


SET_BACK = """() => {
    const waiting = JSON.parse(sessionStorage.getItem('portal-unsaved'));
    sessionStorage.setItem('portal-unsaved', JSON.stringify({ ...waiting, until: Date.now() - 1 }));
}"""
LOG_OUT = """() => document.querySelector('form[action="/sign-out"]').requestSubmit()"""


async def test_they_wait_an_hour_and_go_when_their_person_signs_out(sit):
    jonas = f"/people/{JONAS.id}"
    async with sit(CLARA) as page:
        await page.route("**/policies", lambda route: route.fulfill(status=303, headers={"Location": "/projects"}))
        await page.route("**/sign-out", lambda route: route.fulfill(status=303, headers={"Location": "/clients"}))
        for over, leads in ((SET_BACK, ""), (LOG_OUT, "**/clients")):
            await page.goto(jonas)
            await page.get_by_label("Job title").fill("Harbour master")
            await page.get_by_role("button", name="Save permissions").click()
            await page.wait_for_url("**/projects")
            await page.evaluate(over)
            await page.wait_for_url(leads or "**/projects")
            await page.goto(jonas)
            await expect(page.get_by_label("Job title")).not_to_have_value("Harbour master")


ONE_MORE = """() => {
    const waiting = JSON.parse(sessionStorage.getItem('portal-unsaved'));
    waiting.forms[0].fields.push(['no-longer-there 0', 'x']);
    sessionStorage.setItem('portal-unsaved', JSON.stringify(waiting));
}"""


async def test_what_waits_is_filled_in_over_what_others_changed_and_says_where_some_is_missing(sit, standin):
    jonas = f"/people/{JONAS.id}"
    async with sit(CLARA) as page:
        await page.route("**/policies", lambda route: route.fulfill(status=303, headers={"Location": "/projects"}))
        await page.goto(jonas)
        await page.get_by_label("Job title").fill("Harbour master")
        await page.get_by_role("button", name="Save permissions").click()
        await page.wait_for_url("**/projects")
        standin.person(str(JONAS.id))["phone"] = "+49 30 5550 199"
        await page.evaluate(ONE_MORE)
        await page.goto(jonas)
        await expect(page.get_by_label("Job title")).to_have_value("Harbour master")
        await expect(page.get_by_label("Phone")).to_have_value("+49 30 5550 199")
        await expect(page.get_by_text("is here again, but for some of it")).to_be_visible()


async def test_what_was_typed_stays_where_its_page_is_gone(sit, standin):
    async with sit(CLARA) as page:
        for number in range(30):
            standin.state["clients"].append(
                standin.state["clients"][1] | {"id": uid(900 + number), "name": f"Client {number}"}
            )
        await page.goto("/projects/new")
        await page.get_by_label("Name", exact=True).fill("Harbour")
        standin.refuse("/clients", 404)
        await page.get_by_role("searchbox").first.press_sequentially("Client 2")
        await expect(page.get_by_text("What this page showed is no longer here.")).to_be_visible()
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Harbour")


async def test_the_bell_rings_while_the_page_is_open(sit, standin) -> None:
    """The number comes with the event of the stream: when the page was loaded, there was nothing to count."""
    async with sit(stream="event: bell_changed\ndata: {}\n\n") as page:
        asked = asyncio.Event()

        async def counted(route: Route) -> None:
            standin.state["notifications"] = [notice(1, "Jonas Weber finished Visual design")]
            asked.set()
            await route.continue_()

        await page.context.route("**/widgets/notifications/unread", counted)
        await page.goto("/projects")
        await expect(page.locator(".bell-count")).to_have_text("11 unread")
        assert asked.is_set()


STAYS_OPEN = """window.EventSource = class extends EventTarget {
    constructor() {
        super();
        window.stream = this;
        queueMicrotask(() => this.dispatchEvent(new Event('open')));
    }
    close() {}
};"""
"""A stream on which nothing happens but what a test dispatches."""
RING = "window.stream.dispatchEvent(new MessageEvent('bell_changed', {data: '{}'}))"


@pytest.fixture
def live(sit: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a page that stays live, and whose clock the test sets."""

    @asynccontextmanager
    async def open_page(path: str) -> AsyncGenerator[Page]:
        async with sit() as page:
            await page.add_init_script(STAYS_OPEN)
            await page.clock.install()
            await page.goto(path)
            await page.wait_for_function("() => window.stream")
            yield page

    return open_page


async def test_a_bell_that_could_not_be_counted_keeps_its_number_and_is_counted_again(live, standin) -> None:
    """The page is live meanwhile: that one count failed is said by no event."""
    standin.state["notifications"] = [notice(1, "Jonas Weber finished Visual design")]
    async with live("/profile") as page:
        standin.state["notifications"] *= 2
        standin.refuse("/notifications/unread", 503)
        await page.evaluate(RING)
        await expect(page.locator(".bell")).to_have_attribute("data-failed", "")
        await expect(page.locator(".bell-count")).to_have_text("11 unread")
        standin.refusals.clear()
        await page.clock.run_for(61_000)
        await expect(page.locator(".bell-count")).to_have_text("22 unread")


async def test_a_bell_whose_signal_was_lost_is_counted_now_and_then(live, standin) -> None:
    async with live("/projects") as page:
        await expect(page.locator("[data-live-state]")).to_have_attribute("data-state", "live")
        standin.state["notifications"] = [notice(1, "Jonas Weber finished Visual design")]
        before = asked(standin, "/projects")
        await page.clock.run_for(301_000)
        await expect(page.locator(".bell-count")).to_have_text("11 unread")
        assert asked(standin, "/projects") == before


async def test_a_failed_refresh_leaves_what_was_there_and_a_skeleton_says_that_it_failed(live, standin) -> None:
    async with live("/") as page:
        await page.evaluate("document.querySelector('#activity').ariaBusy = 'true'")
        standin.refuse("/overview", 503)
        await page.locator("[data-refresh]").click()
        await expect(page.locator("#activity")).to_contain_text("The activity could not be loaded")
        await expect(page.locator("#kpis")).to_have_attribute("data-failed", "")
        await expect(page.locator("#kpis .figure").first).to_be_visible()
        standin.refusals.clear()
        await page.clock.run_for(61_000)
        await expect(page.locator("[data-widget][data-failed]")).to_have_count(0)
        await expect(page.locator("#activity [data-entry]").first).to_be_visible()


async def test_reading_one_of_a_later_page_leaves_the_reader_there(live, standin) -> None:
    standin.state["notifications"] = [notice(number, f"Number {number}") for number in range(1, 46)]
    async with live("/notifications") as page:
        await page.get_by_role("link", name="Show more").click()
        await expect(page.locator("[data-entry]")).to_have_count(45)
        last = page.locator("[data-entry]").last
        await last.get_by_role("button", name="Mark as read").click()
        await expect(last).not_to_have_class("is-unread")
        await page.evaluate(RING)
        await expect(page.locator(".bell-count")).to_have_text("4444 unread")
        await expect(page.locator("[data-entry]")).to_have_count(45)
