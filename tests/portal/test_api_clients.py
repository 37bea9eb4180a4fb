"""Partner systems: list, a new one, its secret shown once, what it may do, a new secret, the end of its access."""

import json

import pytest
from msgspec.structs import replace

from tests.portal.people import ANNA, CLARA, JONAS
from tests.portal.standin import ACME, uid
from tests.portal.systems import DESK_ID, ERP_ID, NEW_SECRET, OLD_ID, PUBLIC, SECRET
from tests.portal.test_project_forms import typed

NEW = {"name": "Warehouse", "client_id": ACME, "auth_method": "client_secret", "scope-projects:read": "on", "jwks": ""}


async def test_the_list_says_who_may_reach_what(browse, standin):
    page = (await browse(CLARA).get("/api-clients")).text
    for name, words in (("Acme ERP", "Acme GmbH"), ("Help desk", "All clients"), ("Old import", "Revoked")):
        row = page[page.index(f"<span>{name}</span>") :]
        assert words in row[: row.index("</tr>")]
    standin.state["api_clients"] = []
    assert "No API clients yet" in (await browse(CLARA).get("/api-clients")).text


async def test_headings_sort_the_list(browse, standin):
    page = (await browse(CLARA).get("/api-clients", params={"sort": "name"})).text
    assert 'aria-sort="ascending"><a id="api-clients-by-name" href="/api-clients?sort=-name"' in page
    assert 'href="/api-clients?sort=-last_used_at"' in page
    assert [call.query["sort"] for call in standin.calls if call.path == "/api-clients"] == ["name"]


@pytest.mark.parametrize(
    "path", ["", "/new", f"/{ERP_ID}", f"/{ERP_ID}/edit", f"/{ERP_ID}/rotate", f"/{ERP_ID}/revoke"]
)
async def test_these_pages_are_for_those_who_manage_api_clients(browse, standin, path):
    power = replace(CLARA, policies=CLARA.policies - {"manageApiClients"})
    for actor in (JONAS, ANNA, power):
        assert (await browse(actor).get(f"/api-clients{path}")).status_code == 403
    assert 'href="/api-clients"' not in (await browse(power).get("/")).text
    assert 'href="/api-clients"' in (await browse(CLARA).get("/")).text


async def test_a_secret_is_on_one_page_and_on_no_other(browse, standin):
    made = await browse(CLARA).post("/api-clients/new", data=NEW | {"scope-activity:read": "on"})
    assert made.status_code == 200
    assert made.text.count(SECRET) == 2  # to read, and to copy
    assert f'data-copy="{SECRET}"' in made.text
    (_, path, body) = standin.written[-1]
    assert (path, body["name"], body["client_id"], body["auth_method"]) == (
        "/api-clients",
        "Warehouse",
        ACME,
        "client_secret",
    )
    assert body["scopes"] == ["projects:read", "activity:read"]
    assert "jwks" not in body
    for later in ("/api-clients", f"/api-clients/{uid(74)}", f"/api-clients/{uid(74)}/edit"):
        assert SECRET not in (await browse(CLARA).get(later)).text


async def test_one_with_its_own_key_has_no_secret_to_show(browse, standin):
    sent = NEW | {"auth_method": "private_key_jwt", "client_id": "", "jwks": json.dumps(PUBLIC)}
    made = await browse(CLARA).post("/api-clients/new", data=sent)
    assert "API client created" in made.text
    assert "shown this once" not in made.text
    body = standin.written[-1][2]
    assert (body["client_id"], body["jwks"]) == (None, PUBLIC)


async def test_what_is_missing_or_refused_stays_in_the_form(browse, standin):
    empty = await browse(CLARA).post("/api-clients/new", data={"auth_method": "private_key_jwt", "jwks": "-----BEGIN"})
    assert empty.status_code == 422
    for words in ("Give the system a name.", "Choose at least one scope.", "Paste a JWK set"):
        assert words in empty.text
    assert standin.written == []
    standin.say("/api-clients", 403, "api_client.grants_beyond_own", "Nobody can give a right they do not have.")
    refused = await browse(CLARA).post("/api-clients/new", data=NEW)
    assert refused.status_code == 403
    assert "Nobody can give a right" in refused.text
    assert 'value="Warehouse"' in refused.text
    assert 'name="scope-projects:read" checked' in refused.text


async def test_it_asks_for_a_proof_where_identity_does_and_loses_nothing(browse, standin):
    standin.say("/api-clients", 403, "auth.step_up_required", "Prove once more that it is you, then try again.")
    answer = await browse(CLARA).post("/api-clients/new", data=NEW)
    assert (answer.status_code, answer.headers["location"]) == (307, "/prove-it/ask?next=%2Fapi-clients%2Fnew")


async def test_the_page_says_what_it_may_do(browse, standin):
    page = (await browse(CLARA).get(f"/api-clients/{ERP_ID}")).text
    assert "See projects and their plans" in page
    assert "Read the audit log" not in page
    assert f"/api-clients/{ERP_ID}/rotate" in page
    keys = (await browse(CLARA).get(f"/api-clients/{DESK_ID}")).text
    assert "Public key" in keys
    assert f"/api-clients/{DESK_ID}/rotate" not in keys
    over = (await browse(CLARA).get(f"/api-clients/{OLD_ID}")).text
    assert "You revoked this API client" in over
    assert f"/api-clients/{OLD_ID}/edit" not in over
    assert (await browse(CLARA).get(f"/api-clients/{uid(999)}")).status_code == 404


async def test_editing_sends_name_and_scopes(browse, standin):
    form = (await browse(CLARA).get(f"/api-clients/{ERP_ID}/edit")).text
    assert 'name="scope-projects:read" checked' in form
    assert 'name="scope-audit:read" checked' not in form
    held = [name for name in typed(form) if name.startswith("scope-")]
    body = typed(form) | {"name": "ERP", "scope-audit:read": "on"} | dict.fromkeys(held, "")
    saved = await browse(CLARA).post(f"/api-clients/{ERP_ID}/edit", data=body)
    assert saved.status_code == 303
    assert standin.written[-1] == ("PATCH", f"/api-clients/{ERP_ID}", {"name": "ERP", "scopes": ["audit:read"]})
    keys = (await browse(CLARA).get(f"/api-clients/{DESK_ID}/edit")).text
    assert "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" in keys


async def test_scopes_that_somebody_else_took_meanwhile_do_not_come_back(browse, standin):
    opened = typed((await browse(CLARA).get(f"/api-clients/{ERP_ID}/edit")).text)
    stored = next(each for each in standin.state["api_clients"] if each["id"] == ERP_ID)
    stored["scopes"] = ["projects:read"]
    assert (await browse(CLARA).post(f"/api-clients/{ERP_ID}/edit", data=opened | {"name": "ERP"})).status_code == 303
    assert standin.written[-1] == ("PATCH", f"/api-clients/{ERP_ID}", {"name": "ERP"})
    page = await browse(CLARA).post(f"/api-clients/{ERP_ID}/edit", data=opened | {"scope-audit:read": "on"})
    assert page.status_code == 412
    again = typed(page.text)
    assert {name for name in again if name.startswith("scope-")} == {"scope-projects:read", "scope-audit:read"}


@pytest.mark.parametrize(("overlap", "body", "said"), [("usual", {}, True), ("none", {"overlap_hours": 0}, False)])
async def test_a_new_secret_with_or_without_an_overlap(browse, standin, overlap, body, said):
    assert "Invalid at once" in (await browse(CLARA).get(f"/api-clients/{ERP_ID}/rotate")).text
    made = await browse(CLARA).post(f"/api-clients/{ERP_ID}/rotate", data={"overlap": overlap})
    assert NEW_SECRET in made.text
    assert ("is valid until" in made.text) == said
    assert standin.written[-1] == ("POST", f"/api-clients/{ERP_ID}/rotate", body)


async def test_revoking_asks_first(browse, standin):
    asked = await browse(CLARA).get(f"/api-clients/{ERP_ID}/revoke", headers={"HX-Request": "true"})
    assert "<html" not in asked.text
    assert "Revoke Acme ERP?" in asked.text
    done = await browse(CLARA).post(f"/api-clients/{ERP_ID}/revoke")
    assert done.status_code == 303
    assert standin.written[-1][:2] == ("DELETE", f"/api-clients/{ERP_ID}")
