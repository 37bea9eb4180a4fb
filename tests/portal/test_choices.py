"""A choice among 600: found by typing, with a script and without, and what is chosen always in sight."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.addressbook import contact
from tests.portal.people import ANNA, CLARA
from tests.portal.personnel import ANNA_ID, EMIL_ID, FELIX_ID, JONAS_ID
from tests.portal.standin import ACME, uid
from tests.portal.test_project_forms import typed

LAST = 599
MANY = range(LAST + 1)
HOOK = {"name": "ERP", "url": "https://erp.example/hook", "type-all": "on"}
SYSTEM = {"name": "ERP", "scope-projects:read": "on", "auth_method": "client_secret"}
PROJECT = {"name": "Shop", "status": "on_track"}


@pytest.fixture
def many(standin):
    """600 clients beside the known ones, 600 contacts of Acme, and 600 projects of it beside the known ones."""
    client, project = standin.state["clients"][0], standin.state["projects"][0]
    standin.state["clients"] += [{**client, "id": uid(10_000 + n), "name": f"Company {n:03}"} for n in MANY]
    standin.state["projects"] += [{**project, "id": uid(20_000 + n), "name": f"Project {n:03}"} for n in MANY]
    standin.state["contacts"] += [
        contact(uid(30_000 + n), "Person", f"{n:03}", None if n < 300 else f"p{n}@acme.example") for n in MANY
    ]
    return standin


ONE_OF_MANY = [
    ("/projects/new", "/projects/new", PROJECT, "client_id", "Company", 10_000, "/projects"),
    ("/webhooks/new", "/webhooks/new", HOOK, "client_id", "Company", 10_000, "/webhooks"),
    ("/api-clients/new", "/api-clients/new", SYSTEM, "client_id", "Company", 10_000, "/api-clients"),
    (f"/contacts/{uid(81)}/move", f"/contacts/{uid(81)}/move", {}, "client_id", "Company", 10_000,
     f"/contacts/{uid(81)}/move"),
    (f"/clients/{ACME}/access", f"/clients/{ACME}/portal/enable", {}, "user_id", "Person", 30_000,
     f"/clients/{ACME}/portal/enable"),
]  # fmt: skip


@pytest.mark.parametrize(("opened", "action", "form", "field", "word", "first", "path"), ONE_OF_MANY)
async def test_the_last_of_600_is_found_chosen_and_sent(browse, many, opened, action, form, field, word, first, path):
    http, wanted = browse(CLARA), uid(first + LAST)
    page = (await http.get(opened)).text
    assert "There are more. Type to find them." in page
    assert wanted not in page
    sought = await http.post(action, data={**form, f"find-{field}": f"{word} {LAST}", f"sought-{field}": ""})
    assert sought.status_code == 200
    assert f'value="{wanted}"' in sought.text
    for name, value in form.items():
        assert value == typed(sought.text, f'action="{action}"').get(name), f"{name} is lost"
    assert many.written == [], "a search makes nothing"
    # What is chosen stays in sight when something else is looked for.
    other = {**form, field: wanted, f"find-{field}": f"{word} 450", f"sought-{field}": f"{word} {LAST}"}
    again = (await http.post(action, data=other)).text
    assert re.search(rf'value="{wanted}" checked', again)
    assert uid(first + 450) in again
    await http.post(action, data={**other, f"sought-{field}": f"{word} 450"})
    assert many.written[-1][1] == path
    assert many.written[-1][2][field] == wanted


async def test_the_button_looks_also_for_what_was_found_already(browse, many):
    await browse(CLARA).post("/webhooks/new", data={**HOOK, "find-client_id": "", "find": "client_id"})
    assert many.written == []


async def test_what_is_chosen_is_not_left_out_while_nobody_can_say_what_it_is(browse, many):
    """The form would be shown, and sent, without it."""
    chosen = uid(10_000 + LAST)
    many.refuse(f"/clients/{chosen}", 503)
    sought = {**HOOK, "client_id": chosen, "find-client_id": "Company 450", "sought-client_id": ""}
    answer = await browse(CLARA).post("/webhooks/new", data=sought)
    assert answer.status_code == 503
    assert many.written == []


async def test_colleagues_are_offered_behind_however_many_who_are_none(browse, many):
    """Of twenty who are asked for, the page would leave out whom it may not offer."""
    anna, jonas = many.person(ANNA_ID), many.person(JONAS_ID)
    clients = [{**anna, "id": uid(40_000 + n)} for n in MANY]
    gone = [{**jonas, "id": uid(50_000 + n), "active": False} for n in MANY]
    many.state["people"] = [*clients, *gone, *many.state["people"]]
    assert f'<option value="{JONAS_ID}"' in (await browse(CLARA).get("/projects/new")).text


async def test_whom_the_portal_may_be_linked_to_is_asked_of_the_service(browse, many):
    page = (await browse(CLARA).get(f"/clients/{ACME}/access")).text
    assert "Person 300" in page
    assert "Person 299" not in page, "without an address"


async def test_assignments_beyond_the_first_page_are_shown_found_and_kept(browse, many):
    emil = next(each for each in many.state["people"] if each["id"] == EMIL_ID)
    emil["assigned_projects"] = [uid(20_000 + n) for n in range(40, 540)]
    http, path = browse(CLARA), f"/people/{EMIL_ID}/assignments"
    page = (await http.get(f"/people/{EMIL_ID}")).text
    assert len(re.findall(r'name="project-[^"]+" checked', page)) == 500
    opened = typed(page, f'action="{path}"')
    del opened[f"project-{uid(20_040)}"]
    found = (await http.post(path, data=opened | {"find-project": f"project {LAST}"})).text
    assert f'name="project-{uid(20_000 + LAST)}">' in found
    assert f'name="project-{uid(20_040)}">' in found, "taken away a moment ago, and still there to be ticked again"
    assert many.written == []
    ready = typed(found, f'action="{path}"') | {f"project-{uid(20_000 + LAST)}": "on"}
    await http.post(path, data=ready)
    assert many.written[-1][2] == {"limited": True, "add": [uid(20_000 + LAST)], "remove": [uid(20_040)]}


@pytest.mark.parametrize(
    ("reader", "page", "path"),
    [
        (CLARA, f"/contacts/{FELIX_ID}", f"/people/{FELIX_ID}/project-roles"),
        (replace(ANNA, is_primary_contact=True), f"/team/{FELIX_ID}", f"/team/{FELIX_ID}"),
    ],
)
async def test_roles_beyond_the_first_page_are_shown_found_and_kept(browse, many, reader, page, path):
    old, new = uid(20_000 + 550), uid(20_000 + LAST)
    reader = replace(reader, project_roles=dict.fromkeys((old, new), "approver")) if reader.kind == "client" else reader
    for each in (*many.state["people"], *many.state.get("team", [])):
        each["project_roles"] = {old: "viewer"}
    http = browse(reader)
    opened = typed((await http.get(page)).text, f'action="{path}"')
    assert opened[f"role-{old}"] == "viewer"
    found = (await http.post(path, data=opened | {"find-role": f"project {LAST}"})).text
    ready = typed(found, f'action="{path}"')
    assert ready[f"role-{old}"] == "viewer"
    await http.post(path, data=ready | {f"role-{new}": "viewer"})
    assert many.written[-1][2] == {"roles": {new: "viewer"}}


async def test_what_is_chosen_from_stands_in_the_order_of_its_letters(browse, standin):
    """Ä with A, however it was composed; nothing small behind Z."""
    project = standin.state["projects"][0]
    named = [("Zeta", "Zebra"), ("Ärzte", "Ötzi"), ("Acme", "Äpfel"), ("Acme", "apfelmus"), ("Acme", "A\u0308hren")]
    standin.state["projects"] = [
        {**project, "id": uid(20_000 + n), "client_name": client, "name": name}
        for n, (client, name) in enumerate(named)
    ]
    page = (await browse(CLARA).get(f"/people/{EMIL_ID}")).text
    offered = re.findall(r'(?:picks-of|pick-name)">([^<]+)', page)
    assert offered == ["Acme", "A\u0308hren", "Äpfel", "apfelmus", "Ärzte", "Ötzi", "Zeta", "Zebra"]


async def test_the_filter_of_the_activity_finds_any_project_and_keeps_the_chosen_one_in_sight(browse, many):
    http, last = browse(CLARA), uid(20_000 + LAST)
    assert last not in (await http.get("/activity")).text
    found = (await http.get("/activity", params={"find-project": f"project {LAST}"})).text
    assert f'href="/activity?project_id={last}"' in found
    assert '<details class="menu filter-menu" id="project-filter" open>' in found
    chosen = (await http.get("/activity", params={"project_id": last})).text
    assert f"Project {LAST}</span>" in chosen


async def test_a_client_with_more_people_than_its_page_shows_says_where_all_of_them_are(browse, many):
    anna = many.state["people"][0]
    page = f"/clients/{ACME}"
    assert "All contacts" not in (await browse(CLARA).get(page)).text
    many.state["people"] += [{**anna, "id": uid(40_000 + n)} for n in MANY]
    assert f'<a href="/clients/{ACME}/contacts">All contacts' in (await browse(CLARA).get(page)).text
