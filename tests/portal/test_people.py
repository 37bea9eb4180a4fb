"""People and what they may do: list, a new member of staff, one person, and the ways to take access away."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.personnel import ANNA_ID, CLARA_ID, EMIL_ID, FELIX_ID, JONAS_ID, LINK
from tests.portal.standin import uid
from tests.portal.test_project_forms import typed

FRAGMENT = {"HX-Request": "true"}
POWER = replace(CLARA, policies=frozenset({"managePeople", "manageProjects"}))


async def test_the_list_says_in_words_what_each_may_do(browse, standin):
    page = (await browse(CLARA).get("/people")).text
    for name, words in (
        ("Clara Hoffmann", "Administrator"),
        ("Jonas Weber", "Member"),
        ("Emil Sand", "1 project only"),
    ):
        row = page[page.index(f"<span>{name}</span>") :]
        assert words in row[: row.index("</tr>")]
    assert "Anna Keller" not in page
    clients = (await browse(CLARA).get("/people", params={"kind": "client"})).text
    assert "Acme GmbH" in clients
    assert "Primary contact" in clients
    assert "Jonas Weber" not in clients


async def test_search_works_as_a_plain_form_and_as_one_types(browse, standin):
    whole = (await browse(CLARA).get("/people", params={"q": " emil "})).text
    assert "Emil Sand" in whole
    assert "Jonas Weber" not in whole
    rows = (await browse(CLARA).get("/people", params={"q": "emil"}, headers=FRAGMENT)).text
    assert "<html" not in rows
    assert "Nobody matches" in (await browse(CLARA).get("/people", params={"q": "zzz"})).text


@pytest.mark.parametrize("path", ["/people", "/people/new", f"/people/{EMIL_ID}"])
async def test_these_pages_are_for_those_who_manage_people(browse, standin, path):
    for actor in (JONAS, ANNA, replace(CLARA, assignments={})):
        assert (await browse(actor).get(path)).status_code == 403
    assert 'href="/people"' not in (await browse(JONAS).get("/")).text
    assert 'href="/people"' in (await browse(CLARA).get("/")).text


async def test_a_new_member_of_staff_gets_the_policies_of_a_group(browse, standin):
    asked = {"first_name": "Priya", "last_name": "Nair", "email": "priya@northwind.example", "group": "power_user",
             "title": "Design", "phone": "", "language": "de"}  # fmt: skip
    answer = await browse(CLARA).post("/people/new", data=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{uid(900)}")
    (_, path, body) = standin.written[-1]
    assert (path, body["kind"], body["title"], body["language"]) == ("/people", "staff", "Design", "de")
    assert set(body["policies"]) == set(CLARA.policies) - {"managePeople", "manageApiClients", "manageBrand"}


async def test_what_is_missing_or_refused_stays_in_the_form(browse, standin):
    assert "autofocus" in (await browse(CLARA).get("/people/new")).text
    assert "autofocus" not in (await browse(CLARA).get(f"/people/{EMIL_ID}")).text, "it would scroll past the rights"
    empty = await browse(CLARA).post("/people/new", data={"group": "member", "email": "x"})
    assert re.findall(r'id="field-(\w+)"[^>]* autofocus', empty.text) == ["first_name"]
    assert empty.status_code == 422
    assert "Give a first or a last name." in empty.text
    assert standin.written == []
    standin.say("/people", 409, "person.email_taken", "Somebody signs in with this address already.",
                errors=[{"field": "email", "message": "Somebody signs in with this address already."}])  # fmt: skip
    asked = {"first_name": "Priya", "last_name": "Nair", "email": "member@northwind.example", "group": "member"}
    taken = await browse(CLARA).post("/people/new", data=asked)
    assert taken.status_code == 409
    assert "signs in with this address already" in taken.text
    assert 'value="Priya"' in taken.text


async def test_only_groups_that_one_may_give_are_offered(browse, standin):
    page = (await browse(POWER).get("/people/new")).text
    assert 'value="member"' in page
    assert 'value="admin"' not in page
    assert 'value="power_user"' not in page


async def test_policies_are_ticked_one_by_one_or_come_by_group(browse, standin):
    page = (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    assert set(re.findall(r'name="policy-(\w+)" checked', page)) == {"manageProjects", "viewAudit"}
    http, path = browse(CLARA), f"/people/{EMIL_ID}/policies"
    opened = typed(page, f'action="{path}"')
    for method, changes, body in (
        ("PUT", {"group": "member"}, {"group": "member"}),
        ("PATCH", {"policy-manageProjects": "", "policy-manageClients": "on"},
         {"add": ["manageClients"], "remove": ["manageProjects"]}),
    ):  # fmt: skip
        answer = await http.post(path, data=opened | changes)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{EMIL_ID}")
        assert standin.written[-1] == (method, path, body)
        assert standin.calls[-1].headers["If-Match"] == '"7"'


async def test_a_refused_right_is_said_and_what_was_ticked_stays(browse, standin):
    standin.say(f"/people/{CLARA_ID}/policies", 409, "person.last_admin", "Nobody else has the permission")
    answer = await browse(CLARA).post(f"/people/{CLARA_ID}/policies", data={"policy-viewAudit": "on"})
    assert answer.status_code == 409
    assert "Nobody else has the permission" in answer.text
    assert re.findall(r'name="policy-(\w+)" checked', answer.text) == ["viewAudit"]


async def test_what_one_does_not_hold_cannot_be_ticked_and_who_holds_more_not_be_changed(browse, standin):
    page = (await browse(POWER).get(f"/people/{JONAS_ID}")).text
    assert re.search(r'name="policy-viewAudit"\s+disabled', page)
    assert not re.search(r'name="policy-manageProjects"[^>]*disabled', page)
    above = (await browse(POWER).get(f"/people/{EMIL_ID}")).text
    assert "permissions that you do not have (View the audit log)" in above
    assert "<button" not in above[above.index("<main") : above.index("</main>")]


async def test_a_subcontractor_is_limited_to_ticked_projects(browse, standin):
    page = (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    assert re.findall(r'name="project-([^"]+)" checked', page) == [uid(1)]
    http, path = browse(CLARA), f"/people/{EMIL_ID}/assignments"
    opened = typed(page, f'action="{path}"')
    await http.post(path, data=opened | {f"project-{uid(1)}": "", f"project-{uid(2)}": "on", f"project-{uid(3)}": "on"})
    assert standin.written[-1][2] == {"limited": True, "add": [uid(2), uid(3)], "remove": [uid(1)]}
    await http.post(path, data=opened | {"limited": ""})
    assert standin.written[-1][2] == {"limited": False}


async def test_an_assignment_that_the_page_does_not_show_stays(browse, standin):
    """The page lists some projects; somebody may be assigned to others as well."""
    standin.person(EMIL_ID)["assigned_projects"].append(uid(999))
    http, path = browse(CLARA), f"/people/{EMIL_ID}/assignments"
    opened = typed((await http.get(f"/people/{EMIL_ID}")).text, f'action="{path}"')
    assert (await http.post(path, data=opened | {f"project-{uid(2)}": "on"})).status_code == 303
    assert set(standin.person(EMIL_ID)["assigned_projects"]) == {uid(1), uid(2), uid(999)}


RIGHTS = {
    "policies": (EMIL_ID, "policies", ["viewAudit", "manageProjects", "manageClients"], "policy-manageApiClients"),
    "assignments": (EMIL_ID, "assigned_projects", [uid(1), uid(2)], f"project-{uid(3)}"),
    "project-roles": (FELIX_ID, "project_roles", {uid(1): "viewer", uid(2): "approver"}, f"role-{uid(3)}"),
}


@pytest.mark.parametrize(("what", "theirs"), RIGHTS.items())
async def test_who_was_slower_sees_what_the_other_decided_and_both_are_kept(browse, standin, what, theirs):
    of, field, decided, mine = theirs
    http, path = browse(CLARA), f"/people/{of}/{what}"
    opened = typed((await http.get(f"/people/{of}", follow_redirects=True)).text, f'action="{path}"')
    standin.person(of).update({field: decided, "version": 8})
    value = "viewer" if what == "project-roles" else "on"
    page = await http.post(path, data=opened | {mine: value})
    assert page.status_code == 412
    assert "saved this" in page.text
    assert standin.person(of)[field] == decided
    assert (await http.post(path, data=typed(page.text, f'action="{path}"'))).status_code == 303
    assert {*decided, mine.partition("-")[2]} == {*standin.person(of)[field]}


async def test_a_new_version_alone_is_nobodys_decision(browse, standin):
    http, path = browse(CLARA), f"/people/{EMIL_ID}/policies"
    opened = typed((await http.get(f"/people/{EMIL_ID}")).text, f'action="{path}"')
    standin.person(EMIL_ID).update(title="Other", version=8)
    assert (await http.post(path, data=opened | {"policy-manageClients": "on"})).status_code == 303
    assert "manageClients" in standin.person(EMIL_ID)["policies"]


async def test_a_clients_person_has_a_role_in_each_project(browse, standin):
    page = (await browse(CLARA).get(f"/contacts/{FELIX_ID}")).text
    assert "policy-" not in page
    assert re.search(rf'name="role-{uid(1)}">.*?<option value="viewer" selected>', page, re.DOTALL)
    path = f"/people/{FELIX_ID}/project-roles"
    opened = typed(page, f'action="{path}"')
    await browse(CLARA).post(path, data=opened | {f"role-{uid(1)}": "", f"role-{uid(2)}": "approver"})
    assert standin.written[-1] == ("PATCH", path, {"roles": {uid(1): None, uid(2): "approver"}})
    assert "can look into every project" in (await browse(CLARA).get(f"/contacts/{ANNA_ID}")).text


async def test_only_changed_details_are_sent(browse, standin):
    page = (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    details = typed(page, f'action="/people/{EMIL_ID}"') | {"title": "Design"}
    await browse(CLARA).post(f"/people/{EMIL_ID}", data=details)
    assert standin.written == [("PATCH", f"/people/{EMIL_ID}", {"title": "Design"})]
    nameless = await browse(CLARA).post(f"/people/{EMIL_ID}", data=details | {"first_name": "", "last_name": ""})
    assert nameless.status_code == 422
    assert "Give a first or a last name." in nameless.text


async def test_shutting_out_asks_first_and_can_be_taken_back(browse, standin):
    http = browse(CLARA)
    asked = (await http.get(f"/people/{EMIL_ID}/deactivate", headers=FRAGMENT)).text
    assert "Deactivate Emil Sand?" in asked
    assert "<html" not in asked
    assert (await http.post(f"/people/{EMIL_ID}/active")).status_code == 303
    assert standin.written[-1] == ("PATCH", f"/people/{EMIL_ID}", {"active": False})
    assert "Activate" in (await http.get(f"/people/{EMIL_ID}")).text
    await http.post(f"/people/{EMIL_ID}/active", data={"active": "on"})
    assert standin.written[-1][2] == {"active": True}


async def test_whether_a_clients_person_comes_in_is_for_who_manages_portal_access(browse, standin):
    ways = ("Deactivate", "Create a password link", "Remove second factor")
    theirs = (await browse(POWER).get(f"/contacts/{FELIX_ID}")).text
    assert [words for words in ways if words in theirs] == []
    assert "permission “Manage portal access”" in theirs
    both = replace(POWER, policies=frozenset({"managePeople", "managePortalAccess"}))
    assert "Deactivate" in (await browse(both).get(f"/contacts/{FELIX_ID}")).text


async def test_no_password_link_is_offered_for_who_signs_in_without_a_password(browse, standin):
    assert "Create a password link" in (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    standin.person(EMIL_ID)["reset_link_possible"] = False
    assert "Create a password link" not in (await browse(CLARA).get(f"/people/{EMIL_ID}")).text


async def test_second_factor_and_link_ask_for_a_fresh_proof(browse, standin):
    standin.state["fresh"] = False
    for what in ("two-factor/reset", "reset-link"):
        answer = await browse(CLARA).post(f"/people/{EMIL_ID}/{what}", data={"x": "1"})
        assert "/prove-it" in answer.headers["location"], answer.text[:300]
    standin.state["fresh"] = True
    shown = await browse(CLARA).post(f"/people/{EMIL_ID}/reset-link")
    assert (shown.status_code, LINK in shown.text) == (200, True)
    assert LINK not in (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    assert (
        "Remove the second factor of Emil Sand?"
        in (await browse(CLARA).get(f"/people/{EMIL_ID}/two-factor/reset")).text
    )
    assert (await browse(CLARA).post(f"/people/{EMIL_ID}/two-factor/reset")).status_code == 303
    assert standin.person(EMIL_ID)["two_factor"] is False


async def test_nobody_there_is_a_calm_page(browse, standin):
    assert (await browse(CLARA).get(f"/people/{uid(999)}")).status_code == 404


@pytest.mark.parametrize(
    ("status", "words"), [("sent", "Invited"), ("expired", "Invitation expired"), ("none", "Not invited yet")]
)
async def test_who_has_not_accepted_is_not_active_in_the_list_of_people_either(browse, standin, status, words):
    for each in standin.state["people"]:
        each["has_account"], each["invitation"] = each["kind"] == "staff", {"status": status}
    page = (await browse(CLARA).get("/people?kind=client")).text
    assert words in page
    assert "Active</span>" not in page
