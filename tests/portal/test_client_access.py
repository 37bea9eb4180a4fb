"""How a client's people come in, for staff: the portal's switch and the settings of the ways in."""

from msgspec.structs import replace

from tests.portal.addressbook import ANNA_K, SABINE
from tests.portal.people import CLARA, JONAS
from tests.portal.standin import ACME
from tests.portal.test_clients import hidden
from tests.portal.test_project_forms import typed

ACCESS = f"/clients/{ACME}/access"
ENABLE = f"/clients/{ACME}/portal/enable"
OPEN = {f"modules-{each}": "on" for each in ("projects", "activity", "figures")} | {"actions-edit_profile": "on"}
"""Every box of what a client's people have, ticked."""
CLERK = replace(CLARA, policies=frozenset({"manageClients"}))


async def test_the_page_shows_what_is_stored(browse):
    page = (await browse(CLARA).get(ACCESS)).text
    assert f'<option value="{ANNA_K}" selected>Anna Keller' in page
    assert 'name="sign_in_methods-magic_link" checked' in page
    assert 'name="sign_in_methods-password">' in page
    assert "192.0.2.0/24\n2001:db8::/32</textarea>" in page


async def test_who_may_only_look_sees_words_and_no_form(browse):
    page = (await browse(JONAS).get(ACCESS)).text
    assert "192.0.2.0/24, 2001:db8::/32" in page
    for words in ("Save access", "Close portal", "Save link", "single-sign-on"):
        assert words not in page
    clerk = (await browse(CLERK).get(ACCESS)).text
    assert "Save access" in clerk
    assert "Close portal" not in clerk


async def test_who_does_not_decide_who_comes_in_is_not_asked_about_it(browse, standin):
    """Everything else on the page they save as before, and nothing of what was not on it goes along."""
    page = (await browse(CLERK).get(ACCESS)).text
    assert "192.0.2.0/24, 2001:db8::/32" in page
    for name in ("sign_in_methods-", "second_factor", "allowed_", "team_invites", "single-sign-on"):
        assert f'name="{name}' not in page
    typed = {**OPEN, "language": "de"}
    del typed["modules-activity"]
    answer = await browse(CLERK).post(ACCESS, data={**hidden(page), **typed})
    assert answer.status_code == 303, answer.text
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"closed_modules": ["activity"], "language": "de"})]


async def test_only_what_was_changed_is_saved_lists_line_by_line(browse, standin):
    opened = hidden((await browse(CLARA).get(ACCESS)).text)
    typed = {"sign_in_methods-passkey": "on", "sign_in_methods-magic_link": "on", "second_factor": "required"}
    typed |= {"allowed_networks": "192.0.2.0/24\r\n\r\n 198.51.100.1 ", "allowed_domains": "", "language": "en"}
    answer = await browse(CLARA).post(ACCESS, data={**opened, **OPEN, **typed, "team_invites": "on"})
    assert (answer.status_code, answer.headers["location"]) == (303, ACCESS)
    changes = {"sign_in_methods": ["magic_link", "passkey"], "second_factor": "required"}
    changes |= {"allowed_networks": ["192.0.2.0/24", "198.51.100.1"]}
    assert standin.written == [("PATCH", f"/clients/{ACME}", changes)]


async def test_a_box_taken_away_is_a_change(browse, standin):
    opened = hidden((await browse(CLARA).get(ACCESS)).text)
    typed = {"sign_in_methods-magic_link": "on", "second_factor": "optional", "language": "en"}
    lists = {"allowed_networks": "192.0.2.0/24\n2001:db8::/32"}
    await browse(CLARA).post(ACCESS, data={**opened, **OPEN, **typed, **lists})
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"team_invites": False})]


async def test_what_is_ticked_is_what_they_have(browse, standin):
    standin.state["clients"][0] |= {"closed_modules": ["activity"]}
    page = (await browse(CLARA).get(ACCESS)).text
    assert 'name="modules-projects" checked' in page
    assert 'name="modules-activity">' in page
    assert 'name="actions-edit_profile" checked' in page
    assert "Key figures, Projects</dd>" in (await browse(JONAS).get(ACCESS)).text
    typed = {"sign_in_methods-magic_link": "on", "second_factor": "optional", "language": "en", "team_invites": "on"}
    typed |= {"allowed_networks": "192.0.2.0/24\n2001:db8::/32", "modules-activity": "on", "modules-projects": "on"}
    answer = await browse(CLARA).post(ACCESS, data={**hidden(page), **typed})
    assert (answer.status_code, answer.headers["location"]) == (303, ACCESS)
    changes = {"closed_modules": ["figures"], "closed_actions": ["edit_profile"]}
    assert standin.written == [("PATCH", f"/clients/{ACME}", changes)]


async def test_a_module_that_somebody_else_closed_meanwhile_stays_closed(browse, standin):
    opened = typed((await browse(CLARA).get(ACCESS)).text, f'action="{ACCESS}"')
    standin.state["clients"][0] |= {"closed_modules": ["activity"]}
    page = await browse(CLARA).post(ACCESS, data=opened | {"modules-figures": ""})
    assert (page.status_code, "saved this" in page.text) == (412, True)
    again = typed(page.text, f'action="{ACCESS}"')
    assert (await browse(CLARA).post(ACCESS, data=again)).status_code == 303
    assert standin.written == [("PATCH", f"/clients/{ACME}", {"closed_modules": ["figures", "activity"]})]


async def test_no_way_in_and_a_refused_network_stand_on_the_form(browse, standin):
    opened = hidden((await browse(CLARA).get(ACCESS)).text)
    typed = {"second_factor": "optional", "language": "en", "allowed_networks": "everywhere"}
    answer = await browse(CLARA).post(ACCESS, data={**opened, **typed})
    assert answer.status_code == 422
    assert "Choose at least one sign-in method." in answer.text
    assert standin.written == []
    wrong = {"field": "allowed_networks", "message": "Entry 1 is not a network."}
    standin.say(f"/clients/{ACME}", 422, "client.not_a_network", wrong["message"], errors=[wrong])
    answer = await browse(CLARA).post(ACCESS, data={**opened, **typed, "sign_in_methods-password": "on"})
    assert answer.status_code == 422
    assert wrong["message"] in answer.text
    assert "everywhere</textarea>" in answer.text


async def test_the_portal_is_closed_after_a_question_and_opened_again(browse, standin):
    question = await browse(CLARA).get(f"/clients/{ACME}/portal/disable")
    assert "Close Acme GmbH" in question.text
    assert standin.written == []
    await browse(CLARA).post(f"/clients/{ACME}/portal/disable")
    closed = (await browse(CLARA).get(ACCESS)).text
    assert "Nobody of this client can sign in." in closed
    assert "the link to <bdi>Anna Keller</bdi>" in closed
    answer = await browse(CLARA).post(ENABLE, data={"user_id": SABINE})
    assert answer.status_code == 303
    assert [body for *_, body in standin.written] == [None, {"user_id": SABINE}]


async def test_what_stands_in_the_way_is_said(browse, standin):
    standin.say(ENABLE, 409, "client.portal_user_elsewhere", "This person does not belong to this client.")
    answer = await browse(CLARA).post(ENABLE, data={"user_id": SABINE})
    assert answer.status_code == 409
    assert "This person does not belong to this client." in answer.text


async def test_the_switch_needs_its_own_policy(browse, standin):
    assert (await browse(CLERK).post(ENABLE, data={"user_id": SABINE})).status_code == 403
    assert (await browse(CLERK).post(f"/clients/{ACME}/portal/disable")).status_code == 403
    assert standin.written == []
