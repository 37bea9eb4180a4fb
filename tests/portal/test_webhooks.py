"""Webhooks: list, a new one, its secret shown once, what became of deliveries, on and off, the end."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.hooks import DESK_HOOK_ID, HOOK_SECRET, NEW_HOOK_SECRET, PAUSED_ID, TILL_ID, WEAK_ID, deliveries
from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.standin import ACME, uid
from tests.portal.test_project_forms import typed

NEW = {"name": "Till", "url": "https://till.example/hook", "client_id": ACME, "type-project_created": "on"}


def row_of(page: str, words: str) -> str:
    """The row of a table that has these words."""
    row = page[page.index(words) :]
    return row[: row.index("</tr>")]


async def test_the_list_says_how_each_is_and_what_came_last(browse, standin):
    page = (await browse(CLARA).get("/webhooks")).text
    expected = {
        "Acme till": ["till.acme.example", "Acme GmbH", "Active", "Delivered"],
        "Help desk": ["All clients", "Switched off", "Failed"],
        "Paused": ["Switched off", "None yet"],
        "Warehouse": ["Failing", "Waiting"],
    }
    for name, words in expected.items():
        row = row_of(page, f"<span>{name}</span>")
        assert [each for each in words if each not in row] == []
    assert "key=1" not in page
    standin.state["webhooks"] = []
    assert "No webhooks yet" in (await browse(CLARA).get("/webhooks")).text


async def test_headings_sort_the_list(browse, standin):
    page = (await browse(CLARA).get("/webhooks", params={"sort": "name"})).text
    assert 'aria-sort="ascending"><a id="webhooks-by-name" href="/webhooks?sort=-name"' in page
    assert 'href="/webhooks?sort=-last_delivery_at"' in page
    assert [call.query["sort"] for call in standin.calls if call.path == "/webhooks"] == ["name"]


PAGES = ["", "/new", *(f"/{TILL_ID}{each}" for each in ("", "/edit", "/rotate", "/remove", "/deliveries"))]


@pytest.mark.parametrize("path", PAGES)
async def test_these_pages_are_for_those_who_manage_partner_systems(browse, standin, path):
    power = replace(CLARA, policies=CLARA.policies - {"manageApiClients"})
    for actor in (JONAS, ANNA, power):
        assert (await browse(actor).get(f"/webhooks{path}")).status_code == 403
    assert (await browse(CLARA).get(f"/webhooks{path}")).status_code == 200
    assert 'href="/webhooks"' not in (await browse(power).get("/")).text
    assert 'href="/webhooks"' in (await browse(CLARA).get("/")).text


async def test_a_secret_is_on_one_page_and_on_no_other(browse, standin):
    made = await browse(CLARA).post("/webhooks/new", data=NEW | {"type-milestone_completed": "on"})
    assert made.status_code == 200
    assert made.text.count(HOOK_SECRET) == 2  # to read, and to copy
    assert f'data-copy="{HOOK_SECRET}"' in made.text
    assert "webhook-signature" in made.text
    types = ["project_created", "milestone_completed"]
    body = {"name": "Till", "url": "https://till.example/hook", "client_id": ACME, "types": types}
    assert standin.written[-1] == ("POST", "/webhooks", body)
    for later in ("/webhooks", f"/webhooks/{uid(85)}", f"/webhooks/{uid(85)}/edit"):
        assert "whsec_" not in (await browse(CLARA).get(later)).text


async def test_all_types_are_a_choice_of_their_own_and_no_choice_is_none(browse, standin):
    lake = {"name": "Lake", "url": "https://lake.example", "client_id": ""}
    for path in ("/webhooks/new", f"/webhooks/{TILL_ID}/edit"):
        nothing = await browse(CLARA).post(path, data=lake)
        assert nothing.status_code == 422
        assert "Choose at least one event, or all of them." in nothing.text
        assert standin.written == []
    await browse(CLARA).post("/webhooks/new", data=lake | {"type-all": "on", "type-project_created": "on"})
    body = standin.written[-1][2]
    assert (body["client_id"], body["types"]) == (None, [])
    assert 'name="type-all" checked' in (await browse(CLARA).get(f"/webhooks/{uid(85)}/edit")).text
    assert 'name="type-all" checked' not in (await browse(CLARA).get(f"/webhooks/{TILL_ID}/edit")).text
    assert 'name="type-all" checked' not in (await browse(CLARA).get("/webhooks/new")).text


async def test_what_is_missing_or_refused_stays_in_the_form(browse, standin):
    empty = await browse(CLARA).post("/webhooks/new", data={"type-project_created": "on"})
    assert empty.status_code == 422
    for words in ("Give it a name.", "Enter the address", 'name="type-project_created" checked'):
        assert words in empty.text
    assert standin.written == []
    words = "This address is not one of the internet"
    errors = [{"field": "url", "message": "This address is not one of the internet's."}]
    standin.say("/webhooks", 422, "webhook.url", errors[0]["message"], errors=errors)
    refused = await browse(CLARA).post("/webhooks/new", data=NEW | {"url": "https://10.0.0.1/"})
    assert refused.status_code == 422
    assert words in refused.text
    assert 'value="https://10.0.0.1/"' in refused.text


async def test_it_asks_for_a_proof_where_the_service_does_and_loses_nothing(browse, standin):
    standin.say("/webhooks", 403, "auth.step_up_required", "Prove once more that it is you, then try again.")
    answer = await browse(CLARA).post("/webhooks/new", data=NEW)
    assert (answer.status_code, answer.headers["location"]) == (307, "/prove-it/ask?next=%2Fwebhooks%2Fnew")


async def test_the_page_says_what_became_of_each_delivery(browse, standin):
    page = (await browse(CLARA).get(f"/webhooks/{TILL_ID}")).text
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in table.split("</tr>")]
    expected = [
        ["A project was started", "Waiting", "Not sent yet"],
        ["A milestone was completed", "Waiting", "HTTP 503", "next attempt", "2"],
        ["A milestone was completed", "Failed", "No answer in time", "9"],
        ["A project was started", "Failed", "Was switched off"],
        ["A project was started", "Delivered", "HTTP 204"],
        ["Test", "Delivered", "HTTP 200"],
    ]
    for row, words in zip(rows, expected, strict=False):
        assert [each for each in words if each not in row] == []
    assert table.count("Retry") == 6
    assert (await browse(CLARA).get(f"/webhooks/{uid(999)}")).status_code == 404


async def test_what_is_being_sent_says_so_promises_no_next_attempt_and_cannot_be_sent_twice(browse, standin):
    [sent] = standin.state["deliveries"] = [deliveries()[1] | {"state": "sending", "last_status": None}]
    standin.state["webhooks"][0]["last_delivery_state"] = "sending"
    page = (await browse(CLARA).get(f"/webhooks/{TILL_ID}")).text
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    assert sent["next_try_at"]
    assert [words in table for words in ("Being sent", "No response yet")] == [True, True]
    assert [words in table for words in ("Waiting", "Not sent yet", "next attempt", "Retry")] == [False] * 4
    assert "Being sent" in (await browse(CLARA).get("/webhooks")).text
    off = (await browse(CLARA).get(f"/webhooks/{PAUSED_ID}")).text
    assert ("Being sent" in off, "Held" in off) == (True, False)


async def test_the_page_says_why_it_is_off_and_offers_nothing_it_would_refuse(browse, standin):
    gone = (await browse(CLARA).get(f"/webhooks/{DESK_HOOK_ID}")).text
    assert "The portal switched this webhook off" in gone
    assert "no longer exists (410)" in gone
    paused = (await browse(CLARA).get(f"/webhooks/{PAUSED_ID}")).text
    for page, held in (gone, "1 delivery is held."), (paused, "2 deliveries are held."):
        assert f"kept for thirty days and sent when you switch it on. {held}" in page
        assert (page.count("Held"), "Waiting" in page, "next attempt" in page) == (2, False, False)
        assert "Switch on" in page
        assert "Retry" not in page
        assert "Send a test" not in page
    assert "The portal switched this webhook off" not in page
    weak = (await browse(CLARA).get(f"/webhooks/{WEAK_ID}")).text
    assert "No delivery has succeeded since" in weak
    assert "All events, also future ones" in weak
    assert "is inactive" not in weak
    next(each for each in standin.state["webhooks"] if each["id"] == WEAK_ID)["held"] = 2
    held = (await browse(CLARA).get(f"/webhooks/{WEAK_ID}")).text
    assert "The client of this webhook is inactive. Events are kept for thirty days" in held
    standin.state["deliveries"] = []
    assert "Nothing sent yet" in (await browse(CLARA).get(f"/webhooks/{WEAK_ID}")).text


async def test_older_deliveries_come_as_rows_and_without_scripts_as_a_page(browse, standin):
    standin.state["deliveries"] = [each | {"id": uid(600 + number)} for number, each in enumerate(deliveries() * 4)]
    first = (await browse(CLARA).get(f"/webhooks/{TILL_ID}")).text
    [older] = re.findall(r'href="(/webhooks/[^"]+/deliveries\?cursor=[^"]+)"', first)
    rows = (await browse(CLARA).get(older, headers={"HX-Request": "true"})).text
    assert "<html" not in rows
    assert rows.count("Retry") == 4
    assert (await browse(CLARA).get(older)).text.count("Retry") == 4


async def test_sending_a_test_and_sending_again(browse, standin):
    for path in (f"/webhooks/{TILL_ID}/test", f"/webhooks/{TILL_ID}/deliveries/{uid(91)}/retry"):
        answer = await browse(CLARA).post(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/webhooks/{TILL_ID}")
        assert standin.written[-1][:2] == ("POST", path)


@pytest.mark.parametrize(("of", "sent", "active"), [(DESK_HOOK_ID, "on", True), (TILL_ID, "off", False)])
async def test_switching_on_and_off(browse, standin, of, sent, active):
    assert f'name="active" value="{sent}"' in (await browse(CLARA).get(f"/webhooks/{of}")).text
    assert (await browse(CLARA).post(f"/webhooks/{of}/switch", data={"active": sent})).status_code == 303
    assert standin.written[-1] == ("PATCH", f"/webhooks/{of}", {"active": active})


async def test_editing_sends_name_address_and_types(browse, standin):
    form = (await browse(CLARA).get(f"/webhooks/{TILL_ID}/edit")).text
    assert 'name="type-project_created" checked' in form
    assert 'name="type-project_updated" checked' not in form
    body = typed(form) | {"name": "Till", "type-project_created": "", "type-project_updated": "on"}
    assert (await browse(CLARA).post(f"/webhooks/{TILL_ID}/edit", data=body)).status_code == 303
    assert standin.written[-1] == (
        "PATCH",
        f"/webhooks/{TILL_ID}",
        {"name": "Till", "types": ["milestone_completed", "project_updated"]},
    )
    body = typed((await browse(CLARA).get(f"/webhooks/{TILL_ID}/edit")).text)
    wrong = await browse(CLARA).post(f"/webhooks/{TILL_ID}/edit", data=body | {"name": " "})
    assert (wrong.status_code, "Give it a name." in wrong.text) == (422, True)


async def test_types_that_somebody_else_added_meanwhile_are_kept(browse, standin):
    opened = typed((await browse(CLARA).get(f"/webhooks/{TILL_ID}/edit")).text)
    stored = next(each for each in standin.state["webhooks"] if each["id"] == TILL_ID)
    stored["types"] = [*stored["types"], "project_updated", "no_longer_offered"]
    page = await browse(CLARA).post(f"/webhooks/{TILL_ID}/edit", data=opened | {"type-milestone_reopened": "on"})
    assert (page.status_code, "saved this" in page.text) == (412, True)
    again = typed(page.text)
    assert (await browse(CLARA).post(f"/webhooks/{TILL_ID}/edit", data=again)).status_code == 303
    assert set(standin.written[-1][2]["types"]) == {*stored["types"], "milestone_reopened"}


@pytest.mark.parametrize(("overlap", "body", "said"), [("usual", {}, True), ("none", {"overlap_hours": 0}, False)])
async def test_a_new_secret_with_or_without_an_overlap(browse, standin, overlap, body, said):
    assert "Invalid at once" in (await browse(CLARA).get(f"/webhooks/{TILL_ID}/rotate")).text
    made = await browse(CLARA).post(f"/webhooks/{TILL_ID}/rotate", data={"overlap": overlap})
    assert NEW_HOOK_SECRET in made.text
    assert ("the old secret as well until" in made.text) == said
    assert standin.written[-1] == ("POST", f"/webhooks/{TILL_ID}/rotate", body)


async def test_removing_asks_first(browse, standin):
    asked = await browse(CLARA).get(f"/webhooks/{TILL_ID}/remove", headers={"HX-Request": "true"})
    assert "<html" not in asked.text
    assert "Remove Acme till?" in asked.text
    done = await browse(CLARA).post(f"/webhooks/{TILL_ID}/remove")
    assert (done.status_code, done.headers["location"]) == (303, "/webhooks")
    assert standin.written[-1][:2] == ("DELETE", f"/webhooks/{TILL_ID}")
