"""A client's contacts, for staff: the book, one of them, letting them in and out, moving them."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.addressbook import ANNA_K, FILE, JEAN, LAYLA, OTTO, SABINE
from tests.portal.people import CLARA, JONAS
from tests.portal.personnel import EMIL_ID, FELIX_ID
from tests.portal.standin import ACME, BIRCH, uid
from tests.portal.test_clients import hidden
from tests.portal.test_project_forms import typed

FRAGMENT = {"HX-Request": "true"}
LIST = f"/clients/{ACME}/contacts"
CLERK = replace(CLARA, policies=frozenset({"manageClients"}))
DOORMAN = replace(CLARA, policies=frozenset({"managePortalAccess"}))


def of_details(page: str) -> str:
    """The form of their details alone."""
    return page[page.index("panel form-page") :].partition("</form>")[0]


async def test_each_contact_says_how_far_they_have_come(browse):
    page = (await browse(CLARA).get(LIST)).text
    order = [page.index(name) for name in ("Anna Keller", "Sabine Vogt", "Otto Wrong", "Jean-Luc Martin", "حداد")]
    assert order == sorted(order)
    for start, words in zip(
        order, ["Has access", "Invited", "Invitation failed", "No access", "Inactive"], strict=True
    ):
        assert words in page[start : start + 1600]
    assert "<bdi>ليلى حداد</bdi>" in page
    assert f'href="/contacts/{SABINE}"' in page
    assert f'href="{LIST}/export"' in page


async def test_the_file_comes_as_it_is_in_the_language_of_the_page(browse, standin):
    answer = await browse(CLARA).get(f"{LIST}/export", headers={"Accept-Language": "de"})
    assert (answer.content, answer.headers["content-type"]) == (FILE, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="contacts.csv"'
    assert standin.calls[-1].headers["accept-language"] == "de"


async def test_search_works_as_a_plain_form_and_as_one_types(browse):
    whole = await browse(CLARA).get(LIST, params={"q": " sabine "})
    assert "Sabine Vogt" in whole.text
    assert "Otto" not in whole.text
    rows = await browse(CLARA).get(LIST, params={"q": "sabine"}, headers=FRAGMENT)
    assert "Sabine Vogt" in rows.text
    assert "<html" not in rows.text
    assert "No contact matches" in (await browse(CLARA).get(LIST, params={"q": "zzz"})).text


async def test_an_empty_book_says_what_to_do(browse):
    empty = f"/clients/{BIRCH}/contacts"
    assert "Add the first contact" in (await browse(CLARA).get(empty)).text
    assert "/contacts/new" not in (await browse(JONAS).get(empty)).text


async def test_what_one_may_not_do_is_not_shown(browse):
    book, one = (await browse(JONAS).get(LIST)).text, (await browse(JONAS).get(f"/contacts/{SABINE}")).text
    for words in ("New contact", "Invite all"):
        assert words not in book
    for words in (
        "Save contact",
        "Withdraw access",
        "Send invitation again",
        "Move to another client",
        "/people/",
        "Save project roles",
    ):
        assert words not in one
    assert "sabine.vogt@acme.example" in one
    clerk = (await browse(CLERK).get(f"/contacts/{SABINE}")).text
    assert "Save contact" in clerk
    assert "Withdraw access" not in clerk
    doorman = (await browse(DOORMAN).get(f"/contacts/{SABINE}")).text
    assert "Save contact" not in doorman
    assert "Withdraw access" in doorman


@pytest.mark.parametrize("path", ["access/enable", "access/disable", "invitation"])
async def test_the_door_is_not_for_who_keeps_the_book(browse, standin, path):
    assert (await browse(CLERK).post(f"/contacts/{SABINE}/{path}")).status_code == 403
    assert standin.written == []


async def test_a_new_contact_is_sent_and_shown(browse, standin):
    sent = {"first_name": "Mara", "last_name": "Lind", "email": "mara@acme.example", "language": "de"}
    answer = await browse(CLARA).post(f"{LIST}/new", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/contacts/01900000-0000-7000-8000-000000000059")
    ((_, path, body),) = standin.written
    assert (path, body) == (
        f"/clients/{ACME}/contacts",
        {**sent, "phone": "", "title": "", "is_primary_contact": False},
    )


async def test_a_contact_without_an_address_is_sent_without_one(browse, standin):
    await browse(CLARA).post(f"{LIST}/new", data={"first_name": "M", "last_name": "L", "email": " ", "language": "en"})
    assert standin.written[0][2]["email"] is None


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(browse, standin):
    answer = await browse(CLARA).post(f"{LIST}/new", data={"title": "Lind", "language": "en"})
    assert answer.status_code == 422
    assert "Give a first or a last name." in answer.text
    assert 'value="Lind"' in answer.text
    taken = {"field": "email", "message": "This client has a contact with this address already."}
    standin.say(f"/clients/{ACME}/contacts", 409, "person.listed_already", taken["message"], errors=[taken])
    typed = {"first_name": "S", "last_name": "V", "email": "sabine.vogt@acme.example", "language": "en"}
    answer = await browse(CLARA).post(f"{LIST}/new", data=typed)
    assert answer.status_code == 409
    assert answer.text.count(taken["message"]) == 1


async def test_only_what_was_changed_is_saved(browse, standin):
    page = (await browse(CLARA).get(f"/contacts/{SABINE}")).text
    typed = {"first_name": "Sabine", "last_name": "Vogt-Lang", "email": "sabine.vogt@acme.example", "language": "en"}
    answer = await browse(CLARA).post(f"/contacts/{SABINE}", data={**hidden(of_details(page)), **typed, "active": "on"})
    assert answer.status_code == 303
    assert standin.written == [("PATCH", f"/contacts/{SABINE}", {"last_name": "Vogt-Lang"})]


async def test_a_new_address_of_somebody_invited_says_that_the_invitation_ended(browse, standin):
    clara = browse(CLARA)
    page = (await clara.get(f"/contacts/{SABINE}")).text
    typed = {"first_name": "Sabine", "last_name": "Vogt", "email": "sabine@acme.example", "language": "en"}
    answer = await clara.post(f"/contacts/{SABINE}", data={**hidden(of_details(page)), **typed, "active": "on"})
    assert "can no longer be used: send it again" in (await clara.get(answer.headers["location"])).text


async def test_whether_somebody_comes_in_is_not_on_the_form_of_who_may_not_decide_it(browse, standin):
    page = (await browse(CLERK).get(f"/contacts/{ANNA_K}")).text
    assert "approver@acme.example</dd>" in page
    assert "Move to another client" not in page
    for name in ("email", "is_primary_contact", "active"):
        assert f'name="{name}"' not in page
    typed = {"first_name": "Anna", "last_name": "Keller", "phone": "+49 30 1", "title": "Marketing", "language": "en"}
    answer = await browse(CLERK).post(f"/contacts/{ANNA_K}", data={**hidden(of_details(page)), **typed})
    assert answer.status_code == 303
    assert standin.written == [("PATCH", f"/contacts/{ANNA_K}", {"phone": "+49 30 1"})]
    book = (await browse(CLERK).get(f"/contacts/{JEAN}")).text  # without access
    assert 'name="email"' in book


async def test_an_invitation_whose_address_was_given_up_says_so_and_what_to_do(browse, standin):
    sabine = next(each for each in standin.state["contacts"] if each["id"] == SABINE)
    words = ("The invitation was ended", "have given up sabine.vogt@acme.example")
    for failure, said in (("", False), ("given_up", True)):
        sabine["invitation"] |= {"status": "expired", "failure": failure}
        page = (await browse(CLARA).get(f"/contacts/{SABINE}")).text
        assert [each in page for each in words] == [said, said]


async def test_letting_in_says_what_lacks(browse, standin):
    page = (await browse(CLARA).get(f"/contacts/{JEAN}")).text
    assert "They need an e-mail address first" in page
    assert "Enable access and invite" not in page
    jean = next(each for each in standin.state["contacts"] if each["id"] == JEAN)
    jean["email"] = "jean@acme.example"
    assert "Enable access and invite" in (await browse(CLARA).get(f"/contacts/{JEAN}")).text
    jean["email"] = None
    answer = await browse(CLARA).post(f"/contacts/{JEAN}/access/enable")
    assert answer.status_code == 422
    assert "The contact has no e-mail address." in answer.text
    standin.say(f"/contacts/{JEAN}/portal-access/enable", 500, "internal", "Something went wrong on our side.")
    assert (await browse(CLARA).post(f"/contacts/{JEAN}/access/enable")).status_code == 500


async def test_an_invitation_asks_for_roles(browse, standin):
    jean = next(each for each in standin.state["contacts"] if each["id"] == JEAN)
    jean["email"] = "jean@acme.example"
    form = (await browse(CLARA).get(f"/contacts/{JEAN}/access/enable")).text
    assert "jean@acme.example" in form
    assert f'name="role-{uid(1)}"' in form
    chosen = {f"role-{uid(1)}": "viewer", f"role-{uid(2)}": ""}
    path = f"/contacts/{JEAN}/portal-access/enable"
    standin.say(path, 409, "person.email_taken", "Somebody signs in with this address already.")
    refused = await browse(CLARA).post(f"/contacts/{JEAN}/access/enable", data=chosen)
    assert refused.status_code == 409
    assert '<option value="viewer" selected>' in refused.text
    standin.problems.clear()
    answer = await browse(CLARA).post(f"/contacts/{JEAN}/access/enable", data=chosen)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/contacts/{JEAN}")
    assert standin.written[-1] == ("POST", path, {"project_roles": {uid(1): "viewer"}})
    jean["offered_roles"] = {uid(1): "viewer"}
    assert "Roles once accepted" in (await browse(CLARA).get(f"/contacts/{JEAN}")).text


async def test_an_invitation_begins_with_the_roles_they_have(browse, standin):
    """Given or offered, it is one set: nobody reads that somebody with a role has none, and only changes are sent."""
    jean = next(each for each in standin.state["contacts"] if each["id"] == JEAN)
    jean |= {"email": "jean@acme.example", "project_roles": {uid(1): "viewer"}, "offered_roles": {uid(2): "approver"}}
    form = (await browse(CLARA).get(f"/contacts/{JEAN}/access/enable")).text
    roles = {name: chosen for name, chosen in typed(form).items() if name.startswith("role-")}
    assert {name: role for name, role in roles.items() if role} == {
        f"role-{uid(1)}": "viewer",
        f"role-{uid(2)}": "approver",
    }
    path, body = f"/contacts/{JEAN}/portal-access/enable", []
    for changes in ({}, {f"role-{uid(1)}": ""}, {f"role-{uid(2)}": "viewer"}):
        answer = await browse(CLARA).post(f"/contacts/{JEAN}/access/enable", data=typed(form) | changes)
        assert answer.status_code == 303
        method, where, sent = standin.written[-1]
        assert (method, where) == ("POST", path)
        body.append(sent)
    assert body == [None, {"project_roles": {uid(1): None}}, {"project_roles": {uid(2): "viewer"}}]
    said = (await browse(CLARA).get(f"/contacts/{JEAN}")).text
    said = said[said.index("Roles once accepted") :].partition("</dd>")[0]
    assert ("Viewer" in said, "Approver" in said, "None" in said) == (True, True, False)


async def test_withdrawing_access_asks_first(browse, standin):
    question = await browse(CLARA).get(f"/contacts/{ANNA_K}/access/disable", headers=FRAGMENT)
    assert "Withdraw Anna Keller" in question.text
    assert standin.written == []
    answer = await browse(CLARA).post(f"/contacts/{ANNA_K}/access/disable")
    assert (answer.status_code, standin.written[0][1]) == (303, f"/contacts/{ANNA_K}/portal-access/disable")
    assert "Enable portal access" in (await browse(CLARA).get(f"/contacts/{ANNA_K}")).text


async def test_an_invitation_is_sent_again(browse, standin):
    assert (await browse(CLARA).post(f"/contacts/{OTTO}/invitation")).status_code == 303
    assert standin.written == [("POST", f"/contacts/{OTTO}/invitation/resend", None)]
    assert "Send invitation again" not in (await browse(CLARA).get(f"/contacts/{ANNA_K}")).text


async def test_moving_offers_the_other_clients_and_sends_the_chosen_one(browse, standin):
    page = (await browse(CLARA).get(f"/contacts/{LAYLA}/move")).text
    assert f'value="{BIRCH}"' in page
    assert f'value="{ACME}"' not in page
    assert (await browse(CLARA).post(f"/contacts/{LAYLA}/move", data={})).status_code == 422
    answer = await browse(CLARA).post(f"/contacts/{LAYLA}/move", data={"client_id": BIRCH})
    assert answer.status_code == 303
    assert standin.written == [("POST", f"/contacts/{LAYLA}/move", {"client_id": BIRCH})]


async def test_the_list_of_clients_is_narrowed(browse, standin):
    standin.state["clients"][1] |= {"active": False}
    page = (await browse(CLARA).get("/clients", params={"status": "inactive", "portal": "", "variant": "bogus"})).text
    assert "Birch Ltd" in page
    assert "Acme GmbH" not in page
    assert '<option value="inactive" selected>' in page
    asked = [call.query for call in standin.calls if call.path == "/clients"]
    assert asked == [{"active": "false", "sort": "name", "limit": "50"}]
    closed = (await browse(CLARA).get("/clients", params={"portal": "closed"})).text
    assert "fewer filters" in closed


async def test_a_clients_person_has_one_page_with_everything_about_them(browse, standin):
    """Details, access, roles, sign-in: whoever opens it finds what they may change, and no second page."""
    old = await browse(CLARA).get(f"/people/{FELIX_ID}")
    assert (old.status_code, old.headers["location"]) == (301, f"/contacts/{FELIX_ID}")
    page = (await browse(CLARA).get(f"/contacts/{FELIX_ID}")).text
    for words in ("Save contact", "Withdraw access", "Save project roles", "Second factor", "Create a password link"):
        assert words in page
    assert page.count("Last sign-in") == 1
    assert f'href="/people/{FELIX_ID}"' not in page
    assert f'href="/contacts/{FELIX_ID}"' in (await browse(CLARA).get("/people", params={"kind": "client"})).text
    looked = (await browse(JONAS).get(f"/contacts/{FELIX_ID}")).text
    assert re.search(r"<dt>Website relaunch</dt><dd>Viewer</dd>", looked)
    assert "/project-roles" not in looked


async def test_what_is_refused_is_said_on_that_page(browse, standin):
    standin.say(f"/people/{FELIX_ID}/reset-link", 409, "account.no_passwords", "This client admits no passwords.")
    answer = await browse(CLARA).post(f"/people/{FELIX_ID}/reset-link")
    assert answer.status_code == 409
    assert "This client admits no passwords." in answer.text
    assert "Save contact" in answer.text


@pytest.mark.parametrize(
    "path", ["/settings", "/people/new", f"/people/{EMIL_ID}", f"{LIST}/new", f"/contacts/{SABINE}"]
)
async def test_languages_have_one_spelling(browse, path):
    page = (await browse(CLARA).get(path)).text
    assert re.findall(r'<option value="(?:en|de)"[^>]*>(\w+)<', page) == ["English", "German"]
