"""Clients, for staff: the list and its search, one client, a new one, changing one."""

import copy
import re

import pytest
from msgspec.structs import replace

from tests.portal.patience import LATE
from tests.portal.people import ANNA, CLARA, JONAS, MIA, NOBODY
from tests.portal.standin import ACME, BIRCH, uid

FRAGMENT = {"HX-Request": "true"}
EDIT = f"/clients/{ACME}/edit"
WITHOUT_PORTAL_RIGHT = replace(CLARA, policies=frozenset({"manageClients"}))


def hidden(page: str) -> dict[str, str]:
    """What an edit form sends by itself: what it was opened with, and the kind as it is."""
    chosen = re.findall(r'<select [^>]*name="(\w+)".*?<option value="(\w+)" selected', page, re.DOTALL)
    return dict([*re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page), *chosen])


async def test_the_list_shows_each_client_and_its_switches(browse, standin):
    standin.state["clients"][1] |= {"active": False}
    page = (await browse(CLARA).get("/clients")).text
    acme, birch = page[page.index("Acme GmbH") : page.index("Birch Ltd")], page[page.index("Birch Ltd") :]
    assert "Active" in acme
    assert "Open" in acme
    assert re.search(r'data-label="People">3<', acme)
    assert "Inactive" in birch
    assert "Closed" in birch
    assert f'href="/clients/{ACME}"' in page


async def test_a_name_that_is_read_from_the_right_keeps_to_itself_in_a_page_and_is_plain_in_a_form(browse, standin):
    standin.state["clients"][0]["name"] = "\u05d0\u05e0\u05d4 7"
    assert "\u2068\u05d0\u05e0\u05d4 7\u2069" in (await browse(CLARA).get(f"/clients/{ACME}")).text
    assert 'value="\u05d0\u05e0\u05d4 7"' in (await browse(CLARA).get(f"/clients/{ACME}/edit")).text


async def test_search_works_as_a_plain_form_and_as_one_types(browse, standin):
    whole = await browse(CLARA).get("/clients", params={"q": " birch "})
    assert "Birch Ltd" in whole.text
    assert "Acme GmbH" not in whole.text
    assert 'value="birch"' in whole.text
    rows = await browse(CLARA).get("/clients", params={"q": "birch"}, headers=FRAGMENT)
    assert "Birch Ltd" in rows.text
    assert "<html" not in rows.text


async def test_no_match_and_no_client_each_say_what_to_do(browse, standin):
    assert "No client matches" in (await browse(CLARA).get("/clients", params={"q": "zzz"})).text
    standin.state["clients"] = []
    assert "Add the first client" in (await browse(CLARA).get("/clients")).text
    assert "/clients/new" not in (await browse(JONAS).get("/clients")).text


async def test_more_clients_come_a_page_at_a_time(browse, standin):
    first = standin.state["clients"][0]
    standin.state["clients"] = [
        {**copy.deepcopy(first), "id": uid(700 + n), "name": f"Client {n:02}"} for n in range(60)
    ]
    page = await browse(CLARA).get("/clients", params={"q": "client"})
    address = re.search(r'href="(/clients\?[^"]*cursor=[^"]*)" hx-get', page.text)[1].replace("&amp;", "&")
    rows = await browse(CLARA).get(address, headers=FRAGMENT)
    assert rows.text.count("<tr>") == 10
    assert "<table" not in rows.text
    assert "<table" in (await browse(CLARA).get(address)).text


async def test_one_client_shows_projects_people_and_what_happened(browse, standin):
    page = (await browse(CLARA).get(f"/clients/{ACME}")).text
    for words in ("Website relaunch", "Overdue since", "Anna Keller", "Primary contact", "viewer@acme.example",
                  "Jonas Weber finished Visual design", "Project delivery", f'href="/activity?client_id={ACME}"'):  # fmt: skip
        assert words in page
    assert "Oliver Reed" not in page
    assert f'data-events="/api/events/{ACME}"' in page


async def test_all_activity_of_one_client_keeps_to_that_client(browse, standin):
    await browse(CLARA).get("/activity", params={"client_id": ACME})
    asked = [call.query["client_id"] for call in standin.calls if call.path in ("/activity", "/projects")]
    assert asked == [ACME, ACME]


async def test_a_widget_that_is_late_or_broken_leaves_the_client_standing(browse, standin, hurried):
    standin.delay = {"/people": LATE}
    standin.refuse("/activity", 500)
    page = await browse(CLARA).get(f"/clients/{ACME}")
    assert page.status_code == 200
    assert f'hx-get="/widgets/clients/{ACME}/people" hx-trigger="load, refresh"' in page.text
    assert "The activity could not be loaded" in page.text
    for path in (f"clients/{ACME}/activity", f"projects/{uid(1)}/activity"):
        assert (await browse(CLARA).get(f"/widgets/{path}")).status_code == 503


@pytest.mark.parametrize("widget", ["projects", "people", "activity"])
async def test_each_widget_comes_alone(browse, widget):
    page = await browse(CLARA).get(f"/widgets/clients/{ACME}/{widget}", headers=FRAGMENT)
    assert page.text.strip().startswith(f'<section id="{widget}"')


async def test_buttons_are_there_for_those_who_may_use_them(browse, standin):
    assert "New project" in (await browse(CLARA).get(f"/clients/{ACME}")).text
    assert "Edit client" in (await browse(CLARA).get(f"/clients/{ACME}")).text
    looked = (await browse(JONAS).get(f"/clients/{ACME}")).text
    assert "New project" not in looked
    assert "Edit client" not in looked
    standin.state["clients"][0]["active"] = False
    assert "New project" not in (await browse(CLARA).get(f"/clients/{ACME}")).text


@pytest.mark.parametrize("path", ["/clients/new", EDIT])
async def test_forms_are_for_those_who_may_send_them(browse, standin, path):
    browser = browse(JONAS)
    assert (await browser.get(path)).status_code == 403
    assert (await browser.post(path, data={"name": "Mine"})).status_code == 403
    assert standin.written == []


@pytest.mark.parametrize("person", [ANNA, MIA], ids=["approver", "feedback"])
@pytest.mark.parametrize(
    "path", ["/clients", "/clients/{}", "/clients/new", "/clients/{}/edit", "/widgets/clients/{}/people"]
)
async def test_to_client_people_these_pages_say_the_same_for_every_client(browse, standin, person, path):
    """Word for word, but for the address asked for itself: changing the theme leads back to it."""
    asked = [path.format(of) for of in (ACME, BIRCH, uid(999))]
    answers = [await browse(person).get(address) for address in asked]
    assert [answer.status_code for answer in answers] == [403] * 3
    back = 'name="next" value="{}"'
    assert [answer.text.count(back.format(address)) for address, answer in zip(asked, answers, strict=True)] == [1] * 3
    said = {answer.text.replace(back.format(address), "") for address, answer in zip(asked, answers, strict=True)}
    assert len(said) == 1
    assert standin.calls == []
    assert "Birch" not in answers[0].text


async def test_nobody_is_sent_to_sign_in(browse):
    answer = await browse(NOBODY).get("/clients")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fclients"


async def test_an_unknown_client_is_a_calm_404(browse):
    assert (await browse(CLARA).get(f"/clients/{uid(999)}")).status_code == 404
    assert (await browse(CLARA).get("/clients/not-an-id")).status_code == 404


async def test_a_new_client_is_taken_on_and_shown(browse, standin):
    browser = browse(CLARA)
    answer = await browser.post("/clients/new", data={"name": " Café <b>Süd</b> ", "variant": "services"})
    assert answer.status_code == 303
    made = {"name": "Café <b>Süd</b>", "variant": "services", "name_is_new": True}
    assert standin.written == [("POST", "/clients", made)]
    page = (await browser.get(answer.headers["location"])).text
    assert "<h1>Café &lt;b&gt;Süd&lt;/b&gt;</h1>" in page
    assert "is a client now." in page
    assert "<b>Süd" not in page
    assert "No projects yet" in page
    assert "Nobody yet" in page


async def test_a_second_client_of_one_name_is_made_on_purpose_only(browse, standin):
    """What was said of one name holds for no other; a form that is sent twice is one form (its token)."""
    clara, data = browse(CLARA), {"name": "Acme GmbH", "variant": "services", "once": uid(7)}
    field = {"field": "name", "message": "There is a client of this name already."}
    standin.say("/clients", 409, "client.same_name", field["message"], errors=[field])
    page = (await clara.post("/clients/new", data=data)).text
    assert field["message"] in page
    assert 'name="same_name" value="Acme GmbH"' in page
    standin.problems.clear()
    for meant, new in (("", True), ("Birch Ltd", True), ("Acme GmbH", False)):
        assert (await clara.post("/clients/new", data=data | {"same_name": meant})).status_code == 303
        assert standin.written[-1][2] == {"name": "Acme GmbH", "variant": "services", "name_is_new": new}


async def test_a_client_is_given_the_name_of_another_on_purpose_only(browse, standin):
    clara, path = browse(CLARA), f"/clients/{BIRCH}/edit"
    data = {"opened": "", "name": "Acme GmbH", "variant": "delivery", "active": "on", "portal_enabled": "on"}
    field = {"field": "name", "message": "There is a client of this name already."}
    standin.say(f"/clients/{BIRCH}", 409, "client.same_name", field["message"], errors=[field])
    page = (await clara.post(path, data=data)).text
    assert [words in page for words in (field["message"], 'name="same_name" value="Acme GmbH"')] == [True, True]
    standin.problems.clear()
    for meant, new in (("", True), ("Acme GmbH", False)):
        assert (await clara.post(path, data=data | {"same_name": meant})).status_code == 303
        assert (standin.written[-1][2]["name"], standin.written[-1][2]["name_is_new"]) == ("Acme GmbH", new)
    stored = hidden((await clara.get(path)).text)
    await clara.post(path, data=stored | data | {"opened": stored["opened"], "variant": "account"})
    assert "name_is_new" not in standin.written[-1][2]


async def test_clients_of_one_name_are_told_apart_where_one_is_chosen(browse, standin):
    first = standin.state["clients"][0] | {"created_at": "2024-03-12T10:00:00Z"}
    written = {"id": uid(800), "name": "ÁCME GmbH", "created_at": "2026-03-12T10:00:00Z"}
    standin.state["clients"][:1] = [first, first | written]
    for path in ("/switch-client", "/projects/new"):
        page = (await browse(CLARA).get(path)).text
        said = [f"{name} GmbH, client since 12 Mar {year}" for name, year in (("Acme", 2024), ("ÁCME", 2026))]
        assert [words in page for words in said] == [True, True]
        assert "Birch Ltd, client since" not in page


async def test_a_clients_projects_are_sorted_by_their_headings(browse, standin):
    clara, here = browse(CLARA), f"/clients/{ACME}"
    for query, sort in (
        ("", "-status"),
        ("?sort=name", "name"),
        ("?sort=-name", "-name"),
        ("?sort=x", "-status"),
    ):
        for path in (here, f"/widgets{here}/projects"):
            page = (await clara.get(path + query)).text
            assert [call.query["sort"] for call in standin.calls if call.path == "/projects"][-1] == sort
            assert 'aria-sort="' in page
            kept = f"?sort={sort}" if sort != "-status" else ""
            assert f'hx-get="/widgets{here}/projects{kept}"' in page


async def test_a_clients_projects_beyond_the_first_page_are_a_click_away(browse, standin):
    standin.state["projects"] = [{**standin.state["projects"][0], "id": uid(700 + number)} for number in range(51)]
    clara, here = browse(CLARA), f"/clients/{ACME}"
    more = re.search(rf'href="({here}\?cursor=50)"', (await clara.get(here)).text)[1]
    page = (await clara.get(more)).text
    assert page.count("data-later") == 1
    assert "Show more" not in page


async def test_a_name_is_needed_and_the_rest_is_kept(browse, standin):
    page = await browse(CLARA).post("/clients/new", data={"name": "  ", "variant": "regulated"})
    assert page.status_code == 422
    assert 'id="error-name"' in page.text
    assert 'value="regulated" selected' in page.text
    assert standin.written == []


async def test_what_the_service_refuses_stands_beside_its_field(browse, standin):
    long = {"field": "name", "message": "This is longer than 100 characters."}
    standin.say("/clients", 422, "invalid", "No.", errors=[long])
    page = await browse(CLARA).post("/clients/new", data={"name": '"><script>', "variant": "services"})
    assert page.status_code == 422
    assert 'aria-describedby="error-name"' in page.text
    assert long["message"] in page.text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page.text


@pytest.mark.parametrize(
    ("status", "words"), [(409, "There is one already."), (403, "You may not."), (503, "Nothing was saved")]
)
async def test_a_refusal_of_the_whole_keeps_the_form(browse, standin, status, words):
    standin.say("/clients", status, "x", words)
    page = await browse(CLARA).post("/clients/new", data={"name": "Kept", "variant": "services"})
    assert page.status_code == status
    assert words in page.text
    assert 'value="Kept"' in page.text


async def test_only_what_was_changed_is_saved(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get(EDIT)).text)
    standin.state["clients"][0]["portal_enabled"] = False
    answer = await browser.post(EDIT, data={**opened, "name": "Acme SE", "active": "on", "portal_enabled": "on"})
    assert answer.headers["location"] == f"/clients/{ACME}"
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"name": "Acme SE", "name_is_new": True})]
    assert "Client saved" in (await browser.get(answer.headers["location"])).text


async def test_an_unticked_box_switches_off(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get(EDIT)).text)
    await browser.post(EDIT, data={**opened, "name": "Acme GmbH", "active": "on"})
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"portal_enabled": False})]


async def test_saving_nothing_asks_the_service_nothing(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get(EDIT)).text)
    answer = await browser.post(EDIT, data={**opened, "name": "Acme GmbH", "active": "on", "portal_enabled": "on"})
    assert answer.status_code == 303
    assert standin.written == []


async def test_the_switch_of_the_portal_is_for_those_who_hold_its_policy(browse, standin):
    browser = browse(WITHOUT_PORTAL_RIGHT)
    page = (await browser.get(EDIT)).text
    assert 'name="portal_enabled"' not in page
    assert 'name="active"' not in page
    assert "you need the permission “Manage portal access”" in page
    await browser.post(EDIT, data={**hidden(page), "name": "Acme SE", "active": "on", "portal_enabled": ""})
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"name": "Acme SE", "name_is_new": True})]


async def test_an_edit_that_is_refused_keeps_what_was_typed(browse, standin):
    browser = browse(CLARA)
    opened = hidden((await browser.get(EDIT)).text)
    page = await browser.post(EDIT, data={**opened, "name": ""})
    assert page.status_code == 422
    assert "Give the client a name." in page.text
    assert not re.search(r'name="active"[^>]* checked', page.text)
    assert hidden(page.text) == opened


async def test_the_kind_of_a_client_can_be_changed_and_is_told_for_what_it_is(browse, standin):
    browser = browse(CLARA)
    page = (await browser.get(EDIT)).text
    for shown in (page, (await browser.get("/clients/new")).text):
        assert "You can filter the list of clients by it. The portal looks the same for all of them." in shown
    await browser.post(
        EDIT, data={**hidden(page), "name": "Acme GmbH", "active": "on", "portal_enabled": "on", "variant": "regulated"}
    )
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"variant": "regulated"})]


@pytest.mark.parametrize(
    ("path", "query", "column", "first", "then"),
    [
        ("/clients", "q=a&status=active&portal=&variant=", "Client since", "-created_at", "created_at"),
        ("/clients", "q=&status=&portal=open&variant=", "Client", "-name", "name"),
        (f"/clients/{ACME}/contacts", "q=a", "Last sign-in", "-last_sign_in_at", "last_sign_in_at"),
        ("/people", "kind=client&q=a", "Client", "client_name", "-client_name"),
        ("/people", "kind=staff&q=", "Name", "-name", "name"),
    ],
)
async def test_headings_sort_and_keep_what_narrows_the_list(browse, standin, path, query, column, first, then):
    def heading(page: str) -> tuple[str, str]:
        found = re.search(rf'<th[^>]*?(?:aria-sort="(\w+)")?><a [^>]*href="([^"]*)"[^>]*>{column}<', page)
        return found[1] or "none", found[2].replace("&amp;", "&")

    browser = browse(CLARA)
    usual, address = heading((await browser.get(f"{path}?{query}")).text)
    assert address == f"{path}?{query}&sort={first}"
    assert usual == ("ascending" if first == "-name" else "none")
    for sort, following in ((first, then), (then, first)):
        page = (await browser.get(f"{path}?{query}&sort={sort}")).text
        way = "descending" if sort.startswith("-") else "ascending"
        leads = "" if following == "name" else f"&sort={following}"
        assert heading(page) == (way, f"{path}?{query}{leads}")
        assert page.count("aria-sort=") == 1
        assert (f'name="sort" value="{sort}" form="list-search"' in page) is (sort != "name")
        lists = [call for call in standin.calls if call.path in ("/people", "/clients", f"/clients/{ACME}/contacts")]
        assert lists[-1].query["sort"] == sort


async def test_a_list_that_is_sorted_stays_so_over_its_pages(browse, standin):
    first = standin.state["clients"][0]
    standin.state["clients"] = [{**copy.deepcopy(first), "id": uid(700 + n)} for n in range(60)]
    page = await browse(CLARA).get("/clients", params={"sort": "-created_at"})
    assert "sort=-created_at&amp;cursor=" in page.text
    await browse(CLARA).get("/clients", params={"sort": "secret"})
    assert [call for call in standin.calls if call.path == "/clients"][-1].query["sort"] == "name"


async def test_what_was_just_made_has_an_empty_feed_and_no_failure(browse, standin):
    """The projection hears of it a moment later and answers 404 until then; what nobody has stays a refusal."""
    project = next(each["id"] for each in standin.state["projects"] if each["client_id"] == ACME)
    standin.refuse("/activity", 404)
    for path in (f"/clients/{ACME}", f"/projects/{project}", f"/activity?client_id={ACME}"):
        page = await browse(CLARA).get(path)
        assert page.status_code == 200, path
        assert "could not be loaded" not in page.text, path
    for path in (f"clients/{ACME}", f"projects/{project}"):
        assert (
            "could not be loaded" not in (await browse(CLARA).get(f"/widgets/{path}/activity", headers=FRAGMENT)).text
        )
        nowhere = f"/widgets/{path.partition('/')[0]}/{uid(999)}/activity"
        assert (await browse(CLARA).get(nowhere, headers=FRAGMENT)).status_code == 404
    assert (await browse(CLARA).get(f"/activity?client_id={uid(999)}")).status_code == 404
