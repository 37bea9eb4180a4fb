"""Staff start and change projects, and say how they stand."""

import html
import re
from urllib.parse import urlencode
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.portal.look import whose
from tests.portal.people import ANNA, CLARA, JONAS, MIA
from tests.portal.personnel import EMIL_ID, JONAS_ID
from tests.portal.standin import ACME, uid

FRAGMENT = {"HX-Request": "true"}
PROJECT = f"/projects/{uid(1)}"
EDIT, STATUS = f"{PROJECT}/edit", f"{PROJECT}/status"
MINIMAL = {"client_id": ACME, "name": "Shop", "status": "on_track"}


def typed(page: str, begin: str = '<form class="panel form-page"') -> dict[str, str]:
    """Every input of the page's form as a browser would send it back: of boxes only those that are ticked."""
    form = page[page.index(begin) :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form[: form.index("</form>")]):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes["type"] in ("checkbox", "radio") and " checked" not in tag:
            continue
        found[attributes["name"]] = html.unescape(attributes.get("value", "on"))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(text).replace("\n", "\r\n")
    for name, options in re.findall(r'<select[^>]*name="([\w-]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else re.search(r'value="([^"]*)"', options)[1]
    return found


async def test_a_project_is_started_with_its_team(browse, standin):
    browser = browse(CLARA)
    form = {**MINIMAL, "description": "A shop", "scope": "One\r\nTwo", "starts_on": "2026-03-01", "ends_on": "", "completion": "",
            "team-0-name": "Ada", "team-0-role": "Lead", "team-0-email": "ada@northwind.example", "team-0-phone": "",
            "team-1-name": "", "team-1-role": "", "team-1-email": "", "team-1-phone": ""}  # fmt: skip
    answer = await browser.post("/projects/new", data=form)
    assert answer.headers["location"] == f"/projects/{uid(501)}"
    [(method, path, body)] = standin.written
    assert (method, path) == ("POST", "/projects")
    assert body == {
        "client_id": ACME,
        "name": "Shop",
        "description": "A shop",
        "scope": "One\nTwo",
        "status": "on_track",
        "starts_on": "2026-03-01",
        "ends_on": None,
        "completion": None,
        "private": False,
        "hidden_fields": [],
        "team": [{"name": "Ada", "role": "Lead", "email": "ada@northwind.example", "phone": None}],
    }
    assert "Shop has started" in (await browser.get(answer.headers["location"])).text


async def test_the_client_is_chosen_already_where_the_way_led_over_it(browse):
    browser = browse(CLARA)
    assert f'value="{ACME}" selected' in (await browser.get("/projects/new", params={"client_id": ACME})).text
    assert f'value="{ACME}" selected' not in (await browser.get("/projects/new")).text
    browser.cookies.set("portal_client", ACME)
    assert f'value="{ACME}" selected' in (await browser.get("/projects/new")).text


async def test_only_active_clients_are_offered(browse, standin):
    standin.state["clients"][1]["active"] = False
    page = (await browse(CLARA).get("/projects/new")).text
    assert "Acme GmbH</option>" in page
    assert "Birch Ltd</option>" not in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("client_id", "", "Choose a client."),
        ("name", " ", "Give the project a name."),
        ("starts_on", "soon", "Write the date as year-month-day"),
        ("starts_on", "0026-03-01", "Write all four digits of the year, from 1970 to 2199."),
        ("ends_on", "9999-12-31", "Write all four digits of the year, from 1970 to 2199."),
        ("ends_on", "2026-02-30", "Write the date as year-month-day"),
        ("completion", "101", "Write a whole number from 0 to 100."),
        ("completion", "half", "Write a whole number from 0 to 100."),
        ("team-0-role", "Lead", "Who is it?"),
        ("team-0-name", "Ada", "What do they do?"),
        ("team-0-email", "ada", "Such as name@company.com."),
        ("team-0-phone", "call me", "Write digits, spaces and + ( ) / . - or leave it empty."),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(browse, standin, field, value, words):
    page = await browse(CLARA).post("/projects/new", data={**MINIMAL, "scope": "Kept <b>", field: value})
    assert page.status_code == 422
    assert words in page.text
    assert "Kept &lt;b&gt;</textarea>" in page.text
    if value.strip() and field != "client_id":
        assert f'value="{value}"' in page.text
    assert standin.written == []


@pytest.mark.parametrize(
    ("field", "place"),
    [("ends_on", "error-ends_on"), ("team[...].email", "error-team"), ("client_id", "error-client_id")],
)
async def test_what_the_service_finds_stands_beside_its_field_too(browse, standin, field, place):
    standin.say(
        "/projects",
        422,
        "invalid",
        "No.",
        errors=[{"field": field, "message": "A project cannot end before it starts."}],
    )
    page = await browse(CLARA).post("/projects/new", data={**MINIMAL, "ends_on": "2020-01-01"})
    assert page.status_code == 422
    assert f'id="{place}"' in page.text
    assert "A project cannot end before it starts." in page.text


async def test_a_client_the_projects_do_not_know_yet_asks_for_patience(browse, standin):
    standin.say("/projects", 404, "not_found", "There is nothing here.")
    page = await browse(CLARA).post("/projects/new", data=MINIMAL)
    assert page.status_code == 422
    assert "If it was added a moment ago, try again." in page.text
    assert 'value="Shop"' in page.text


@pytest.mark.parametrize("client_id", ["nonsense", uid(999), "<script>"])
async def test_a_client_id_somebody_made_up_is_refused_on_the_form(browse, standin, client_id):
    standin.say("/projects", 404, "not_found", "There is nothing here.")
    page = await browse(CLARA).post("/projects/new", data={**MINIMAL, "client_id": client_id})
    assert page.status_code == 422
    assert 'id="error-client_id"' in page.text


async def test_an_inactive_client_is_a_calm_sentence(browse, standin):
    standin.say("/projects", 409, "project.client_inactive", "This client is not active.")
    page = await browse(CLARA).post("/projects/new", data=MINIMAL)
    assert page.status_code == 409
    assert "This client is not active." in page.text


async def test_rows_are_added_and_removed_without_scripts(browse, standin):
    browser = browse(CLARA)
    page = await browser.post("/projects/new", data={**MINIMAL, "name": "", "row": "add"})
    assert page.status_code == 200
    assert 'name="team-0-name"' in page.text
    assert "Give the project a name." not in page.text
    page = await browser.post(EDIT, data={**typed((await browser.get(EDIT)).text), "row": "remove-0"})
    assert 'name="team-0-name"' not in page.text
    assert 'value="Clara Hoffmann"' in page.text
    page = await browser.post(EDIT, data={**typed(page.text), "row": "add"})
    assert 'name="team-5-name"' in page.text
    assert standin.written == []
    await browser.post(EDIT, data={**typed(page.text), "team-5-name": "Ada", "team-5-role": "Lead"})
    [(_, _, body)] = standin.written
    assert list(body) == ["team"]
    assert [member["name"] for member in body["team"]] == [
        "Clara Hoffmann",
        "Priya Nair",
        "Łukasz Żak",
        "Emil Sand",
        "Ada",
    ]


async def test_a_row_button_somebody_made_up_does_nothing(browse):
    browser = browse(CLARA)
    page = await browser.post("/projects/new", data={**MINIMAL, "row": "remove-<script>", "team-0-name": "Ada"})
    assert page.status_code == 200
    assert 'value="Ada"' in page.text
    assert "<script>" not in page.text.replace("<script src", "")


async def test_an_edit_sends_what_was_changed_with_the_version_it_was_opened_with(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    answer = await browser.post(EDIT, data={**form, "name": "Website relaunch 2", "ends_on": ""})
    assert answer.headers["location"] == PROJECT
    assert standin.written == [("PATCH", PROJECT, {"name": "Website relaunch 2", "ends_on": None})]
    assert standin.calls[-1].headers["If-Match"] == '"3"'


async def test_saving_nothing_asks_the_service_nothing(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    assert (await browser.post(EDIT, data=form)).headers["location"] == PROJECT
    assert standin.written == []


async def test_progress_is_set_by_hand_or_follows_the_milestones(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    assert form["completion"] == ""
    await browser.post(EDIT, data={**form, "completion": "70"})
    form = typed((await browser.get(EDIT)).text)
    assert form["completion"] == "70"
    await browser.post(EDIT, data={**form, "completion": ""})
    assert [body for _, _, body in standin.written] == [{"completion": 70}, {"completion": None}]


async def test_a_form_that_was_sent_twice_is_saved(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    for _ in range(2):
        assert (await browser.post(EDIT, data={**form, "name": "Mine"})).status_code == 303
    assert [body for _, _, body in standin.written] == [{"name": "Mine"}] * 2, "the second one was refused"


async def test_who_was_slower_sees_what_changed_and_by_whom_and_loses_nothing(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    standin.somebody_saves(PROJECT, name="Web <i>relaunch</i>", ends_on="2031-02-01")
    page = await browser.post(EDIT, data={**form, "name": "Mine", "scope": "My scope"})
    assert page.status_code == 412
    assert "Jonas Weber saved this" in page.text
    assert "data-ago>2 minutes ago</time>" in page.text
    assert "Web &lt;i&gt;relaunch&lt;/i&gt; <span" in page.text
    assert "you entered something else, kept below" in page.text
    assert "1 Feb 2031 <span" in page.text
    assert "taken over below" in page.text
    form = typed(page.text)
    assert (form["name"], form["scope"], form["ends_on"], form["version"]) == ("Mine", "My scope", "2031-02-01", "4")
    standin.calls.clear()
    assert (await browser.post(EDIT, data=form)).status_code == 303
    assert standin.written == [("PATCH", PROJECT, {"name": "Mine", "scope": "My scope"})]
    assert standin.calls[-1].headers["If-Match"] == '"4"'


async def test_a_collision_is_told_without_a_name_where_nobody_knows_it(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    standin.somebody_saves(PROJECT, status="delayed")
    standin.refuse("/activity", 500)
    page = await browser.post(EDIT, data={**form, "name": "Mine"})
    assert page.status_code == 412
    assert "Somebody saved this while you had it open" in " ".join(page.text.split())
    assert "Delayed <span" in page.text


async def test_oneself_in_another_window_is_called_you(browse, standin):
    browser = browse(replace(CLARA, id=UUID(uid(7))))
    form = typed((await browser.get(EDIT)).text)
    standin.somebody_saves(PROJECT, name="Other")
    assert "You saved this" in (await browser.post(EDIT, data={**form, "scope": "Mine"})).text


@pytest.mark.parametrize(("status", "words"), [(409, "Not now."), (403, "Not you."), (503, "Nothing was saved")])
async def test_a_refusal_of_the_whole_keeps_what_was_typed(browse, standin, status, words):
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    standin.say(PROJECT, status, "x", words)
    page = await browser.post(EDIT, data={**form, "name": "Mine"})
    assert page.status_code == status
    assert words in page.text
    assert typed(page.text) == {**typed(page.text), **form, "name": "Mine", "scope": form["scope"]}


async def test_the_status_is_one_click_and_the_page_comes_back(browse, standin):
    browser = browse(CLARA)
    answer = await browser.post(STATUS, data={"status": "delayed"})
    assert answer.headers["location"] == PROJECT
    assert standin.written == [("PATCH", PROJECT, {"status": "delayed"})]
    assert "Website relaunch: delayed" in (await browser.get(PROJECT)).text


async def test_with_scripts_the_status_changes_in_place(browse):
    answer = await browse(CLARA).post(STATUS, data={"status": "at_risk"}, headers=FRAGMENT)
    assert answer.text.strip().startswith('<div id="plan"')
    assert "At risk" in answer.text
    assert answer.headers["hx-trigger"] == (
        '{"toast": {"text": "Website relaunch: at risk", "tone": "done", "undo": null}}'
    )


async def test_a_status_there_is_not_is_refused(browse, standin):
    standin.say(PROJECT, 422, "invalid", "No.", errors=[{"field": "status", "message": "This is not one of them."}])
    assert (await browse(CLARA).post(STATUS, data={"status": "doomed"})).status_code == 422
    assert (await browse(CLARA).post(STATUS, data={})).status_code == 422


@pytest.mark.parametrize("path", ["/projects/new", EDIT])
@pytest.mark.parametrize("person", [ANNA, MIA, JONAS], ids=["approver", "feedback", "staff"])
async def test_forms_are_for_those_who_manage_projects(browse, standin, person, path):
    browser = browse(person)
    assert (await browser.get(path)).status_code == 403
    assert (await browser.post(path, data=MINIMAL)).status_code == 403
    assert (await browser.post(STATUS, data={"status": "completed"})).status_code == 403
    assert standin.calls == []


@pytest.mark.parametrize("person", [ANNA, JONAS], ids=["approver", "staff"])
async def test_the_project_shows_no_button_to_those_who_may_not(browse, person):
    for page in (PROJECT, "/projects"):
        shown = (await browse(person).get(page)).text
        for part in (EDIT, STATUS, "/projects/new", "milestones/new", "/complete", "/reopen", "/edit"):
            assert part not in shown
    assert EDIT in (await browse(CLARA).get(PROJECT)).text
    assert "/projects/new" in (await browse(CLARA).get("/projects")).text


async def test_an_unknown_project_is_a_calm_404(browse):
    assert (await browse(CLARA).get(f"/projects/{uid(999)}/edit")).status_code == 404


async def test_a_field_sent_twice_is_refused_not_a_crash(browse, standin):
    body = urlencode([("opened_by", whose(CLARA)), ("name", "a"), ("name", "b")])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browse(CLARA).post("/projects/new", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert standin.written == []


def in_team(standin, *people, role="Lead"):
    """Website relaunch with these of the staff, by their ids, in its team, after somebody from outside."""
    outside = {
        "name": "Free Lance",
        "role": "Copy",
        "email": "jonas@studio.example",
        "phone": "+49 40 1",
        "person_id": None,
    }
    copies = [{"name": "As chosen", "role": role, "person_id": each, "email": None, "phone": None} for each in people]
    standin.state["projects"][0]["team"] = [outside, *copies]


CHOSEN = {"name": "Jonas Weber", "role": "Project lead", "person_id": JONAS_ID}


@pytest.mark.parametrize("pressed", [{"row": "choose"}, {}], ids=["with its button", "with saving"])
async def test_a_member_is_chosen_from_the_staff(browse, standin, pressed):
    """The button, and saving without it: whoever is chosen is never lost."""
    browser = browse(CLARA)
    page = (await browser.get("/projects/new")).text
    offered = re.search(r'<select[^>]*name="colleague".*?</select>', page, re.DOTALL)[0]
    assert re.findall(r">([^<>]+)</option>", offered) == [
        "Choose a colleague",
        "Clara Hoffmann",
        "Jonas Weber",
        "Emil Sand",
    ]
    answer = await browser.post("/projects/new", data={**MINIMAL, "colleague": JONAS_ID, **pressed})
    if pressed:
        assert standin.written == []
        assert f'<option value="{JONAS_ID}"' not in answer.text
        assert f'<option value="{EMIL_ID}"' in answer.text
        await browser.post("/projects/new", data={**typed(answer.text), **MINIMAL})
    assert standin.written[-1][2]["team"] == [CHOSEN]


async def test_who_was_typed_with_the_same_address_becomes_the_one_who_is_chosen(browse, standin):
    row = {
        "team-4-name": "J. Weber",
        "team-4-role": "Copy",
        "team-4-email": "Member@Northwind.example",
        "team-4-phone": "1234",
    }
    await browse(CLARA).post("/projects/new", data={**MINIMAL, **row, "colleague": JONAS_ID})
    assert standin.written[-1][2]["team"] == [{**CHOSEN, "role": "Copy"}]


async def test_who_has_left_is_marked_and_not_offered(browse, standin):
    standin.person(JONAS_ID)["active"] = False
    in_team(standin, JONAS_ID)
    browser = browse(CLARA)
    page = (await browser.get(EDIT)).text
    assert "Jonas Weber <span" in page
    assert "Inactive" in page
    assert f'<option value="{JONAS_ID}"' not in page
    assert "Inactive" in (await browser.get(PROJECT)).text
    refused = await browser.post("/projects/new", data={**MINIMAL, "colleague": JONAS_ID})
    assert (refused.status_code, standin.written) == (422, [])
    assert "This person is no longer active." in refused.text


async def test_staff_are_called_and_reached_as_their_profile_says_today(browse, standin):
    in_team(standin, JONAS_ID)
    standin.person(JONAS_ID).update(name="Jonas Weber-Lang", phone="+49 30 99")
    for reader in (CLARA, ANNA):
        for path in (PROJECT, f"/widgets{PROJECT}/team"):
            page = (await browse(reader).get(path)).text
            for part in ("Jonas Weber-Lang", "mailto:member@northwind.example", "tel:+493099", "Free Lance"):
                assert part in page
            assert "As chosen" not in page
        for path in ("/projects", "/"):
            assert 'title="Jonas Weber-Lang, Lead"' in (await browse(reader).get(path)).text
    standin.refuse("/project-teams", 503)
    page = (await browse(ANNA).get(PROJECT)).text
    assert "As chosen" in page
    assert "member@northwind.example" not in page


async def test_a_new_name_of_staff_is_no_change_of_the_team(browse, standin):
    in_team(standin, JONAS_ID)
    browser = browse(CLARA)
    form = typed((await browser.get(EDIT)).text)
    assert form["team-1-name"] == "Jonas Weber"
    assert "team-1-email" not in form
    await browser.post(EDIT, data=form)
    assert standin.written == []
    await browser.post(EDIT, data={**form, "team-1-role": "Advice"})
    outside = {"name": "Free Lance", "role": "Copy", "email": "jonas@studio.example", "phone": "+49 40 1"}
    assert standin.written[-1][2] == {"team": [outside, {**CHOSEN, "role": "Advice"}]}


async def test_a_subcontractor_types_and_keeps_who_is_there(browse, standin):
    in_team(standin, JONAS_ID)
    limited = replace(CLARA, assignments={UUID(uid(1)): UUID(ACME)})
    browser = browse(limited)
    page = (await browser.get(EDIT)).text
    assert 'name="colleague"' not in page
    await browser.post(EDIT, data={**typed(page), "team-0-role": "Words", "colleague": EMIL_ID})
    assert [each.get("person_id") for each in standin.written[-1][2]["team"]] == [None, JONAS_ID]


async def test_the_form_opens_while_nobody_can_say_who_the_staff_are(browse, standin):
    standin.refuse("/people", 503)
    page = await browse(CLARA).get(EDIT)
    assert page.status_code == 200
    assert 'name="colleague"' not in page.text
    answer = await browse(CLARA).post(EDIT, data={**typed(page.text), "name": "Kept", "colleague": JONAS_ID})
    assert 'value="Kept"' in answer.text
    assert standin.written == []
