"""What a client's person sees where the company closed something: no way there, and no page that looks broken."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from shared.actor import Actor
from tests.portal.people import ANNA, CLARA, MIA
from tests.portal.personnel import FELIX_ID
from tests.portal.standin import uid
from tests.portal.test_preferences import form_of

FRAGMENT = {"HX-Request": "true"}
WIDGETS = {"projects": 'id="projects"', "activity": 'id="activity"', "figures": 'id="kpis"'}
EVERYTHING = frozenset(WIDGETS)


def without(*parts: str, who: Actor = ANNA, **more: Any) -> Actor:
    return replace(who, closed=frozenset(parts), **more)


def places(page: str) -> list[str]:
    """Where the navigation leads."""
    return re.findall(r'<li><a href="([^"]+)"', page)


@pytest.mark.parametrize("module", WIDGETS)
async def test_navigation_and_dashboard_leave_out_what_is_closed_and_nobody_is_asked_for_it(browse, standin, module):
    page = (await browse(without(module)).get("/")).text
    assert {name: mark in page for name, mark in WIDGETS.items()} == {name: name != module for name in WIDGETS}
    closed = {"projects": ["/projects"], "activity": ["/activity"], "figures": []}[module]
    assert places(page) == [each for each in ("/", "/projects", "/activity", "/team", "/profile") if each not in closed]
    assert "could not be loaded" not in page
    paths = {"projects": "/projects", "activity": "/activity", "figures": "/kpis"}
    assert paths[module] not in [call.path for call in standin.calls]
    assert ("data-events" in page) is (module != "activity")
    assert [each for each in re.findall(r'(?:href|data-place)="([^"]+)"', page) if each.startswith(f"/{module}")] == []


async def test_with_everything_closed_the_dashboard_says_what_there_is_instead(browse):
    page = (await browse(without(*EVERYTHING)).get("/")).text
    assert "Nothing to follow here at the moment" in page
    assert "Northwind Studio keeps projects, activity and figures off this portal for you." in page
    for way in ("/team", "/profile", "/security"):
        assert f'<a class="btn btn-plain" href="{way}"' in page
    assert "data-live-state" not in page
    colleague = (await browse(without(*EVERYTHING, is_primary_contact=False)).get("/")).text
    assert "/team" not in colleague


async def test_the_one_project_of_a_dashboard_comes_without_its_activity(browse, standin):
    for other in standin.state["projects"][1:]:
        other["status"] = "completed"
    page = (await browse(without("activity")).get("/")).text
    assert "Your project:" in page
    assert 'id="activity"' not in page


@pytest.mark.parametrize(
    ("path", "module"), [("/projects", "projects"), (f"/projects/{uid(1)}", "projects"), ("/activity", "activity")]
)
async def test_the_address_of_a_closed_page_leads_to_a_calm_one(browse, standin, path, module):
    page = await browse(without(module)).get(path)
    assert page.status_code == 403
    assert "Not part of your portal" in page.text
    assert "Northwind Studio does not show" in page.text
    assert 'class="sidenav"' in page.text
    assert 'href="/">' in page.text
    assert [call.path for call in standin.calls if call.path.startswith(("/projects", "/activity"))] == []


async def test_where_everything_is_closed_a_closed_page_leads_to_what_there_is(browse):
    page = (await browse(without(*EVERYTHING)).get("/projects")).text
    assert "Back to the dashboard" not in page
    assert '<a class="btn btn-plain" href="/security"' in page


async def test_who_views_as_the_client_sees_the_same(browse):
    eyes = without("activity", read_only=True, id=CLARA.id, name=CLARA.name, project_roles={})
    page = (await browse(eyes).get("/")).text
    assert WIDGETS["activity"] not in page
    assert "/activity" not in places(page)
    assert (await browse(eyes).get("/activity")).status_code == 403


async def test_a_project_is_shown_without_its_activity(browse, standin):
    page = await browse(without("activity")).get(f"/projects/{uid(1)}")
    assert page.status_code == 200
    assert 'id="activity"' not in page.text
    assert "/activity" not in [call.path for call in standin.calls]


async def test_a_widget_that_was_closed_since_has_its_page_begin_anew(browse, standin):
    standin.refuse("/overview", 403, "module.closed")
    answer = await browse(ANNA).get("/widgets/dashboard/kpis", headers=FRAGMENT)
    assert (answer.status_code, answer.text, answer.headers["HX-Refresh"]) == (200, "", "true")
    standin.refuse("/overview", 403)
    assert "HX-Refresh" not in (await browse(ANNA).get("/widgets/dashboard/kpis", headers=FRAGMENT)).headers


async def test_a_page_whose_stream_ended_hears_whether_to_ask_again(browse):
    for who, told in ((ANNA, None), (without("activity"), "stream-closed"), (without("projects"), None)):
        answer = await browse(who).get(f"/widgets/session?person={who.id}", headers=FRAGMENT)
        assert (answer.status_code, answer.headers.get("HX-Trigger")) == (204, told)


async def test_the_team_is_there_without_the_projects_and_keeps_its_roles(browse, standin):
    standin.refuse("/projects", 403, "module.closed")
    anna = without("projects")
    page = (await browse(anna).get("/team")).text
    assert "Felix Brandt" in page
    for words in ("In projects", "Website relaunch", f'href="/team/{FELIX_ID}"'):
        assert words not in page
    assert f"/team/{FELIX_ID}/deactivate" in page
    assert "Project roles" not in (await browse(anna).get("/team/new")).text
    assert "Not part of your portal" in (await browse(anna).get(f"/team/{FELIX_ID}")).text
    typed = {"first_name": "Nina", "last_name": "Vogt", "email": "nina@acme.example"}
    assert (await browse(anna).post("/team/new", data=typed)).status_code == 303
    assert [body["project_roles"] for *_, body in standin.written] == [{}]


@pytest.mark.parametrize("who", [ANNA, MIA], ids=["approver", "feedback"])
async def test_details_that_are_not_ones_own_are_shown_and_the_language_is_chosen(browse, standin, who):
    browser = browse(without("edit_profile", who=who))
    page = (await browser.get("/profile")).text
    for what_can_be_sent in ('name="first_name"', 'action="/profile"'):
        assert what_can_be_sent not in page
    assert "Northwind Studio keeps these for you" in page
    assert "Anna Keller" in page
    page = (await browser.get("/settings")).text
    opened = form_of(page, "/settings")
    answer = await browser.post("/settings", data={**opened, "language": "de", "first_name": "Sneaky"})
    assert answer.headers["location"] == "/settings"
    assert standin.written == [("PATCH", "/people/me", {"language": "de"})]
