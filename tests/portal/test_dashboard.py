"""The dashboard: complete in time, honest when a part is late or missing, and one project where there is one."""

import copy
import re

import pytest
from msgspec.structs import replace

from tests.portal.patience import LATE
from tests.portal.people import ANNA, CLARA, MIA
from tests.portal.standin import ACME, ago, thing, uid


async def test_everything_is_on_the_page_at_once(browse):
    page = await browse(ANNA).get("/")
    for words in (
        "Active projects",
        "Website relaunch",
        "Customer portal",
        "Jonas Weber finished Visual design",
        "All activity",
    ):
        assert words in page.text
    assert 'hx-trigger="load' not in page.text


async def test_greeting_follows_the_readers_clock_and_is_neutral_without_one(browse):
    browser = browse(ANNA)
    assert "Welcome, Anna" in (await browser.get("/")).text
    browser.cookies.set("portal_zone", "Pacific/Auckland")
    assert "Good " in (await browser.get("/")).text
    browser.cookies.set("portal_zone", "../../etc/passwd")
    assert "Welcome, Anna" in (await browser.get("/")).text


async def test_activity_is_asked_once_for_all_that_a_page_shows_of_a_client(browse, standin):
    await browse(ANNA).get("/")
    assert sorted(call.path for call in standin.calls) == [
        "/auth/organisations",
        "/notifications/unread",
        "/overview",
        "/projects",
    ]


async def test_a_part_alone_asks_for_what_it_shows_and_no_more(browse, standin):
    """A page that is open fetches it with each event."""
    shown = {"kpis": "Active projects", "coming": "Information architecture", "activity": "finished Discovery"}
    for part, words in shown.items():
        assert words in (await browse(ANNA).get(f"/widgets/dashboard/{part}")).text
    assert [(call.path, call.query["client_id"]) for call in standin.calls] == [("/overview", ACME)] * 3
    assert [call.query["part"] for call in standin.calls] == ["kpis", "turn", "newest"]
    assert (await browse(CLARA).get("/widgets/dashboard/clients")).text.count("Acme GmbH") == 1
    assert standin.calls[-1].query == {"part": "clients"}


async def test_a_late_widget_comes_as_a_skeleton_that_loads_itself(browse, standin, hurried):
    standin.delay["/overview"] = LATE
    browser = browse(ANNA)
    page = await browser.get("/")
    assert re.findall(r'<section id="(\w+)"[^>]+ hx-trigger="load, refresh"', page.text) == [
        "kpis",
        "coming",
        "activity",
    ]
    assert 'aria-busy="true"' in page.text
    assert "Website relaunch" in page.text
    standin.delay.clear()
    fragment = await browser.get("/widgets/dashboard/kpis", headers={"HX-Request": "true"})
    assert "Active projects" in fragment.text
    assert "<html" not in fragment.text
    assert fragment.headers["Vary"].startswith("HX-Request")


async def test_a_failing_widget_says_so_and_offers_a_retry(browse, standin):
    standin.refuse("/overview", 500)
    page = await browse(ANNA).get("/")
    assert page.status_code == 200
    for part in ("The key figures", "What is coming up", "The activity"):
        assert f"— {part} could not be loaded." in page.text
    assert page.text.count(" data-failed ") == 3
    assert "data-retry" in page.text
    assert "Website relaunch" in page.text
    for path in ("dashboard/kpis", "dashboard/coming", "dashboard/activity"):
        assert (await browse(ANNA).get(f"/widgets/{path}")).status_code == 503


async def test_a_failing_figure_is_a_dash(browse, standin):
    standin.state["kpis"][0]["value"] = None
    page = await browse(ANNA).get("/")
    assert '<p class="figure">—</p>' in page.text


async def test_a_figure_without_a_value_may_say_why(browse, standin):
    standin.state["kpis"][0] |= {"value": None, "comparison_label": ""}
    standin.state["kpis"][2] |= {"value": None, "comparison_label": "Nothing is due"}
    page = await browse(ANNA).get("/")
    assert "Not available right now" in page.text
    assert "Nothing is due" in page.text


async def test_a_figure_without_comparison_has_no_arrow(browse, standin):
    for item in standin.state["kpis"]:
        item |= {"previous": None, "change": None, "direction": None, "good": None, "comparison_label": ""}
    page = await browse(ANNA).get("/widgets/dashboard/kpis", headers={"HX-Request": "true"})
    assert "<strong>" not in page.text


async def test_all_services_down_is_still_a_page(browse, standin):
    standin.refuse("/", 503)
    page = await browse(ANNA).get("/")
    assert page.status_code == 200
    assert page.text.count("could not be loaded") == 4


async def test_with_one_active_project_the_dashboard_is_that_project(browse, standin):
    standin.state["projects"][1]["status"] = "completed"
    page = await browse(ANNA).get("/")
    assert "Your project:" in page.text
    assert "Information architecture" in page.text
    assert "jonas@northwind.example" in page.text
    assert 'hx-get="/widgets/dashboard/activity"' in page.text
    assert 'id="projects"' not in page.text


async def test_staff_over_all_clients_see_cards_even_with_one_project(browse, standin):
    standin.state["projects"] = standin.state["projects"][:1]
    page = await browse(CLARA).get("/")
    assert 'id="projects"' in page.text
    assert "All clients" in page.text
    assert 'id="coming"' not in page.text


async def test_staff_over_all_clients_see_figures_who_needs_attention_and_that_something_happens(browse, standin):
    page = await browse(CLARA).get("/")
    assert sorted((call.path, call.query.get("client_id")) for call in standin.calls) == [
        ("/notifications/unread", None),
        ("/overview", None),
        ("/projects", None),
    ]
    table = page.text.partition('<section id="clients"')[2].partition("</section>")[0]
    for words in (
        f'href="/clients/{ACME}"',
        "Acme GmbH",
        '<span class="nowrap is-over strong">2</span>',
        "6 more clients have something overdue or waiting",
    ):
        assert words in table
    assert page.text.index("Key figures") < page.text.index("Overdue and waiting, by client")
    for path in ("/", "/projects", "/activity", "/notifications"):
        assert 'data-events="/api/events/all"' in (await browse(CLARA).get(path)).text, path
    assert "data-events" not in (await browse(CLARA).get("/people")).text
    standin.state["attention"] = []
    assert "No date has passed, and nothing waits" in (await browse(CLARA).get("/")).text
    assert 'id="clients"' not in (await browse(ANNA).get("/")).text


async def test_feedback_people_get_a_page_that_says_what_their_role_is_and_whom_to_ask(browse, standin):
    standin.refuse("/projects", 403)
    page = await browse(MIA).get("/")
    assert page.status_code == 200
    main = page.text[page.text.index("<main") :]
    for words in ("Your role is “Feedback only”", "for the role “Viewer”", "your primary contact", "Anna Keller"):
        assert words in main
    assert re.findall(r"\b(?:yet|as soon as|appears here)\b", main) == []
    asked = {"/auth/contacts", "/auth/organisations", "/notifications/unread", "/people"}
    assert {call.path for call in standin.calls} == asked


@pytest.mark.parametrize("roles", [MIA.project_roles, {}], ids=["feedback only", "no role"])
async def test_who_sees_no_project_has_no_empty_places_in_the_navigation(browse, roles):
    for path in ("/", "/projects", "/profile"):
        page = (await browse(replace(MIA, project_roles=roles)).get(path)).text
        for place in ("/projects", "/activity"):
            assert f'<a href="{place}"' not in page
            assert f'data-place="{place}"' not in page
    assert '<a href="/projects"' in (await browse(ANNA).get("/profile")).text


async def test_no_projects_is_an_explained_empty_state(browse, standin):
    standin.state["projects"], standin.state["activity"] = [], []
    page = await browse(ANNA).get("/")
    assert "No projects yet" in page.text
    assert "Nothing has happened yet" in page.text
    standin.state["company_contact"] = {"name": "Clara Hoffmann", "email": "clara@northwind.example"}
    for path in ("/", "/widgets/dashboard/projects"):
        page = await browse(ANNA).get(path)
        assert 'href="mailto:clara@northwind.example"' in page.text, path
        assert "shares a project with you, its status, milestones" in page.text, path


async def test_staff_who_look_at_one_client_without_projects_find_an_empty_state(browse, standin):
    standin.state["projects"], standin.state["activity"] = [], []
    clara = browse(CLARA)
    clara.cookies.set("portal_client", ACME)
    for path in ("/", "/widgets/dashboard/projects"):
        page = await clara.get(path)
        assert (page.status_code, "No projects yet" in page.text) == (200, True), path


async def test_who_has_no_role_reads_whom_to_ask_and_what_will_appear(browse, standin):
    page = (await browse(replace(MIA, project_roles={})).get("/")).text
    assert "feedback" not in page[page.index("<main") :]
    for words in ("You have no role in a project yet", "your contact at Northwind Studio", "milestones"):
        assert words in page
    standin.state["company_contact"] = {"name": "Clara Hoffmann", "email": "clara@northwind.example"}
    for role in ({}, MIA.project_roles):
        page = (await browse(replace(MIA, project_roles=role)).get("/")).text
        assert 'href="mailto:clara@northwind.example"' in page
        assert "Your contact at Northwind Studio" in page
    standin.refuse("/people", 503)
    assert "You have no role in a project yet" in (await browse(replace(MIA, project_roles={})).get("/")).text


async def test_feedback_people_are_not_told_that_there_is_nothing(browse, standin):
    standin.state["projects"], standin.state["activity"] = [], []
    for path, words in (("/projects", "Projects are not shown"), ("/activity", "Activity is not shown")):
        page = (await browse(MIA).get(path)).text
        assert words in page
        assert "You have no role in a project yet" in (await browse(replace(MIA, project_roles={})).get(path)).text
        assert not re.search(r"\byet\b", page.partition("<main")[2])


async def test_what_waits_for_the_reader_comes_before_what_is_due(browse, standin):
    first = standin.state["projects"][0]["milestones"][5]
    waits = thing(first, standin.state["projects"][0]) | {"turn": {"side": "client", "since": ago(days=2)}}
    alone = waits | {"id": uid(700), "title": "Sign the order", "project": None, "due_on": None}
    standin.state["turn"] = [waits, alone]
    panel = (await browse(ANNA).get("/")).text.partition('<section id="coming"')[2].partition("</section>")[0]
    assert panel.index("Your turn") < panel.index("Content migration") < panel.index("Sign the order")
    assert panel.index("Waiting since") < panel.index("Coming up") < panel.index("Information architecture")
    assert panel.count("Content migration") == 1
    assert f'href="/projects/{uid(1)}#milestone-{first["id"]}"' in panel


async def test_nothing_that_waits_or_is_due_takes_no_place(browse, standin):
    standin.state["projects"] = [standin.state["projects"][2]]
    for path in ("/", "/widgets/dashboard/coming"):
        panel = (await browse(ANNA).get(path)).text.partition('<section id="coming"')[2].partition("</section>")[0]
        assert panel.partition(">")[0].endswith(" hidden"), path
        assert "Coming up" not in panel


async def test_client_people_listen_to_their_own_events(browse):
    page = await browse(ANNA).get("/")
    assert f'data-events="/api/events/{ACME}"' in page.text


async def test_an_overdue_next_milestone_says_so_in_words(browse):
    page = await browse(ANNA).get("/widgets/dashboard/projects", headers={"HX-Request": "true"})
    assert "Overdue since" in page.text
    assert uid(2) in page.text


async def test_the_session_check_says_nothing_or_leads_to_sign_in(browse):
    assert (await browse(ANNA).get("/widgets/session")).status_code == 204
    lost = await browse().get(
        "/widgets/session", headers={"HX-Request": "true", "HX-Current-URL": "http://portal.test/profile"}
    )
    assert (lost.status_code, lost.headers["HX-Redirect"]) == (401, "/sign-in?next=%2Fprofile&ended=1")


async def test_what_needs_attention_comes_first(browse, standin):
    standin.state["projects"][2]["status"] = "delayed"
    page = await browse(ANNA).get("/")
    assert (
        page.text.index("Brand refresh</a>")
        < page.text.index("Customer portal</a>")
        < page.text.index("Website relaunch</a>")
    )


async def test_an_old_project_at_risk_comes_before_fifty_new_ones_that_run_well(browse, standin):
    first = standin.state["projects"][0]
    fine = [{**copy.deepcopy(first), "id": uid(500 + n), "status": "on_track", "name": f"Fine {n}"} for n in range(60)]
    standin.state["projects"] = [*fine, {**copy.deepcopy(first), "id": uid(600), "status": "at_risk", "name": "Old"}]
    page = (await browse(ANNA).get("/widgets/dashboard/projects")).text
    assert 0 < page.index("Old</") < page.index("Fine 0</")
