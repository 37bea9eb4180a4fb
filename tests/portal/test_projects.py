"""Projects: the list with its filters and pages, and one project."""

import copy
import re
from html import unescape

import pytest

from tests.portal.patience import LATE
from tests.portal.people import ANNA, CLARA
from tests.portal.standin import uid

FRAGMENT = {"HX-Request": "true"}


def many(standin, count: int) -> None:
    first = standin.state["projects"][0]
    standin.state["projects"] = [
        {**copy.deepcopy(first), "id": uid(100 + n), "name": f"Project {n:02}"} for n in range(count)
    ]


@pytest.mark.parametrize("who", [ANNA, CLARA], ids=["client", "staff"])
async def test_whoever_hears_that_a_project_is_delayed_finds_it_marked_and_by_the_filter(browse, standin, who):
    many(standin, 2)
    late, in_time = standin.state["projects"]
    late["status"], in_time["status"] = "delayed", "on_track"
    everything = (await browse(who).get("/projects")).text
    [card] = [each for each in everything.split("<article")[1:] if late["name"] in each]
    assert "Delayed" in card
    [found] = re.findall(r'href="(/projects\?status=delayed[^"]*)"', everything)
    page = (await browse(who).get(unescape(found))).text
    assert (late["name"] in page, in_time["name"] in page) == (True, False)


async def test_filter_and_search_are_a_plain_form(browse, standin):
    page = await browse(ANNA).get("/projects", params={"status": "at_risk", "q": "portal"})
    assert "Customer portal" in page.text
    assert "Website relaunch" not in page.text
    assert 'value="portal"' in page.text
    assert re.search(r'aria-current="true">At risk', page.text)
    assert [call for call in standin.calls if call.path == "/projects"][-1].query["status"] == "at_risk"


async def test_a_filter_without_result_offers_all_projects(browse):
    page = await browse(ANNA).get("/projects", params={"q": "zzz"})
    assert "No project matches" in page.text
    assert "Show all projects" in page.text


async def test_more_projects_come_a_page_at_a_time_with_and_without_javascript(browse, standin):
    many(standin, 25)
    browser = browse(ANNA)
    first = await browser.get("/projects", params={"q": "project"})
    more = re.search(r'href="(/projects\?[^"]*cursor=[^"]*)" hx-get', first.text)
    assert more
    address = more[1].replace("&amp;", "&")
    assert "q=project" in address
    assert "Project 20" not in first.text
    fragment = await browser.get(address, headers=FRAGMENT)
    assert "Project 24" in fragment.text
    assert "<html" not in fragment.text
    assert "Show more" not in fragment.text
    whole = await browser.get(address)
    assert "Project 24" in whole.text
    assert "<html" in whole.text


async def test_the_order_stays_with_filter_search_and_pages(browse, standin):
    many(standin, 25)
    browser = browse(ANNA)
    page = await browser.get("/projects", params={"q": "project", "status": "on_track", "sort": "ends_on"})
    assert [call for call in standin.calls if call.path == "/projects"][-1].query["sort"] == "ends_on"
    assert '<option value="ends_on" selected>' in page.text
    assert '<option value="client_name"' not in page.text
    leads = [link for link in re.findall(r'(?:href|hx-get)="(/projects\?[^"]*)"', page.text) if "sort=" in link]
    assert len(leads) == 9
    assert all("sort=ends_on" in link for link in leads)
    assert '<option value="client_name"' in (await browse(CLARA).get("/projects", params={"sort": "client_name"})).text


async def test_an_order_that_does_not_exist_is_the_usual_one(browse, standin):
    for sort in ("budget", "-client_name"):
        assert (await browse(ANNA).get("/projects", params={"sort": sort})).status_code == 200
        assert "sort" not in [call for call in standin.calls if call.path == "/projects"][-1].query


async def test_a_project_shows_where_it_stands(browse):
    page = await browse(ANNA).get(f"/projects/{uid(2)}")
    for words in (
        "At risk",
        "2 of 8 milestones done",
        "Overdue",
        "Today,",
        "planned",
        "In progress",
        "Upcoming",
        "After Visual design",
        "jonas@northwind.example",
        "tel:+49305550142",
        "Included: five page types",
    ):
        assert words in page.text
    assert (
        page.text.index("Information architecture</span>")
        < page.text.index("Today,")
        < page.text.index("Visual design</span>")
    )


async def test_a_project_without_plan_or_team_explains_itself(browse, standin):
    standin.state["projects"][0] |= {
        "milestones": [],
        "team": [],
        "next_milestone": None,
        "scope": "",
        "starts_on": None,
    }
    page = await browse(ANNA).get(f"/projects/{uid(1)}")
    assert "No milestones yet" in page.text
    assert "No team yet" in page.text


async def test_a_project_that_hides_its_progress_shows_a_plan_and_no_states(browse, standin):
    """As the service tells it: null, and not a state that would be wrong."""
    project = standin.state["projects"][1]
    project |= {"completion": None, "milestones_total": None, "milestones_completed": None}
    for milestone in project["milestones"]:
        milestone |= {"status": None, "completed_on": None}
    page = await browse(ANNA).get(f"/projects/{uid(2)}")
    assert page.status_code == 200
    plan = page.text[page.text.index('class="timeline"') :]
    assert "Visual design" in plan
    plan = plan[: plan.index("</ol>")]
    assert not [word for word in ("Completed", "In progress", "Upcoming", "Overdue", "planned") if word in plan]


async def test_an_open_page_that_refreshes_itself_says_so_and_a_person_does_not(browse, standin):
    browser = browse(ANNA)
    for path, itself in ((f"/projects/{uid(2)}", None), (f"/widgets/projects/{uid(2)}/plan", "true")):
        standin.calls.clear()
        assert (await browser.get(path, headers={"X-Portal-Refresh": "true"})).status_code == 200
        asked = [call for call in standin.calls if call.path == f"/projects/{uid(2)}"]
        assert {call.headers.get("X-Portal-Refresh") for call in asked} == {itself}


async def test_activity_never_holds_the_project_up(browse, standin, hurried):
    standin.delay = {"/activity": LATE}
    page = await browse(ANNA).get(f"/projects/{uid(1)}")
    assert page.status_code == 200
    assert f'hx-get="/widgets/projects/{uid(1)}/activity" hx-trigger="load, refresh"' in page.text


async def test_activity_of_a_project_is_that_projects_only(browse, standin):
    await browse(ANNA).get(f"/projects/{uid(2)}")
    call = next(call for call in standin.calls if call.path == "/activity")
    assert call.query["project_id"] == uid(2)


async def test_widgets_of_a_project_are_fragments(browse):
    for part, words in (("plan", "Milestones"), ("team", "Jonas Weber"), ("activity", "now at risk")):
        fragment = await browse(ANNA).get(f"/widgets/projects/{uid(2)}/{part}", headers=FRAGMENT)
        assert words in fragment.text
        assert "<html" not in fragment.text


async def test_only_who_manages_projects_gets_the_buttons(browse):
    for path in (f"/projects/{uid(1)}", "/projects", "/"):
        assert "Edit" not in (await browse(ANNA).get(path)).text
    page = (await browse(CLARA).get(f"/projects/{uid(1)}")).text
    assert f'action="/projects/{uid(1)}/status"' in page
    assert "/reopen" in page
    assert "/complete" in page
    assert f'href="/projects/{uid(1)}/milestones/new"' in page


async def test_staff_on_a_project_listen_to_its_clients_events(browse, standin):
    page = await browse(CLARA).get(f"/projects/{uid(1)}")
    assert f'data-events="/api/events/{standin.state["projects"][0]["client_id"]}"' in page.text


async def test_a_part_that_is_no_longer_the_readers_takes_the_page_with_it(browse, standin):
    """A project that was withdrawn while its page was open: the next refresh puts words in the place of the content."""
    standin.refuse(f"/projects/{uid(1)}", 404)
    answer = await browse(ANNA).get(f"/widgets/projects/{uid(1)}/plan", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-retarget"]) == (404, "main")
    assert "no longer shared with you" in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("reader", [ANNA, CLARA])
async def test_an_open_milestone_whose_day_has_passed_is_overdue_wherever_the_next_one_stands(browse, standin, reader):
    """The page, the card, the client's page and a dashboard that is the one project say it in the same words."""
    project = next(each for each in standin.state["projects"] if each["id"] == uid(1))
    standin.state["projects"] = [project]
    project["next_milestone"] = {"id": uid(104), "name": "Build", "target_on": "2020-11-25"}
    paths = [f"/projects/{uid(1)}", "/projects", "/", f"/widgets/projects/{uid(1)}/plan"]
    for path in paths + ([f"/clients/{project['client_id']}"] if reader is CLARA else []):
        page = (await browse(reader).get(path)).text
        assert re.search(r'is-over">Overdue since <time datetime="2020-11-25">25 Nov', page), path
