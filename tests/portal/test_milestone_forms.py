"""Staff add, change, complete and reopen milestones."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from shared.clock import moved_to
from tests.portal.people import ANNA, CLARA, JONAS, MIA
from tests.portal.standin import today, uid
from tests.portal.test_project_forms import typed

FRAGMENT = {"HX-Request": "true"}
PROJECT, NEW = f"/projects/{uid(1)}", f"/projects/{uid(1)}/milestones/new"
DESIGN, BUILD, GO_LIVE = uid(103), uid(104), uid(107)
OF = {"project_id": uid(1)}


def at(milestone: str, verb: str) -> str:
    return f"/milestones/{milestone}/{verb}"


@pytest.fixture
def noon(standin) -> Iterator[datetime]:
    """The clock stands at noon, and the story is told anew: no day ends while a test compares days."""
    noon = datetime.combine(today(), time(12, 30), UTC)
    with moved_to(noon):
        standin.reset()
        yield noon


async def opened(browser, milestone: str = BUILD) -> str:
    return (await browser.get(at(milestone, "edit"), params=OF)).text


async def test_a_milestone_is_added_with_what_it_depends_on(browse, standin):
    browser = browse(CLARA)
    form = {"name": "Handover", "description": "", "phase": "Launch", "starts_on": "", "target_on": "2031-03-01",
            f"depends_on-{BUILD}": "on", f"depends_on-{GO_LIVE}": "on"}  # fmt: skip
    answer = await browser.post(NEW, data=form)
    assert answer.headers["location"] == f"{PROJECT}#milestone-{uid(502)}"
    [(method, path, body)] = standin.written
    assert (method, path) == ("POST", f"{PROJECT}/milestones")
    assert sorted(body.pop("depends_on")) == [BUILD, GO_LIVE]
    assert body == {
        "name": "Handover",
        "description": "",
        "phase": "Launch",
        "starts_on": None,
        "target_on": "2031-03-01",
        "private": False,
    }
    assert "Handover is part of the plan" in (await browser.get(PROJECT)).text


async def test_phases_there_are_can_be_chosen_and_others_typed(browse):
    page = (await browse(CLARA).get(NEW)).text
    assert '<datalist id="phases"><option value="Prepare">' in page
    assert 'list="phases"' in page


async def test_name_and_date_are_needed_and_the_rest_is_kept(browse, standin):
    form = {"name": "", "description": "Kept & <b>", "target_on": "", f"depends_on-{BUILD}": "on"}
    page = await browse(CLARA).post(NEW, data=form)
    assert page.status_code == 422
    assert "Give the milestone a name." in page.text
    assert "When is it to be reached?" in page.text
    assert "Kept &amp; &lt;b&gt;</textarea>" in page.text
    assert f'name="depends_on-{BUILD}" checked' in page.text
    assert standin.written == []


@pytest.mark.parametrize(
    ("field", "words"), [("depends_on", "A milestone cannot depend on itself."), ("target_on", "Not before the start.")]
)
async def test_a_cycle_and_a_wrong_date_are_told_where_they_are(browse, standin, field, words):
    browser = browse(CLARA)
    form = typed(await opened(browser))
    standin.say(at(BUILD, "")[:-1], 422, "x", words, errors=[{"field": field, "message": words}])
    page = await browser.post(at(BUILD, "edit"), data={**form, "name": "Kept", f"depends_on-{GO_LIVE}": "on"})
    assert page.status_code == 422
    assert f'id="error-{field}"' in page.text
    assert words in page.text
    assert 'value="Kept"' in page.text
    assert f'name="depends_on-{GO_LIVE}" checked' in page.text


async def test_an_edit_sends_what_was_changed_with_its_version(browse, standin):
    browser = browse(CLARA)
    page = await opened(browser)
    assert f"depends_on-{BUILD}" not in page
    form = typed(page)
    assert f"depends_on-{DESIGN}" in form
    del form[f"depends_on-{DESIGN}"]
    answer = await browser.post(at(BUILD, "edit"), data={**form, "target_on": "2031-01-01", "phase": ""})
    assert answer.headers["location"] == f"{PROJECT}#milestone-{BUILD}"
    assert standin.written == [
        ("PATCH", f"/milestones/{BUILD}", {"phase": None, "target_on": "2031-01-01", "depends_on": []})
    ]
    assert standin.calls[-1].headers["If-Match"] == '"1"'


async def test_an_edit_of_nothing_asks_the_service_nothing(browse, standin):
    browser = browse(CLARA)
    answer = await browser.post(at(BUILD, "edit"), data=typed(await opened(browser)))
    assert answer.status_code == 303
    assert standin.written == []


async def test_a_form_that_was_sent_twice_is_saved(browse):
    browser = browse(CLARA)
    form = typed(await opened(browser))
    for _ in range(2):
        assert (await browser.post(at(BUILD, "edit"), data={**form, "name": "Mine"})).status_code == 303


async def test_who_was_slower_sees_what_changed_and_by_whom_and_loses_nothing(browse, standin):
    browser = browse(CLARA)
    form = typed(await opened(browser))
    standin.somebody_saves(f"/milestones/{BUILD}", target_on="2031-02-01", depends_on=[GO_LIVE])
    page = await browser.post(at(BUILD, "edit"), data={**form, "name": "Mine"})
    assert page.status_code == 412
    assert "Jonas Weber saved this" in page.text
    assert "1 Feb 2031 <span" in page.text
    assert "Go-live <span" in page.text
    form = typed(page.text)
    assert (form["name"], form["target_on"], form["version"]) == ("Mine", "2031-02-01", "2")
    assert [name for name in form if name.startswith("depends_on-")] == [f"depends_on-{GO_LIVE}"]
    assert (await browser.post(at(BUILD, "edit"), data=form)).status_code == 303
    assert standin.written[-1] == ("PATCH", f"/milestones/{BUILD}", {"name": "Mine"})


async def test_one_click_completes_and_leads_back_to_its_place(browse, standin, noon):
    browser = browse(CLARA)
    page = (await browser.get(PROJECT)).text
    assert f'action="{at(BUILD, "complete")}" method="post"' in page
    answer = await browser.post(at(BUILD, "complete"), data=OF)
    assert answer.headers["location"] == f"{PROJECT}#milestone-{BUILD}"
    assert standin.written == [("POST", at(BUILD, "complete"), {"completed_on": noon.date().isoformat()})]
    assert "Build is completed" in (await browser.get(PROJECT)).text


async def test_with_scripts_the_plan_changes_in_place(browse, standin):
    standin.calls.clear()
    answer = await browse(CLARA).post(at(BUILD, "complete"), data=OF, headers=FRAGMENT)
    assert answer.text.strip().startswith('<div id="plan"')
    assert f'action="{at(BUILD, "reopen")}"' in answer.text
    assert '"text": "Build is completed"' in answer.headers["hx-trigger"]
    assert answer.headers["x-portal-changed"] == BUILD
    assert [call.path for call in standin.calls if call.path.startswith("/projects")] == [PROJECT]


async def test_what_was_refused_counts_as_no_change(browse, standin):
    """Its tab waits for no event of its own."""
    standin.say(at(BUILD, "complete"), 409, "milestone.dependencies_open", "Design is open.")
    answer = await browse(CLARA).post(at(BUILD, "complete"), data=OF, headers=FRAGMENT)
    assert answer.text.strip().startswith('<div id="plan"')
    assert "x-portal-changed" not in answer.headers


async def test_a_toast_in_a_header_is_ascii_whatever_the_name(browse, standin):
    standin.state["projects"][0]["milestones"][4]["name"] = "Büro\nübergeben 🎉"
    answer = await browse(CLARA).post(at(BUILD, "complete"), data=OF, headers=FRAGMENT)
    assert answer.headers["hx-trigger"].isascii()
    assert "\n" not in answer.headers["hx-trigger"]


async def test_completing_twice_or_too_early_is_a_calm_word_beside_the_plan(browse, standin):
    browser = browse(CLARA)
    answer = await browser.post(at(DESIGN, "complete"), data=OF)
    assert answer.status_code == 303
    assert "This milestone is completed already." in (await browser.get(PROJECT)).text
    standin.say(at(BUILD, "complete"), 409, "x", "Something it depends on is not completed yet: " + "x" * 400)
    in_place = await browser.post(at(BUILD, "complete"), data=OF, headers=FRAGMENT)
    assert in_place.text.strip().startswith('<div id="plan"')
    assert '"tone": "risk"' in in_place.headers["hx-trigger"]
    await browser.post(at(BUILD, "complete"), data=OF)
    assert "Something it depends on" in (await browser.get(PROJECT)).text


async def test_another_day_may_be_entered_on_the_form(browse, standin, noon):
    browser = browse(CLARA)
    assert f'name="completed_on" type="date"\n    value="{noon.date().isoformat()}"' in await opened(browser)
    await browser.post(at(BUILD, "complete"), data={**OF, "completed_on": "2026-01-31"})
    assert standin.written == [("POST", at(BUILD, "complete"), {"completed_on": "2026-01-31"})]


async def test_today_is_the_readers_where_they_act_and_the_companys_where_they_read(browse, standin, noon):
    """At noon in London it is tomorrow in Auckland: the form and the click mean that day, due dates do not."""
    day, tomorrow = noon.date().isoformat(), (noon + timedelta(days=1)).date().isoformat()
    standin.state["projects"][0]["milestones"][4]["target_on"] = day
    browser = browse(CLARA)
    browser.cookies.set("portal_zone", "Pacific/Auckland")
    form = await opened(browser)
    assert f'name="completed_on" type="date"\n    value="{tomorrow}"' in form
    assert f'max="{tomorrow}"' in form
    plan = (await browser.get(PROJECT)).text
    assert f'<span>Today, <time datetime="{day}">' in plan
    await browser.post(at(BUILD, "complete"), data=OF)
    assert standin.written == [("POST", at(BUILD, "complete"), {"completed_on": tomorrow})]


@pytest.mark.parametrize("day", ["2999-01-01", "yesterday"])
async def test_a_day_that_cannot_be_is_told_beside_it_and_kept(browse, standin, day):
    words = "What is completed was completed today or earlier."
    standin.say(at(BUILD, "complete"), 422, "x", words, errors=[{"field": "completed_on", "message": words}])
    page = await browse(CLARA).post(at(BUILD, "complete"), data={**OF, "completed_on": day})
    assert page.status_code == 422
    assert 'id="error-completed_on"' in page.text
    assert f'value="{day}"' in page.text
    assert 'value="Build"' in page.text


async def test_reopening_asks_first_on_a_page_or_in_a_dialog(browse, standin):
    browser = browse(CLARA)
    page = (await browser.get(at(DESIGN, "reopen"), params=OF)).text
    dialog = (await browser.get(at(DESIGN, "reopen"), params=OF, headers=FRAGMENT)).text
    for shown in (page, dialog):
        assert "Reopen Visual design?" in shown
        assert f'action="{at(DESIGN, "reopen")}" method="post"' in shown
        assert f'name="project_id" value="{uid(1)}"' in shown
    assert "<html" in page
    assert "<html" not in dialog
    assert standin.written == []
    answer = await browser.post(at(DESIGN, "reopen"), data=OF)
    assert answer.headers["location"] == f"{PROJECT}#milestone-{DESIGN}"
    assert standin.written == [("POST", at(DESIGN, "reopen"), None)]
    assert "Visual design is open again" in (await browser.get(PROJECT)).text


async def test_reopening_what_others_rest_on_says_why_not(browse, standin):
    browser = browse(CLARA)
    standin.say(at(DESIGN, "reopen"), 409, "x", "Something completed rests on it. Reopen that first: Build.")
    assert (await browser.post(at(DESIGN, "reopen"), data=OF)).status_code == 303
    assert "Reopen that first: Build." in (await browser.get(PROJECT)).text


async def test_a_completed_milestone_can_be_reopened_from_its_form(browse):
    page = await opened(browse(CLARA), DESIGN)
    assert f'action="{at(DESIGN, "reopen")}"' in page
    assert "Completed on" in page
    assert "Mark as completed" not in page


@pytest.mark.parametrize("verb", ["edit", "complete", "reopen"])
@pytest.mark.parametrize("person", [ANNA, MIA, JONAS], ids=["approver", "feedback", "staff"])
async def test_milestones_are_for_those_who_manage_projects(browse, standin, person, verb):
    browser = browse(person)
    assert (await browser.post(at(BUILD, verb), data=OF)).status_code == 403
    assert (await browser.get(NEW)).status_code == 403
    assert (await browser.get(at(BUILD, "edit"), params=OF)).status_code == 403
    assert standin.calls == []


@pytest.mark.parametrize("of", [{}, {"project_id": "x"}, {"project_id": uid(999)}, {"project_id": uid(2)}])
async def test_a_milestone_of_another_project_is_not_there(browse, standin, of):
    browser = browse(CLARA)
    assert (await browser.get(at(BUILD, "edit"), params=of)).status_code in (400, 404)
    standin.say(f"/milestones/{BUILD}", 404, "not_found", "There is nothing here.")
    assert (
        await browser.post(at(BUILD, "edit"), data={**of, "name": "x", "target_on": "2031-01-01"})
    ).status_code == 404


async def test_a_date_input_takes_the_years_that_people_mean(browse, standin):
    for page in (NEW, f"{PROJECT}/edit", at(BUILD, "edit")):
        answer = (await browse(CLARA).get(page, params=OF)).text
        dates = re.findall(r'<input[^>]*type="date"[^>]*>', answer, re.DOTALL)
        assert dates
        assert all('min="1970-01-01"' in each and " max=" in each for each in dates), dates
