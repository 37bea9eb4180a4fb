"""Staff decide what the client sees; the client's pages show no gap where something is hidden."""

import json

import pytest
from msgspec.structs import replace

from services.portal.answers import ProjectDetail
from services.portal.projects.views import HIDEABLE
from shared.actor import Actor
from shared.contracts.words.projects import FIELDS
from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.standin import ACME, uid
from tests.portal.test_project_forms import typed

MANAGER = frozenset({"manageProjects"})
FRAGMENT = {"HX-Request": "true"}
PROJECT = f"/projects/{uid(1)}"
BUILD = uid(104)
OF = {"project_id": uid(1)}


def stored(standin, number: int = 1):
    return next(each for each in standin.state["projects"] if each["id"] == uid(number))


async def test_a_new_project_is_private_unless_one_says_otherwise(browse, standin):
    browser = browse(CLARA)
    form = typed((await browser.get("/projects/new")).text)
    assert form["private"] == "on"
    for sent, private in ((form, True), ({**form, "private": ""}, False)):
        await browser.post("/projects/new", data={**sent, "client_id": uid(11), "name": "Shop"})
        assert standin.written[-1][2]["private"] is private


async def test_a_new_milestone_is_private_where_the_client_would_see_it(browse, standin):
    """In a private project it is as private as the project."""
    browser = browse(CLARA)
    for private, ticked in ((False, "on"), (True, "")):
        stored(standin)["private"] = private
        form = typed((await browser.get(f"{PROJECT}/milestones/new")).text)
        assert form.get("private", "") == ticked
        await browser.post(f"{PROJECT}/milestones/new", data={**form, "name": "Legal", "target_on": "2031-03-01"})
        assert standin.written[-1][2]["private"] is bool(ticked)


async def test_a_refused_form_keeps_the_tick(browse, standin):
    browser = browse(CLARA)
    for sent in ("on", ""):
        page = await browser.post("/projects/new", data={"name": "", "private": sent})
        assert page.status_code == 422
        assert ('name="private" checked' in page.text) is bool(sent)


async def test_staff_read_who_sees_the_project_and_what_not(browse, standin):
    stored(standin)["hidden_fields"] = ["scope", "contact_details"]
    page = (await browse(JONAS).get(PROJECT)).text
    assert "sees this project, but not: scope, e-mail and phone of the team." in page
    assert "/withdraw" not in page, "only who manages projects is offered anything"
    page = (await browse(CLARA).get(PROJECT)).text
    assert f'action="{PROJECT}/withdraw"' in page
    stored(standin)["private"] = True
    page = (await browse(CLARA).get(PROJECT)).text
    assert "<strong>Only your team</strong> sees this project" in page
    assert f'action="{PROJECT}/share"' in page
    for path in ("/projects", f"/clients/{stored(standin)['client_id']}"):
        assert "Only your team</span>" in (await browse(CLARA).get(path)).text


@pytest.mark.parametrize("viewing", [False, True])
async def test_a_clients_page_says_nothing_of_visibility(browse, standin, viewing):
    """Nor does staff's own with the client's eyes."""
    project = stored(standin)
    project |= dict.fromkeys(("completion", "milestones_total", "milestones_completed", "starts_on", "ends_on"))
    project["scope"] = project["description"] = ""
    eyes = Actor(id=CLARA.id, kind="client", client_id=ANNA.client_id, is_primary_contact=True, read_only=True)
    browser = browse(eyes if viewing else ANNA)
    page = (await browser.get(PROJECT)).text
    for word in (
        "Only your team",
        "Client sees",
        "visibility",
        "Share",
        "Scope",
        "milestones done",
        "<progress",
        "None",
        "Planned end",
    ):
        assert word not in page, word
    cards = (await browser.get("/projects")).text
    assert project["name"] in cards
    assert "None" not in cards


async def test_sharing_asks_first_and_withdrawing_does_not(browse, standin):
    stored(standin)["private"] = True
    browser = browse(CLARA)
    page = await browser.get(f"{PROJECT}/share")
    assert (page.status_code, standin.written) == (200, [])
    assert "what happened so far" in page.text
    assert "<html" not in (await browser.get(f"{PROJECT}/share", headers=FRAGMENT)).text
    for verb in ("share", "withdraw"):
        answer = await browser.post(f"{PROJECT}/{verb}")
        assert (answer.status_code, answer.headers["location"]) == (303, PROJECT)
        assert standin.written[-1][:2] == ("POST", f"{PROJECT}/{verb}")


async def test_a_milestone_is_shared_and_withdrawn_in_its_place(browse, standin):
    browser = browse(CLARA)
    step = f"/milestones/{BUILD}"
    page = await browser.post(f"{step}/withdraw", data=OF, headers=FRAGMENT)
    assert 'id="plan"' in page.text
    assert "Only your team</span>" in page.text
    assert f'action="{step}/share"' in page.text
    page = await browser.get(f"{step}/share", params=OF)
    assert "sees the milestone from then on" in page.text
    answer = await browser.post(f"{step}/share", data=OF)
    assert answer.headers["location"] == f"{PROJECT}#milestone-{BUILD}"
    stored(standin)["private"] = True
    assert "once the project is shared" in (await browser.get(f"{step}/share", params=OF)).text


async def test_state_stands_in_words_and_what_was_withdrawn_can_be_shared_again(browse, standin):
    browser = browse(CLARA)
    page = (await browser.get(PROJECT)).text
    assert "Client sees this" in page
    assert page.count("Client sees this") == 1 + len(stored(standin)["milestones"])
    back = await browser.get((await browser.post(f"{PROJECT}/withdraw")).headers["location"])
    assert f'action="{PROJECT}/share">' in back.text[back.text.index("toast-undo") :]
    stored(standin)["private"] = False
    page = await browser.post(f"/milestones/{BUILD}/withdraw", data=OF, headers=FRAGMENT)
    toast = json.loads(page.headers["HX-Trigger"])["toast"]
    assert toast["undo"] == {"action": f"/milestones/{BUILD}/share", "fields": OF}


async def test_sharing_says_when_nobody_would_see_it_and_offers_to_give_access(browse, standin):
    project = stored(standin)
    project["private"] = True
    people = [each for each in standin.state["people"] if each["client_id"] == project["client_id"]]
    browser = browse(CLARA)
    for each in people:
        each |= {"is_primary_contact": False, "project_roles": {}}
    asked = (await browser.get(f"{PROJECT}/share")).text
    assert "nobody there has a role that shows it" in asked
    anna, felix = (f"person-{each['id']}" for each in people[:2])
    assert f'name="{felix}"' in asked
    assert "person-" not in (await browse(replace(CLARA, policies=MANAGER)).get(f"{PROJECT}/share")).text
    path = f"/people/{people[1]['id']}/project-roles"
    standin.say(path, 409, "x", "Not now.")
    version = {f"version-{people[1]['id']}": str(people[1]["version"])}
    refused = await browser.post(f"{PROJECT}/share", data={felix: "viewer", **version})
    assert refused.status_code == 409
    assert '<option value="viewer" selected>' in refused.text
    assert project["private"], "what nobody was given access to is not shared"
    standin.problems.clear()
    await browser.post(f"{PROJECT}/share", data={felix: "viewer", anna: "", **version})
    assert [call[1] for call in standin.written[-2:]] == [path, f"{PROJECT}/share"]
    assert standin.written[-2][2] == {"roles": {uid(1): "viewer"}}
    people[1]["project_roles"], project["private"] = {}, True
    people[0] |= {"project_roles": {uid(1): "viewer"}, "active": True, "portal_access": True}
    assert "nobody there has a role" not in (await browser.get(f"{PROJECT}/share")).text
    people[0]["project_roles"] = {uid(1): "feedback_only"}
    assert "nobody there has a role" in (await browser.get(f"{PROJECT}/share")).text, "it shows no project"
    people[0]["portal_access"] = False
    assert "nobody there has a role that shows it" in (await browser.get(f"{PROJECT}/share")).text


async def test_without_anybody_in_the_portal_sharing_leads_to_inviting_somebody(browse, standin):
    stored(standin)["private"] = True
    for each in standin.state["people"]:
        each["portal_access"] = False
    asked = (await browse(CLARA).get(f"{PROJECT}/share")).text
    assert f'href="/clients/{stored(standin)["client_id"]}/contacts"' in asked
    standin.refuse("/people", 503)
    assert "nobody there has a role" not in (await browse(CLARA).get(f"{PROJECT}/share")).text


async def test_a_new_project_that_nobody_there_sees_leads_to_giving_access(browse, standin):
    browser = browse(CLARA)
    sent = {"client_id": ACME, "name": "Shop", "status": "on_track"}
    seen = await browser.post("/projects/new", data=sent)
    assert not seen.headers["location"].endswith("/access")
    for each in standin.state["people"]:
        each |= {"is_primary_contact": False, "project_roles": {}}
    unseen = await browser.post("/projects/new", data=sent)
    assert unseen.headers["location"].endswith("/access")
    page = (await browser.get(f"{PROJECT}/access")).text
    assert "nobody there has a role that shows it" in page
    felix = next(each for each in standin.state["people"] if each["name"] == "Felix Brandt")
    sent = {f"person-{felix['id']}": "approver", f"version-{felix['id']}": str(felix["version"])}
    given = await browser.post(f"{PROJECT}/access", data=sent)
    assert (given.status_code, given.headers["location"]) == (303, PROJECT)
    assert standin.written[-1][2] == {"roles": {uid(1): "approver"}}
    assert f'name="person-{felix["id"]}"' not in (await browser.get(f"{PROJECT}/access")).text


async def test_why_it_cannot_be_shared_is_said_beside_the_plan(browse, standin):
    browser = browse(CLARA)
    words = "It depends on something private. Share that first: Legal."
    for path in (f"/milestones/{BUILD}/share", f"{PROJECT}/share"):
        standin.say(path, 409, "x", words)
        answer = await browser.post(path, data=OF)
        assert answer.status_code == 303
        assert words in (await browser.get(answer.headers["location"])).text


async def test_hidden_fields_are_ticked_saved_and_told_to_who_was_slower(browse, standin):
    stored(standin)["hidden_fields"] = ["scope"]
    browser = browse(CLARA)
    form = typed((await browser.get(f"{PROJECT}/edit")).text)
    assert form["hidden_fields-scope"] == "on"
    await browser.post(f"{PROJECT}/edit", data={**form, "hidden_fields-team": "on"})
    assert standin.written == [("PATCH", PROJECT, {"hidden_fields": ["scope", "team"]})]
    form = typed((await browser.get(f"{PROJECT}/edit")).text)
    standin.somebody_saves(PROJECT, hidden_fields=["completion"])
    page = await browser.post(f"{PROJECT}/edit", data={**form, "name": "Kept"})
    assert page.status_code == 412
    assert "Progress" in page.text[page.text.index('class="theirs"') :]


async def test_staff_see_in_the_feed_what_the_client_is_not_told(browse, standin):
    standin.state["activity"][0]["private"] = True
    assert (await browse(CLARA).get("/activity")).text.count("Only your team") == 1


async def test_a_role_that_shows_nothing_is_nobody_who_sees_the_project(browse, standin):
    people = [each for each in standin.state["people"] if each["client_id"] == ACME]
    for each in people:
        each |= {"is_primary_contact": False, "project_roles": {}, "portal_access": True, "active": True}
    people[0]["project_roles"] = {uid(1): "feedback_only"}
    browser = browse(CLARA)
    page = (await browser.get(PROJECT)).text
    assert "Shared, but nobody at" in page
    assert f'href="{PROJECT}/access"' in page
    assert "nobody there has a role that shows it" in (await browser.get(f"{PROJECT}/share")).text
    access = (await browser.get(f"{PROJECT}/access")).text
    assert '<option value="feedback_only" selected>' in access, "and can be raised here"
    people[0]["project_roles"] = {uid(1): "viewer"}
    assert "Shared, but nobody at" not in (await browser.get(PROJECT)).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"portal_enabled": False}, "The portal is closed for"),
        ({"active": False}, "is inactive"),
        ({"closed_modules": ["projects"]}, "The module Projects is closed for"),
    ],
)
async def test_what_keeps_everybody_out_is_said_wherever_sharing_is(browse, standin, change, words):
    standin.state["clients"][0] |= change
    for path in (PROJECT, f"{PROJECT}/share", f"{PROJECT}/access", f"/widgets{PROJECT}/plan"):
        page = (await browse(CLARA).get(path)).text
        assert words in page, path
        assert "Client sees this." not in page, path


@pytest.mark.parametrize("verb", ["share", "access"])
async def test_roles_given_meanwhile_are_kept_and_nothing_is_half_saved(browse, standin, verb):
    people = [each for each in standin.state["people"] if each["client_id"] == ACME]
    for each in people:
        each |= {"is_primary_contact": False, "project_roles": {}, "portal_access": True, "active": True, "version": 4}
    stored(standin)["private"] = True
    anna, felix = (each["id"] for each in people[:2])
    sent = {f"person-{each}": "viewer" for each in (anna, felix)} | {f"version-{anna}": "4", f"version-{felix}": "3"}
    browser = browse(CLARA)
    stale = await browser.post(f"{PROJECT}/{verb}", data=sent)
    assert stale.status_code == 412
    assert "Somebody changed who has access" in stale.text
    assert standin.written == []
    for key in ("xyz", uid(999)):
        assert (await browser.post(f"{PROJECT}/{verb}", data={f"person-{key}": "viewer"})).status_code == 412
    assert standin.written == []
    await browser.post(f"{PROJECT}/{verb}", data={**sent, f"version-{felix}": "4"})
    calls = [call for call in standin.calls if call.path.endswith("/project-roles")]
    assert [call.headers["If-Match"] for call in calls] == ['"4"', '"4"']


async def test_giving_access_has_no_button_where_everybody_has_it(browse, standin):
    for each in standin.state["people"]:
        each["is_primary_contact"] = True
    assert '<button class="btn btn-primary">Give access' not in (await browse(CLARA).get(f"{PROJECT}/access")).text


def test_a_field_has_one_name_in_the_form_the_hidden_list_and_the_feed():
    of_projects = [name for name in HIDEABLE if name in ProjectDetail.__struct_fields__ and name != "phase"]
    assert len(of_projects) > 5
    assert [FIELDS.get(name, name) for name in of_projects] == [HIDEABLE[name].inside for name in of_projects]
    assert [HIDEABLE[name].alone.lower() for name in of_projects] == [HIDEABLE[name].inside for name in of_projects]


async def test_a_client_whose_name_is_not_known_yet_is_called_so_in_each_case(browse, standin):
    """In German by the case that its place in the sentence has."""
    stored(standin)["client_name"] = ""
    standin.state["people"] = [each for each in standin.state["people"] if each["client_id"] != ACME]
    for language, nobody, sees in (
        ("en", "Shared, but nobody at <bdi>the client</bdi> can see it", "The client sees the project from then on"),
        ("de", "bei <bdi>dem Kunden</bdi> kann es noch niemand sehen", "Der Kunde sieht"),
    ):
        browser = browse(CLARA)
        browser.headers["Accept-Language"] = language
        assert nobody in (await browser.get(PROJECT)).text
        assert sees in (await browser.get(f"{PROJECT}/share")).text
