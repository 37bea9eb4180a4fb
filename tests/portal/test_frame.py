"""What every page has in common: who may open it, its headers, its look, its errors."""

import re
import time
from collections import defaultdict

import msgspec
import pytest
from litestar.routes import HTTPRoute

from gateway.problems import TITLES
from gateway.routes import ROUTES
from services.portal.failures import WORDS
from services.portal.services import WRITING
from shared.claims import ClaimsRefused
from tests.portal.people import ANNA, AUDIENCE, CLARA, MIA, NOBODY
from tests.portal.standin import ACME, uid

PAGES = ["/", "/projects", f"/projects/{uid(1)}", "/activity"]


@pytest.mark.parametrize("path", [*PAGES, "/projects?status=delayed&q=web"])
async def test_anonymous_people_are_sent_to_sign_in_and_back(browse, path):
    answer = await browse().get(path)
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location == "/sign-in" if path == "/" else location.startswith("/sign-in?next=%2F")


async def test_services_are_asked_in_the_language_of_the_page_which_shows_what_they_say(browse, standin):
    page = await browse(ANNA).get("/", headers={"Accept-Language": "de, en;q=0.5"})
    spoken = re.search(r'<html lang="([a-z-]+)"', page.text)[1]
    assert {call.headers["Accept-Language"] for call in standin.calls} == {spoken}


async def test_a_lost_session_moves_the_whole_page_when_a_widget_notices(browse):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://portal.test/projects?status=delayed#list"}
    answer = await browse().get("/widgets/dashboard/kpis", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fprojects%3Fstatus%3Ddelayed%23list&ended=1"


async def test_a_widget_of_a_page_elsewhere_does_not_lead_there(browse):
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example//evil.example"}
    answer = await browse().get("/widgets/dashboard/kpis", headers=headers)
    assert answer.headers["HX-Redirect"] == "/sign-in?ended=1"


async def test_session_revoked_meanwhile_leads_to_sign_in(browse, standin):
    standin.refuse("/projects", 401)
    answer = await browse(ANNA).get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", ["/", "/projects", "/widgets/dashboard/kpis"])
async def test_claims_that_a_service_does_not_believe_sign_nobody_out(browse, standin, path):
    standin.refuse("/", 401, ClaimsRefused.code)
    answer = await browse(ANNA).get(path)
    assert answer.status_code == (200 if path == "/" else 503)
    assert not {"location", "hx-redirect"} & set(answer.headers)


async def test_claims_that_the_portal_does_not_believe_are_for_the_gateway_to_explain(browse, signer):
    late = int(time.time()) - 200
    stale = signer.token(ANNA, *AUDIENCE, iat=late, exp=late + 60)
    answer = await browse(ANNA).get("/", headers={"Authorization": f"Bearer {stale}"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, ClaimsRefused.challenge)


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/nothing-here"])
async def test_pages_carry_a_strict_policy_and_no_inline_code(browse, path):
    page = await browse(ANNA if path != "/sign-in" else NOBODY).get(path)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|<style|javascript:", page.text)


async def test_nothing_is_loaded_from_elsewhere(browse):
    page = await browse(ANNA).get("/")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "No access"),
        (404, "Page not found"),
        (422, "Some entries are not valid"),
        (500, "Something went wrong on our side"),
        (503, "Back in a moment"),
    ],
)
async def test_a_service_that_refuses_becomes_a_page_in_the_same_look(browse, standin, status, words):
    standin.refuse(f"/projects/{uid(1)}", status)
    page = await browse(ANNA).get(f"/projects/{uid(1)}")
    assert page.status_code == status
    assert words in page.text
    assert 'aria-label="Main"' in page.text
    assert "This was asked to fail" not in page.text


async def test_an_unreadable_answer_is_an_outage_not_a_crash(browse, standin):
    standin.state["projects"][0]["status"] = "unheard_of"
    page = await browse(ANNA).get(f"/projects/{uid(1)}")
    assert page.status_code == 503
    standin.strange.clear()  # it was, on purpose


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing-here", 404),
        ("GET", "/projects/not-a-uuid", 404),
        ("DELETE", "/projects", 405),
        ("GET", "/activity?project_id=zzz", 400),
    ],
)
async def test_what_cannot_be_routed_is_a_page_too(browse, method, path, status):
    browser = browse(ANNA)
    await browser.get("/profile")
    page = await browser.request(method, path)
    assert page.status_code == status
    assert "Back to the dashboard" in page.text
    assert 'aria-label="Main"' in page.text
    assert "Your account" in page.text


async def test_an_error_keeps_the_frame_for_who_is_signed_in_and_offers_the_next_step(browse, standin):
    standin.refuse(f"/projects/{uid(1)}", 503)
    page = (await browse(ANNA).get(f"/projects/{uid(1)}")).text
    assert 'aria-label="Main"' in page
    assert f'href="/projects/{uid(1)}">' in page[page.index("Back in a moment") :]


async def test_the_page_for_an_address_without_a_route_has_the_frame_and_the_words_of_every_other(browse):
    """The gateway asks for it, whoever opened the address; nothing was opened before."""
    page = await browse(ANNA).get("/page-not-found")
    assert page.status_code == 404
    assert 'aria-label="Main"' in page.text
    assert WORDS[404][1] in page.text
    strangers = (await browse(NOBODY).get("/page-not-found")).text
    assert WORDS[404][1] in strangers
    assert 'aria-label="Main"' not in strangers


def test_the_gateway_says_it_in_the_same_words():
    assert {status: WORDS[status][0] for status in TITLES} == TITLES


async def test_a_failing_fragment_answers_in_one_sentence(browse, standin):
    standin.refuse(f"/projects/{uid(1)}", 403)
    answer = await browse(ANNA).get(f"/widgets/projects/{uid(1)}/plan", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_hostile_text_stays_text(browse, standin):
    hostile = "<script>alert(1)</script>\"'{{7777777*1000003}}"
    project = standin.state["projects"][0]
    project |= {"name": hostile, "description": hostile, "scope": hostile, "client_name": hostile}
    project["team"] = [{"name": hostile, "role": hostile, "email": 'x"onmouseover=alert(1)@a.example', "phone": None}]
    project["milestones"][5]["name"] = hostile
    standin.state["activity"][0] |= {"title": hostile, "description": hostile, "actor": {"id": uid(1), "name": hostile}}
    standin.state["kpis"][0]["label"] = hostile
    for path in PAGES:
        page = await browse(msgspec.structs.replace(ANNA, name=hostile)).get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
        assert "7777800333331" not in page.text
        assert not re.search(r'"\s*onmouseover', page.text)


async def test_a_link_of_the_feed_leads_only_into_the_portal(browse, standin):
    standin.state["activity"][0]["target"]["url"] = "javascript:alert(1)"
    standin.state["activity"][1]["target"]["url"] = "https://evil.example/"
    page = await browse(ANNA).get("/activity")
    assert "javascript:" not in page.text
    assert "evil.example" not in page.text


async def test_staff_navigation_is_not_shown_to_clients(browse):
    assert 'href="/clients"' not in (await browse(ANNA).get("/")).text
    assert 'href="/clients"' in (await browse(CLARA).get("/")).text


async def test_offices_stand_below_the_places_that_a_phone_has_room_for(browse):
    page = (await browse(CLARA).get("/")).text
    navigation = page.partition('aria-label="Main"')[2].partition("</nav>")[0]
    places, offices = (re.findall(r'href="([^"]+)"', part) for part in navigation.partition('aria-label="Office"')[::2])
    assert places == ["/", "/projects", "/clients", "/activity", "/profile"]
    assert {"/people", "/webhooks", "/brand"} <= set(offices)
    assert not set(places) & set(offices)


async def test_the_chosen_client_is_named_and_asked_for(browse, standin):
    browser = browse(CLARA)
    browser.cookies.set("portal_client", ACME)
    page = await browser.get("/")
    assert "Acme GmbH" in page.text
    assert f'data-events="/api/events/{ACME}"' in page.text
    asked = {call.path: call.query.get("client_id") for call in standin.calls}
    assert (asked["/overview"], asked["/projects"]) == (ACME, ACME)


async def test_a_client_cannot_choose_another_client(browse, standin):
    browser = browse(ANNA)
    browser.cookies.set("portal_client", uid(777))
    await browser.get("/")
    asked = {call.path: call.query.get("client_id") for call in standin.calls}
    assert (asked["/overview"], asked["/projects"]) == (ACME, ACME)


async def test_the_caller_travels_on_as_they_are(browse, standin):
    headers = {
        "User-Agent": "Firefox",
        "X-Request-Id": "r-1",
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "Cookie": "portal_flow=f; other=secret; portal_pending=p",
    }
    browser = browse(ANNA)
    await browser.get("/", headers=headers)
    for call in standin.calls:
        assert call.headers["Authorization"] == browser.headers["Authorization"]
        assert call.headers["User-Agent"] == "Firefox"
        assert call.headers["X-Request-Id"] == "r-1"
        assert call.headers["traceparent"].startswith("00-aaaa")
        assert call.headers["Cookie"] == "portal_flow=f; portal_pending=p"


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [("dark", "theme-dark"), ("light", "theme-light"), ("system", "theme-system"), ("purple", "theme-system")],
)
async def test_the_theme_is_rendered_by_the_server(browse, chosen, shown):
    browser = browse(ANNA)
    answer = await browser.post("/settings/theme", data={"theme": chosen, "next": "/projects"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects")
    assert f'class="{shown}"' in (await browser.get("/")).text


async def test_a_toast_is_shown_once(browse):
    browser = browse()
    await browser.post("/sign-out")
    assert "You are signed out." in (await browser.get("/sign-in")).text
    assert "You are signed out." not in (await browser.get("/sign-in")).text


async def test_a_forged_toast_is_ignored(browse):
    browser = browse()
    browser.cookies.set("portal_toast", "bm90IGpzb24")
    assert (await browser.get("/sign-in")).status_code == 200


async def test_feedback_people_get_the_whole_frame(browse):
    page = await browse(MIA).get("/projects")
    assert page.status_code == 200


def test_the_portal_gives_up_before_the_gateway_does():
    """Else a service that hangs shows the gateway's bare answer where a page was asked for."""
    slowest = min(route.timeout for route in ROUTES if route.is_page and not route.anonymous)
    assert WRITING.total < slowest


async def test_an_address_that_only_takes_a_form_leads_to_the_page_above(web, browse):
    """An address bar, a bookmark and a restored tab open where a refused form was shown."""
    takes: dict[str, set[str]] = defaultdict(set)
    for route in web.routes:
        if isinstance(route, HTTPRoute):
            takes[re.sub(r"{\w+:uuid}", uid(1), route.path)] |= set(route.methods)
    forms = [path for path, methods in takes.items() if "POST" in methods and "GET" not in methods]
    assert forms
    for path in forms:
        answer = await browse(CLARA).get(path)
        assert answer.status_code == 303, path
        above = answer.headers["Location"]
        assert path.startswith(above), path
        assert "GET" in takes[above], path
    assert (await browse(CLARA).get(f"/people/{uid(1)}/policies")).headers["Location"] == f"/people/{uid(1)}"
