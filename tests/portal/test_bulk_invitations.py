"""Inviting many contacts, for staff: counts, the tick box, progress that can be left, the result."""

import re

import pytest
from msgspec.structs import replace

from tests.portal.addressbook import BULK, FAILURES, OTTO, progress
from tests.portal.people import CLARA, JONAS
from tests.portal.standin import ACME, uid

FRAGMENT = {"HX-Request": "true"}
PAGE = f"/invitations/bulk/{BULK}"
CLERK = replace(CLARA, policies=frozenset({"manageClients", "managePeople"}))


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
async def test_nothing_is_sent_before_the_counts_were_seen(browse, standin, headers):
    page = (await browse(CLARA).get("/invitations/bulk", headers=headers)).text
    for words in ("<dd>47</dd>", "<dd>12</dd>", "<dd>64</dd>", "Send 47 mails now"):
        assert words in page
    assert ("<html" in page) == (not headers)
    assert standin.written == []


async def test_the_proof_is_asked_for_before_the_dialog_opens(browse, standin):
    """A dialog that is left to prove something would be gone, and the tick with it."""
    standin.state["fresh"] = False
    headers = FRAGMENT | {"HX-Current-URL": "http://portal.test/clients?q=a"}
    answer = await browse(CLARA).get("/invitations/bulk", headers=headers)
    assert answer.headers["HX-Redirect"] == "/prove-it?next=%2Fclients%3Fq%3Da"


async def test_of_one_client_it_says_whose(browse, standin):
    page = (await browse(CLARA).get(f"/invitations/bulk?client_id={ACME}")).text
    assert "Invite contacts of Acme GmbH" in page
    assert f'name="client_id" value="{ACME}"' in page
    assert [call.query for call in standin.calls if "preview" in call.path] == [{"client_id": ACME}]


async def test_who_gets_a_mail_is_read_before_it_is_sent_and_who_gets_none_with_the_reason(browse, standin):
    page = (await browse(CLARA).get(f"/invitations/bulk?client_id={ACME}")).text
    invited, left_out = page.split("Who gets none, and why (17)")
    assert "otto@bounces.example" in invited[invited.index("Who gets a mail (47)") :]
    assert "They have no e-mail address." in left_out
    assert "They have an invitation already." in left_out
    assert re.search("otto@bounces.example.*Website relaunch\u2069?: Approver", invited)
    more = (await browse(CLARA).get(f"/invitations/bulk/recipients?client_id={ACME}", headers=FRAGMENT)).text
    assert "otto@bounces.example" in more
    assert "<html" not in more


async def test_roles_are_chosen_for_those_of_one_client_and_what_was_shown_is_said(browse, standin):
    page = (await browse(CLARA).get(f"/invitations/bulk?client_id={ACME}")).text
    assert f'name="role-{uid(1)}"' in page
    assert 'name="role-' not in (await browse(CLARA).get("/invitations/bulk")).text
    sent = {"confirm": "on", "client_id": ACME, "expected": "47", f"role-{uid(1)}": "viewer"}
    standin.say("/invitations/bulk", 409, "bulk_invitation.recipients_changed", "Look at the list, and confirm again.")
    refused = await browse(CLARA).post("/invitations/bulk", data=sent)
    assert refused.status_code == 409
    assert "Look at the list" in refused.text
    assert '<option value="viewer" selected>' in refused.text
    standin.problems.clear()
    assert (await browse(CLARA).post("/invitations/bulk", data=sent)).status_code == 303
    body = {"confirm": True, "client_id": ACME, "project_roles": {uid(1): "viewer"}, "expected": 47}
    assert standin.written[-1] == ("POST", "/invitations/bulk", body)


async def test_with_nobody_to_invite_or_one_under_way_there_is_no_button(browse, standin):
    standin.state["preview"]["eligible"] = 0
    page = (await browse(CLARA).get("/invitations/bulk")).text
    assert "There is nobody to invite." in page
    assert "Send invitations" not in page
    standin.state["preview"] |= {"eligible": 3, "running": BULK}
    page = (await browse(CLARA).get("/invitations/bulk")).text
    assert f'href="{PAGE}"' in page
    assert "Send invitations" not in page


async def test_without_the_tick_nothing_is_sent(browse, standin):
    answer = await browse(CLARA).post("/invitations/bulk", data={"client_id": ACME})
    assert answer.status_code == 422
    assert "Confirm by ticking" in answer.text
    assert f'name="client_id" value="{ACME}"' in answer.text
    assert standin.written == []


async def test_sent_as_a_form_it_leads_to_its_progress(browse, standin):
    answer = await browse(CLARA).post("/invitations/bulk", data={"confirm": "on", "client_id": ACME})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert standin.written == [("POST", "/invitations/bulk", {"confirm": True, "client_id": ACME, "project_roles": {}})]


async def test_sent_from_the_dialog_the_progress_takes_its_place(browse, standin):
    answer = await browse(CLARA).post("/invitations/bulk", data={"confirm": "on"}, headers=FRAGMENT)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert f'hx-get="{PAGE}" hx-trigger="every 1s"' in answer.text
    assert standin.written[0][2] == {"confirm": True, "client_id": None, "project_roles": {}}


async def test_progress_is_a_page_that_asks_again_until_it_is_done(browse, standin):
    page = (await browse(CLARA).get(PAGE)).text
    assert '<progress value="16" max="47"' in page
    assert 'hx-trigger="every 1s"' in page
    assert f'href="{PAGE}"' in page
    counts = {"sent": 45, "failed": 1, "skipped": 1, "waiting": 0}
    standin.state["bulk"] = progress(done=True, failures=FAILURES, **counts)
    bar = (await browse(CLARA).get(PAGE, headers=FRAGMENT)).text
    assert "<html" not in bar
    assert "hx-trigger" not in bar
    assert "Done, with some left over" in bar
    assert "The mail server knows no such address." in bar
    assert "Sabine Vogt" in bar[bar.index("Each one's invitation") :]
    assert f'href="/contacts/{OTTO}"' in bar
    standin.state["bulk"] = progress(done=True, total=0, sent=0, skipped=0, waiting=0)
    assert "Invitations sent" in (await browse(CLARA).get(PAGE)).text


async def test_it_is_for_who_may_let_contacts_in(browse, standin):
    for who in (JONAS, CLERK):
        assert (await browse(who).get("/invitations/bulk")).status_code == 403
        assert (await browse(who).post("/invitations/bulk", data={"confirm": "on"})).status_code == 403
        assert (await browse(who).get(PAGE)).status_code == 403
        assert "Invite contacts" not in (await browse(who).get("/clients")).text
    assert standin.written == []
    assert (await browse(CLARA).get(f"/invitations/bulk/{uid(1)}")).status_code == 404
