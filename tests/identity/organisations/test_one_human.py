"""What concerns the human reaches all of their sessions; what one client decides reaches that client alone."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from services.identity.organisations.membership import part
from services.identity.ownership import shut_out
from services.identity.people.models import Person
from shared.actor import Actor
from shared.clock import uuid7
from tests.identity.organisations.conftest import HOME, Consultant
from tests.identity.partners import create, token_of
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity, colleague_of, somewhere
from tests.identity.test_ownership import held

NEW = "three quiet herons"


async def in_both(both: Consultant) -> tuple[Browser, Browser]:
    """A browser at Acme, and one at Birch."""
    there = await both.signs_in()
    assert (await both.switch(both.birch, there)).status_code == 200
    return both.browser, there


async def ended_at(both: Consultant, client_id: str) -> list[tuple[str, str]]:
    events = [each for each in await both.identity.events("session_revoked") if str(each.clientid) == client_id]
    return [(msgspec.json.decode(each.data)["reason"], str(each.actorid)) for each in events]


async def test_one_list_of_sessions_from_wherever_it_is_looked_at(both: Consultant) -> None:
    for browser in await in_both(both):
        listed = (await browser("GET", "sessions")).json()["items"]
        assert (len(listed), sum(each["current"] for each in listed)) == (2, 1)


async def test_a_session_elsewhere_is_ended_from_here(both: Consultant) -> None:
    here, there = await in_both(both)
    assert (await there("DELETE", f"sessions/{here.actor.session_id}")).status_code == 204
    assert await both.identity.redis.get(f"session:{here.session_hash}") == b"revoked"
    assert await here.record() is None
    assert ("revoked", both.anna["id"]) in await ended_at(both, both.acme)
    again = await both.signs_in()
    await both.switch(both.acme, again)
    assert (await again("POST", "sessions/revoke-others")).json() == {"revoked": 1}
    assert await there.record() is None
    assert ("revoked", both.guest["id"]) in await ended_at(both, both.birch)


async def test_another_humans_sessions_stay_out_of_reach(both: Consultant) -> None:
    oliver = await both.identity.browser(await both.identity.person(both.birch))
    await both.switch(both.birch)
    assert (await both.browser("DELETE", f"sessions/{oliver.actor.session_id}")).status_code == 404
    assert (await both.browser("POST", "sessions/revoke-others")).json() == {"revoked": 0}
    assert await oliver.record()


async def test_a_new_password_ends_what_is_open_in_the_other_organisation(both: Consultant) -> None:
    here, there = await in_both(both)
    answer = await here("POST", "people/me/password", json={"password": NEW, "current": PASSWORD})
    assert answer.status_code == 204, answer.text
    assert await both.identity.redis.get(f"session:{there.session_hash}") == b"revoked"
    assert (await here.record() is not None, await there.record()) == (True, None)
    assert ("password_changed", both.guest["id"]) in await ended_at(both, both.birch)
    await both.signs_in(password=NEW)


async def test_a_forgotten_password_ends_everything(both: Consultant) -> None:
    here, there = await in_both(both)
    browser = await both.identity.browser()
    await browser("POST", "auth/forgot-password", json={"email": both.email})
    token = (await both.identity.mail_to(both.email, 2)).token
    assert (await browser("POST", "auth/reset-password", json={"token": token, "password": NEW})).status_code == 204
    assert (await here.record(), await there.record()) == (None, None)


async def test_a_second_factor_taken_away_by_staff_ends_everything(both: Consultant) -> None:
    await both.browser.enrol()
    here, there = both.browser, await both.identity.browser()
    codes = (await here("POST", "two-factor/recovery-codes")).json()["recovery_codes"]
    await there.sign_in(both.email)
    assert (await there.show(recovery_code=codes[0])).status_code == 200
    await both.switch(both.birch, there)
    await both.staff("DELETE", f"people/{both.anna['id']}/two-factor")
    assert (await here.record(), await there.record()) == (None, None)


@pytest.mark.parametrize("where", ["acme", "birch"])
@pytest.mark.parametrize("how", ["disable", "deactivate", "close"])
async def test_access_lost_at_one_client_leaves_the_other(both: Consultant, where: str, how: str) -> None:
    """Also where it is the client at which the credentials are."""
    here, there = await in_both(both)
    client_id, person = (both.acme, both.anna) if where == "acme" else (both.birch, both.guest)
    if how == "disable":
        await both.staff("POST", f"contacts/{person['id']}/portal-access/disable")
    elif how == "deactivate":
        await both.staff("PATCH", f"people/{person['id']}", json={"active": False})
    else:
        await both.staff("PATCH", f"clients/{client_id}", json={"portal_enabled": False})
    gone, left = (here, there) if where == "acme" else (there, here)
    assert await gone.record() is None
    assert await both.identity.redis.get(f"session:{gone.session_hash}") == b"revoked"
    assert await left.record()
    assert (await both.switch(client_id, left)).status_code in (404, 409)
    again = await both.signs_in()
    assert str(again.actor.client_id) == (both.birch if where == "acme" else both.acme)
    await again.ask_for_link(both.email)
    code = (await both.identity.mail_to(both.email, 2)).code
    assert (await again.redeem(code=code)).status_code == 200
    await again("POST", "auth/forgot-password", json={"email": both.email})
    token = (await both.identity.mail_to(both.email, 3)).token
    assert (await again("POST", "auth/reset-password", json={"token": token, "password": NEW})).status_code == 204
    await both.signs_in(password=NEW)


async def test_a_second_factor_is_asked_for_wherever_one_lands(both: Consultant) -> None:
    """Home is gone; what was set up there still stands before the other client's door."""
    app, _ = await both.browser.enrol()
    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    browser = await both.identity.browser()
    assert (await browser.sign_in(both.email)).json()["next"] == "second_factor"
    assert (await browser.show(code=app.code())).status_code == 200
    assert str(browser.actor.client_id) == both.birch


async def test_what_was_taken_away_and_given_back_is_as_before(both: Consultant) -> None:
    for person in (both.anna, both.guest):
        await both.staff("POST", f"contacts/{person['id']}/portal-access/disable")
        back = await both.staff("POST", f"contacts/{person['id']}/portal-access/enable")
        assert back.json()["has_account"] is True
    browser = await both.signs_in()
    assert len(await both.organisations(browser)) == 2
    assert len(both.identity.mails_to(both.email)) == 1


async def test_with_the_last_door_goes_what_opened_it_wherever_it_is_kept(both: Consultant) -> None:
    """The credentials are at Acme; a primary contact of Birch takes the last way in."""
    await both.browser.enrol()
    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    assert await held(both.identity, both.anna["id"]) >= {"password_hash", "authenticators.person_id"}
    primary = colleague_of(both.birch, is_primary_contact=True)
    answer = await both.identity.api(primary, "POST", f"team/{both.guest['id']}/deactivate")
    assert answer.status_code == 200, answer.text
    for person in (both.anna, both.guest):
        assert await held(both.identity, person["id"]) == set()
    back = await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/enable")
    assert back.json()["has_account"] is False
    assert (await (await both.identity.browser()).sign_in(both.email)).status_code == 401


async def test_the_account_stays_one_while_its_home_is_gone(both: Consultant) -> None:
    """A third client finds it by the address, and nobody new may take the address."""
    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    browser = await both.signs_in()
    cedar = await both.identity.client("Cedar & Co")
    _, token = await both.invite(cedar)
    assert (await both.join(browser, token)).json() == {"client_id": cedar}
    body = {"kind": "client", "client_id": await both.identity.client(), "email": both.email}
    taken = await both.identity.api(ADMIN, "POST", "people", json=body | {"first_name": "A", "last_name": "K"})
    assert (taken.status_code, taken.json()["code"]) == (409, "person.email_taken")


async def test_who_lost_every_access_is_nobodys_gatekeeper(invited: Consultant) -> None:
    """The invitation is accepted like a first one; what the old account could do, it cannot do there."""
    await invited.browser.enrol()
    await invited.staff("PATCH", f"people/{invited.anna['id']}", json={"active": False})
    browser = await invited.identity.browser()
    body = {"token": invited.token, "first_name": "Anna", "last_name": "Keller", "password": NEW}
    assert (await browser("POST", "auth/register", json=body)).status_code == 200
    await browser.refresh()
    assert str(browser.actor.client_id) == invited.birch
    await invited.staff("PATCH", f"people/{invited.anna['id']}", json={"active": True})
    assert (await invited.switch(invited.acme, browser)).status_code == 404
    assert (await (await invited.identity.browser()).sign_in(invited.email)).status_code == 401
    row = await invited.row(invited.anna)
    assert (str(row["account_id"]), row["joined_at"]) == (invited.guest["id"], None)


@pytest.mark.parametrize("who", ["anna", "guest"])
async def test_another_address_by_staff_is_another_human(both: Consultant, who: str) -> None:
    here, there = await in_both(both)
    person = both.anna if who == "anna" else both.guest
    email = f"{uuid4().hex}@acme.example"
    await both.staff("PATCH", f"contacts/{person['id']}", json={"email": email})
    changed, kept = (here, there) if who == "anna" else (there, here)
    assert (await changed.record(), await kept.record() is not None) == (None, True)
    for each in (both.anna, both.guest):
        row = await both.row(each)
        assert (row["account_id"], row["joined_at"], row["is_shared"]) == (
            None,
            None,
            who == "guest" and each is both.anna,
        )
    assert len(await both.organisations(kept)) <= 1
    home = both.birch if who == "anna" else both.acme
    assert (await both.switch(both.acme if home == both.birch else both.birch, kept)).status_code == 404
    for address, client_id in ((both.email, home), (email, both.acme if home == both.birch else both.birch)):
        number = len(await both.identity.mails_written(address)) + 1
        browser = await both.identity.browser()
        await browser.ask_for_link(address)
        assert (await browser.redeem(code=(await both.identity.mail_to(address, number)).code)).status_code == 200
        await browser.refresh()
        assert str(browser.actor.client_id) == client_id
    assert (await kept("GET", "sessions")).json()["items"]


async def test_of_three_the_two_that_are_left_stay_one(both: Consultant) -> None:
    cedar = await both.identity.client("Cedar & Co")
    third, token = await both.invite(cedar)
    assert (await both.join(token=token)).status_code == 200
    await both.switch(cedar)
    await both.staff("PATCH", f"contacts/{both.anna['id']}", json={"email": f"{uuid4().hex}@acme.example"})
    assert await both.browser.record()
    assert str((await both.row(both.guest))["account_id"]) == third["id"]
    assert [each["name"] for each in await both.organisations()] == ["Birch Ltd", "Cedar & Co"]
    assert (await both.switch(both.birch)).status_code == 200


SAID = """
    select event->'data'->'standing'->>'may_enter' as may_enter from outbox
    where event->>'subject' = $1 and event->'data'->'standing' is not null order by seq desc limit 1
"""


async def may_enter(both: Consultant, *people: dict[str, Any]) -> list[bool]:
    """What identity published last of each."""
    found = [await both.identity.execute(SAID, person["id"]) for person in people]
    return [rows[0]["may_enter"] == "true" for rows in found]


async def test_it_is_published_who_has_to_join_again_and_who_need_not(both: Consultant) -> None:
    """With their clients closed, Anna is invited by a third one, where nothing of hers opens the door."""
    identity, cedar = both.identity, await both.identity.client("Cedar & Co", **HOME)
    third, token = await both.invite(cedar)
    everybody = (both.anna, both.guest, third)
    assert await may_enter(both, *everybody) == [True, True, False]
    await opened(both, both.acme, both.birch, cedar, only=cedar)
    await accepted(both, token)
    assert await may_enter(both, *everybody) == [False, False, True]
    await opened(both, both.acme, both.birch, cedar, only=both.acme)
    before = len(await identity.mails_written(both.email))
    await both.staff("POST", f"contacts/{both.anna['id']}/invitation/resend")
    await accepted(both, (await identity.mail_to(both.email, before + 1)).token)
    assert await may_enter(both, *everybody) == [True, False, False]
    told = [await identity.events("update_profile", each["id"]) for each in everybody]
    by = {(each.actorkind, str(each.clientid)) for events in told for each in events}
    assert by == {("system", each["client_id"]) for each in everybody}


async def opened(both: Consultant, *clients: str, only: str) -> None:
    for each in clients:
        await both.staff("PATCH", f"clients/{each}", json={"portal_enabled": each == only})


async def accepted(both: Consultant, token: str) -> None:
    """The invitation, by somebody whose name is the one in the book."""
    answer = await (await both.identity.browser())("POST", "auth/invitation", json={"token": token})
    names = {name: answer.json()[name] for name in ("first_name", "last_name")}
    body = {"token": token, "password": NEW} | names
    answer = await (await both.identity.browser())("POST", "auth/register", json=body)
    assert answer.status_code == 200, answer.text


async def test_it_is_published_that_who_is_left_of_an_account_was_not_in_yet(both: Consultant) -> None:
    assert await may_enter(both, both.guest) == [True]
    await both.staff("PATCH", f"contacts/{both.anna['id']}", json={"email": f"{uuid4().hex}@acme.example"})
    assert await may_enter(both, both.anna, both.guest) == [False, False]
    row = await both.row(both.guest)
    assert (row["account_id"], row["owned_since"]) == (None, None)


REFERENCES = """
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'identity' and column_name = 'account_id'
"""


@pytest.mark.parametrize("who", ["anna", "guest"])
async def test_a_contact_who_changes_sides_leaves_the_other_organisation_alone(both: Consultant, who: str) -> None:
    here, there = await in_both(both)
    person = both.anna if who == "anna" else both.guest
    await both.staff(
        "POST", f"contacts/{person['id']}/move", json={"client_id": await both.identity.client("Cedar & Co")}
    )
    gone, left = (here, there) if who == "anna" else (there, here)
    assert (await gone.record(), await left.record() is not None) == (None, True)
    row = await both.row(person)
    assert (row["account_id"], row["joined_at"], row["is_shared"], row["portal_access"]) == (None, None, False, False)
    references = {(each["table"], each["column"]) for each in await both.identity.execute(REFERENCES)}
    assert references == {("sessions", "account_id"), ("people", "account_id")}
    for table, column in references:
        assert not await both.identity.execute(f"select 1 from {table} where {column} = $1", person["id"]), table
    assert (await both.switch(both.acme if who == "guest" else both.birch, left)).json()[
        "code"
    ] == "organisation.here_already"


async def test_whoever_moved_has_nothing_of_the_account_that_stays_and_it_nothing_of_them(both: Consultant) -> None:
    """Anna's row goes to Cedar: what she is at Birch stays hers, and Cedar is entered by its own invitation alone."""
    identity, (_, there) = both.identity, await in_both(both)
    project = await identity.project(both.birch)
    await both.staff("PUT", f"people/{both.guest['id']}/project-roles", json={"roles": {project: "approver"}})
    cedar = await identity.client("Cedar & Co", sign_in_methods=["magic_link", "password"])
    await both.staff("POST", f"contacts/{both.anna['id']}/move", json={"client_id": cedar})
    assert await held(identity, both.anna["id"]) == set()
    roles = await identity.execute("select person_id, project_id from project_roles")
    assert [(str(row[0]), str(row[1])) for row in roles if str(row[1]) == project] == [(both.guest["id"], project)]

    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/enable")
    row = await both.row(both.anna)
    assert (str(row["account_id"]), row["joined_at"]) == (both.guest["id"], None), (
        "waits to join who the address is now"
    )
    assert [each["name"] for each in await both.organisations(there)] == ["Birch Ltd"]
    assert (await both.switch(cedar, there)).status_code == 404
    assert (await (await identity.browser()).sign_in(both.email)).status_code == 401
    token = (await identity.mail_to(both.email, len(await identity.mails_written(both.email)))).token
    assert (await both.join(there, token)).status_code == 200
    assert (await both.switch(cedar, there)).status_code == 200


async def change_address(both: Consultant, browser: Browser, email: str = "") -> str:
    email = email or f"{uuid4().hex}@acme.example"
    before = len(await both.identity.mails_written(both.email))
    assert (await browser("POST", "people/me/email", json={"email": email})).status_code == 202
    for address, number in ((email, 1), (both.email, before + 1)):
        token = (await both.identity.mail_to(address, number)).token
        assert (await browser("POST", "auth/confirm-email", json={"token": token})).status_code == 200
    return email


async def test_ones_own_change_of_address_goes_along_everywhere(both: Consultant) -> None:
    email = await change_address(both, both.browser)
    for person in (both.anna, both.guest):
        row = await both.row(person)
        assert (row["email"], row["email_verified_at"] is not None) == (email, True)
        (event,) = await both.identity.events("email_changed", person["id"])
        assert (str(event.clientid), str(event.actorid)) == (person["client_id"], person["id"])
    assert (await both.switch(both.birch)).status_code == 200


async def test_an_invitation_that_waits_in_the_mailbox_one_gave_up_is_void(invited: Consultant) -> None:
    """Before, it took Anna's account to join with it. Now nobody signs in with the address, and the link alone would."""
    elsewhere = await invited.signs_in()
    await change_address(invited, invited.browser)
    assert (await invited.browser.record() is not None, await elsewhere.record()) == (True, None)
    former = await invited.identity.browser()
    assert (await former("POST", "auth/invitation", json={"token": invited.token})).status_code == 401
    body = {"token": invited.token, "first_name": "A", "last_name": "K", "password": NEW}
    assert (await former("POST", "auth/register", json=body)).status_code == 401
    seen = (await invited.staff("GET", f"contacts/{invited.guest['id']}")).json()["invitation"]
    assert (seen["status"], seen["failure"]) == ("expired", "given_up")
    (event,) = await invited.identity.events("invitation_failed", invited.guest["id"])
    assert (str(event.clientid), msgspec.json.decode(event.data)) == (invited.birch, {"reason": "given_up"})
    params = {"client_id": invited.birch, "invited": "false"}
    (left_out,) = (await invited.staff("GET", "invitations/bulk/recipients", params=params)).json()["items"]
    assert (left_out["person_id"], left_out["reason"]) == (invited.guest["id"], "given_up")
    again = await invited.staff("POST", f"contacts/{invited.guest['id']}/invitation/resend")
    assert again.json()["invitation"]["failure"] == ""


async def test_an_invitation_that_is_still_to_be_mailed_is_not_mailed_to_the_box_one_gave_up(
    invited: Consultant,
) -> None:
    of = UUID(invited.guest["id"])
    await invited.identity.until("select 1 from mails where person_id = $1 and sent_at is not null", of)
    waits = "update mails set sent_at = null, due_at = now() + interval '1 hour' where person_id = $1"
    await invited.identity.execute(waits, of)
    await change_address(invited, invited.browser)
    left = await invited.identity.execute("select due_at, failure from mails where person_id = $1", of)
    assert [tuple(each) for each in left] == [(None, "replaced")]


async def test_the_inviting_client_is_not_told_that_the_mailbox_was_given_up(invited: Consultant) -> None:
    """That it is used elsewhere is told to staff alone: here the invitation waits, and expires when it would have."""
    identity, of = invited.identity, UUID(invited.guest["id"])
    lead = await identity.browser(await identity.person(invited.birch, is_primary_contact=True))

    async def member() -> dict[str, Any]:
        team = (await lead("GET", "team")).json()["items"]
        return next(each for each in team if each["id"] == invited.guest["id"])

    before = await member()
    assert before["invitation"] == "sent"
    await change_address(invited, invited.browser)
    assert await member() == before
    await identity.execute(
        """update one_time_tokens set facts = facts || jsonb_build_object('until', now() - interval '1 hour')
           where person_id = $1 and purpose = 'invitation'""",
        of,
    )
    assert (await member())["invitation"] == "expired"


async def list_at(both: Consultant, client_id: str) -> str:
    """A new address, which another contact of this client has."""
    email = f"{uuid4().hex}@acme.example"
    body = {"first_name": "B", "last_name": "C", "email": email}
    await both.staff("POST", f"clients/{client_id}/contacts", json=body)
    return email


async def test_where_another_contact_has_the_new_address_access_ends_and_the_old_mailbox_opens_nothing(
    both: Consultant,
) -> None:
    _, there = await in_both(both)
    email = await change_address(both, both.browser, await list_at(both, both.birch))
    row = await both.row(both.guest)
    assert (row["email"], row["account_id"], row["portal_access"]) == (both.email, None, False)
    assert await there.record() is None
    await both.browser.enrol()
    assert (await both.switch(both.birch)).status_code == 404
    (revoked,) = await both.identity.events("portal_access_revoked", both.guest["id"])
    assert str(revoked.clientid) == both.birch
    assert "Birch Ltd" in (await both.identity.mail_to(email, 2)).message["Subject"]
    assert "Birch" not in await both.told(both.acme)
    former, before = await both.identity.browser(), len(both.identity.mails_to(both.email))
    await former.ask_for_link(both.email)
    await former("POST", "auth/forgot-password", json={"email": both.email})
    assert (await former.sign_in(both.email)).status_code == 401
    await both.identity.until(
        "select 1 where not exists (select from mails where address = $1 and due_at is not null)", both.email
    )
    assert len(both.identity.mails_to(both.email)) == before
    assert (await (await both.identity.browser()).sign_in(email)).json()["next"] == "second_factor"


async def test_an_address_that_the_organisation_one_is_in_has_for_another_changes_nothing(both: Consultant) -> None:
    """With home closed it is the only one that lets the owner in."""
    await both.switch(both.birch)
    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    await refuse_change(both, await list_at(both, both.birch))


async def test_an_address_that_would_leave_no_way_in_changes_nothing(both: Consultant) -> None:
    """Home was closed while the links were on their way."""
    await refuse_change(both, await list_at(both, both.birch), meanwhile=f"clients/{both.acme}/portal/disable")


async def refuse_change(both: Consultant, email: str, meanwhile: str = "") -> None:
    before = len(await both.identity.mails_written(both.email))
    assert (await both.browser("POST", "people/me/email", json={"email": email})).status_code == 202
    links = [(await both.identity.mail_to(*mail)).token for mail in ((email, 1), (both.email, before + 1))]
    if meanwhile:
        await both.switch(both.birch)
        await both.staff("POST", meanwhile)
    first, last = [await both.browser("POST", "auth/confirm-email", json={"token": link}) for link in links]
    assert (first.json()["done"], last.status_code, last.json()["code"]) == (False, 409, "person.listed_already")
    rows = [await both.row(each) for each in (both.anna, both.guest)]
    assert {row["email"] for row in rows} == {both.email}
    assert rows[1]["account_id"] == rows[0]["id"]
    assert await both.browser.record()
    assert str((await both.signs_in()).actor.client_id) == both.birch


async def test_one_comes_in_where_one_was_last(both: Consultant) -> None:
    await both.switch(both.birch)
    assert str((await both.signs_in()).actor.client_id) == both.birch
    await both.switch(both.acme)
    assert str((await both.signs_in()).actor.client_id) == both.acme


async def test_one_comes_in_where_the_way_is_admitted(both: Consultant) -> None:
    await both.identity.execute("update clients set sign_in_methods = '{magic_link}' where id = $1", both.acme)
    browser = await both.signs_in()
    assert str(browser.actor.client_id) == both.birch
    await both.identity.execute("update clients set sign_in_methods = '{magic_link}' where id = $1", both.birch)
    refused = await (await both.identity.browser()).sign_in(both.email)
    unknown = await (await both.identity.browser()).sign_in(f"{uuid4().hex}@acme.example")
    assert (refused.status_code, refused.json()) == (401, unknown.json())


async def test_roles_given_in_one_turn_the_ids_there_only(both: Consultant) -> None:
    here, there = await in_both(both)
    project = await both.identity.project(both.birch)
    await both.staff("PUT", f"people/{both.guest['id']}/project-roles", json={"roles": {project: "viewer"}})
    records: list[dict[str, Any] | None] = [await here.record(), await there.record()]
    assert [record and record["rotate"] for record in records] == [False, True]


async def test_there_are_no_accounts_of_accounts_and_none_of_staff(both: Consultant, identity: Identity) -> None:
    """The table has the last word."""
    staff = await identity.person()
    for person, account in (
        (await identity.person(both.acme), both.guest["id"]),
        (await identity.person(both.acme), staff["id"]),
        (staff, both.anna["id"]),
        (both.anna, (await identity.person(both.birch))["id"]),
    ):
        with pytest.raises(Exception, match="people_account"):
            await identity.execute("update people set account_id = $2 where id = $1", person["id"], account)


async def test_nobody_tells_an_account_with_two_organisations_from_one_with_none(both: Consultant) -> None:
    """A5: the same answers, whichever it is."""
    answers = []
    for email in (both.email, f"{uuid4().hex}@acme.example"):
        for path, body in (
            ("auth/login", {"email": email, "password": "wrong and long"}),
            ("auth/magic-link", {"email": email}),
            ("auth/forgot-password", {"email": email}),
            ("auth/register", {"email": email, "first_name": "A", "last_name": "K"}),
        ):
            answer = await Browser(both.identity, somewhere())("POST", path, json=body)
            answers.append((path, answer.status_code, answer.text))
    assert answers[:4] == answers[4:]


async def test_a_partner_of_one_client_cannot_give_away_the_account_somebody_uses_at_another(
    both: Consultant, identity: Identity
) -> None:
    """The seat at Acme is closed, and its row is still the account Anna signs in with at Birch: no mere entry of a book."""
    await both.staff("POST", f"contacts/{both.anna['id']}/portal-access/disable")
    token = {"Authorization": f"Bearer {await token_of(identity, await create(identity, client_id=both.acme))}"}
    address = f"contacts/{both.anna['id']}"
    for change in ({"email": f"{uuid7()}@acme.example"}, {"active": False}, {"is_primary_contact": True}):
        answer = await identity.api(None, "PATCH", address, json=change, headers=token)
        assert (answer.status_code, answer.json()["code"]) == (403, "client.ways_in_are_for_staff"), change
    assert (await identity.api(None, "PATCH", address, json={"phone": "+49 30 1"}, headers=token)).status_code == 200
    again = await identity.browser()
    assert (await again.sign_in(both.email)).status_code == 200


async def test_who_somebody_is_elsewhere_is_never_judged_by_what_one_client_sees(identity: Identity) -> None:
    """The rule itself refuses a unit of work of one client: what it does not see, it would take for not there."""
    database = identity.api.app.state.database
    person = Person(kind="client", client_id=uuid7(), email=None, first_name="Anna", last_name="Keller")
    bound = Actor(id=uuid7(), kind="partner", client_id=person.client_id)
    for act in (lambda db: part(db, person), lambda db: shut_out(db, bound, person, "person_inactive")):
        with pytest.raises(RuntimeError, match="other clients"):
            async with database.uow(bound) as db:
                await act(db)
