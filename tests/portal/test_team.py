"""The team of a client, in the hands of its primary contact."""

import re
from html import unescape

from msgspec.structs import replace

from tests.portal.people import ANNA, CLARA, MIA
from tests.portal.personnel import ANNA_ID, FELIX_ID
from tests.portal.standin import ACME, uid
from tests.portal.test_project_forms import typed

FRAGMENT = {"HX-Request": "true"}


async def test_the_list_names_roles_and_keeps_oneself_out_of_reach(browse, standin):
    page = (await browse(ANNA).get("/team")).text
    assert "Felix Brandt" in page
    assert re.search(r"<span>Website relaunch</span>\s*<span class=\"faint\">Viewer</span>", page)
    assert f'href="/team/{FELIX_ID}"' in page
    assert f'href="/team/{ANNA_ID}"' not in page
    assert "(you)" in page
    assert "Oliver Reed" not in page
    assert 'href="/team"' in (await browse(ANNA).get("/")).text
    assert 'href="/team"' not in (await browse(MIA).get("/")).text


async def test_an_address_that_is_too_long_for_its_line_breaks_before_its_domain(browse, standin):
    felix = next(each for each in standin.state["people"] if each["id"] == FELIX_ID)
    felix["email"] = "<felix>@acme.example"
    assert ">&lt;felix&gt;@<wbr>acme.example</span>" in (await browse(ANNA).get("/team")).text


async def test_a_closed_team_offers_nothing_to_press(browse, standin):
    standin.state["team_open"] = False
    page = (await browse(ANNA).get("/team")).text
    assert "manages this list" in page
    assert "/team/new" not in page
    assert "/deactivate" not in page
    assert (await browse(ANNA).get(f"/team/{FELIX_ID}")).status_code == 404
    assert (await browse(ANNA).get("/team/new")).headers["Location"] == "/team"


async def test_somebody_without_access_is_listed_as_that_and_offers_nothing(browse, standin):
    next(each for each in standin.state["people"] if each["id"] == FELIX_ID)["portal_access"] = False
    page = (await browse(ANNA).get("/team")).text
    assert "Felix Brandt" in page
    assert "No access" in page
    assert f"/team/{FELIX_ID}" not in page


async def test_who_was_invited_again_is_invited_whenever_they_were_here_before(browse, standin):
    """Their access was removed: when they last signed in stays known, and says nothing about whether they are in."""
    standin.person(FELIX_ID)["has_account"] = False
    standin.state["invitations"][FELIX_ID] = "sent"
    row = re.search(r"<tr>(?:(?!</tr>).)*Felix Brandt.*?</tr>", (await browse(ANNA).get("/team")).text, re.DOTALL)[0]
    assert "Invited" in row
    assert "Active" not in row
    assert "<time" in row


async def test_a_colleague_of_whom_only_the_last_name_is_known_has_a_page(browse, standin):
    standin.person(FELIX_ID).update(first_name="", name="Brandt")
    assert "Without a role, Brandt does not see the project." in (await browse(ANNA).get(f"/team/{FELIX_ID}")).text


async def test_an_invitation_with_roles(browse, standin):
    typed = {"first_name": "Nina", "last_name": "Vogt", "email": "nina@acme.example",
             f"role-{uid(1)}": "viewer", f"role-{uid(2)}": ""}  # fmt: skip
    answer = await browse(ANNA).post("/team/new", data=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, "/team")
    body = {
        "first_name": "Nina",
        "last_name": "Vogt",
        "email": "nina@acme.example",
        "project_roles": {uid(1): "viewer"},
    }
    assert standin.written == [("POST", "/team", body)]
    page = (await browse(ANNA).get("/team")).text
    assert "Invited" in page[page.index("Nina Vogt") :]


async def test_roles_that_wait_are_shown_and_changed_like_any(browse, standin):
    standin.person(FELIX_ID).update(project_roles={}, offered_roles={uid(1): "viewer"}, has_account=False)
    assert "Viewer, once accepted" in (await browse(ANNA).get("/team")).text
    page = (await browse(ANNA).get(f"/team/{FELIX_ID}")).text
    assert "Roles take effect when they accept" in page
    staff_page = (await browse(CLARA).get(f"/contacts/{FELIX_ID}")).text
    assert "has not accepted the invitation yet" in staff_page
    assert '<option value="viewer" selected>' in staff_page
    await browse(ANNA).post(f"/team/{FELIX_ID}", data=typed(page) | {f"role-{uid(1)}": ""})
    assert standin.written == [("PATCH", f"/team/{FELIX_ID}/project-roles", {"roles": {uid(1): None}})]


async def test_what_is_held_before_an_invitation_is_accepted_reads_like_what_waits(browse, standin):
    """A role of one kind in one project and of the other in another: both are shown, everywhere, as not yet there."""
    both = {"project_roles": {uid(1): "viewer"}, "offered_roles": {uid(2): "approver"}}
    standin.person(FELIX_ID).update(**both, has_account=False)
    row = (await browse(ANNA).get("/team")).text
    assert ("Viewer, once accepted" in row, "Approver, once accepted" in row) == (True, True)
    page = (await browse(ANNA).get(f"/team/{FELIX_ID}")).text
    assert "Roles take effect when they accept" in page
    assert {f"role-{uid(1)}": "viewer", f"role-{uid(2)}": "approver"}.items() <= typed(page).items()
    assert "2 projects, once accepted" in (await browse(CLARA).get("/people", params={"kind": "client"})).text
    assert "Approver · Viewer, once accepted" in (await browse(CLARA).get(f"/view-as?client_id={ACME}")).text


async def test_what_is_missing_or_refused_stays_in_the_form(browse, standin):
    empty = await browse(ANNA).post("/team/new", data={"email": "", f"role-{uid(1)}": "viewer"})
    assert empty.status_code == 422
    assert "Give an address." in empty.text
    assert '<option value="viewer" selected>' in empty.text
    standin.say("/team", 403, "team.role_above_own", "In that project, this is a role above your own.")
    typed = {"first_name": "Nina", "last_name": "Vogt", "email": "nina@acme.example", f"role-{uid(1)}": "approver"}
    refused = await browse(ANNA).post("/team/new", data=typed)
    assert refused.status_code == 403
    assert "a role above your own" in refused.text
    assert 'value="Nina"' in refused.text


async def test_roles_above_ones_own_are_not_offered(browse, standin):
    viewer = replace(ANNA, project_roles={})
    assert 'value="approver"' not in (await browse(viewer).get("/team/new")).text
    standin.person(FELIX_ID)["project_roles"] = {uid(1): "approver"}
    page = (await browse(viewer).get(f"/team/{FELIX_ID}")).text
    assert "Approver, above your own role" in page
    assert f'name="role-{uid(1)}"' not in page
    path = f"/team/{FELIX_ID}"
    opened = typed((await browse(ANNA).get(path)).text)
    assert (await browse(ANNA).post(path, data=opened)).status_code == 303
    assert standin.written == []
    await browse(ANNA).post(path, data=opened | {f"role-{uid(2)}": "viewer"})
    assert standin.written == [("PATCH", f"{path}/project-roles", {"roles": {uid(2): "viewer"}})]


async def test_who_was_slower_sees_what_the_other_decided(browse, standin):
    path = f"/team/{FELIX_ID}"
    opened = typed((await browse(ANNA).get(path)).text)
    standin.person(FELIX_ID).update(project_roles={uid(1): "approver"}, version=8)
    page = await browse(ANNA).post(path, data=opened | {f"role-{uid(2)}": "viewer"})
    assert page.status_code == 412
    assert "Website relaunch: Approver" in page.text
    assert (await browse(ANNA).post(path, data=typed(page.text))).status_code == 303
    assert standin.person(FELIX_ID)["project_roles"] == {uid(1): "approver", uid(2): "viewer"}


async def test_shutting_out_asks_first(browse, standin):
    asked = (await browse(ANNA).get(f"/team/{FELIX_ID}/deactivate", headers=FRAGMENT)).text
    assert "Remove Felix Brandt from the portal?" in asked
    answer = await browse(ANNA).post(f"/team/{FELIX_ID}/deactivate")
    assert (answer.status_code, answer.headers["location"]) == (303, "/team")
    assert not standin.person(FELIX_ID)["active"]
    standin.say(f"/team/{FELIX_ID}/deactivate", 403, "team.role_above_own", "Above your own.")
    assert (await browse(ANNA).post(f"/team/{FELIX_ID}/deactivate")).headers["location"] == "/team"


async def test_oneself_has_no_page(browse, standin):
    assert (await browse(ANNA).get(f"/team/{ANNA_ID}")).status_code == 404
    assert (await browse(ANNA).get(f"/team/{uid(999)}")).status_code == 404


async def test_the_team_is_the_primary_contacts_alone(browse, standin):
    for actor in (MIA, CLARA):
        for path in ("/team", "/team/new", f"/team/{FELIX_ID}"):
            assert (await browse(actor).get(path)).status_code == 403
        assert (await browse(actor).post("/team/new", data={"email": "x"})).status_code == 403
    assert standin.calls == []


async def test_a_team_of_600_is_read_page_by_page_searched_and_sorted(browse, standin):
    felix = standin.person(FELIX_ID)
    standin.state["people"] += [
        {**felix, "id": uid(40_000 + n), "name": f"Person {n:03}", "project_roles": {}} for n in range(600)
    ]
    http, last = browse(ANNA), uid(40_599)
    page = (await http.get("/team")).text
    assert ("Person 000" in page, "Person 599" in page) == (True, False)
    following = unescape(re.search(r'href="(/team\?[^"]*cursor=[^"]*)"', page)[1])
    more = (await http.get(following, headers=FRAGMENT)).text
    assert (more.lstrip()[:4], "Person 060" in more, "Person 000" in more) == ("<tr>", True, False)
    found = (await http.get("/team", params={"q": "person 599"}, headers=FRAGMENT)).text
    assert re.findall(r"<span>(Person \d+)", found) == ["Person 599"]
    assert 'href="/team?q=person+599&amp;sort=-last_sign_in_at"' in found
    assert (await http.get(f"/team/{last}")).status_code == 200
    assert "Nobody matches" in (await http.get("/team", params={"q": "nobody"})).text


async def test_headings_of_the_team_sort_it(browse):
    page = (await browse(ANNA).get("/team", params={"sort": "-name"})).text
    assert 'aria-sort="descending"><a id="team-by-name" href="/team"' in page
    assert 'href="/team?sort=-last_sign_in_at"' in page
    assert page.index("<span>Felix Brandt") < page.index("<span>Anna Keller")
