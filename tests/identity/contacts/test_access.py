"""Who of a client's contacts may use its portal, and what becomes of those who may no longer."""

from typing import Any

import httpx2
import msgspec
import pytest

from shared.actor import Actor
from tests.identity.contacts.conftest import MakeContact
from tests.identity.rig import ADMIN, Identity, staff


async def act(identity: Identity, contact: dict[str, Any], what: str, actor: Actor = ADMIN) -> httpx2.Response:
    return await identity.api(actor, "POST", f"contacts/{contact['id']}/{what}")


async def enable(identity: Identity, contact: dict[str, Any]) -> httpx2.Response:
    return await act(identity, contact, "portal-access/enable")


async def seen(identity: Identity, contact: dict[str, Any]) -> dict[str, Any]:
    return (await identity.api(ADMIN, "GET", f"contacts/{contact['id']}")).json()


async def test_access_is_granted_with_one_invitation(identity: Identity, contact: MakeContact) -> None:
    sabine = await contact(await identity.client())
    for _ in range(2):
        answer = await enable(identity, sabine)
        assert (answer.status_code, answer.json()["portal_access"]) == (200, True), answer.text
    assert answer.json()["invitation"]["status"] in ("waiting", "sent")
    await identity.until("select 1 from mails where person_id = $1 and sent_at is not null", sabine["id"])
    assert len(await identity.execute("select 1 from mails where person_id = $1", sabine["id"])) == 1
    assert len(identity.mails_to(sabine["email"])) == 1
    assert (await seen(identity, sabine))["invitation"]["status"] == "sent"
    assert len(await identity.events("portal_access_granted", sabine["id"])) == 1


@pytest.mark.parametrize(
    ("lacks", "fields"),
    [
        ({"email": None}, ["email"]),
        ({"active": False}, ["active"]),
        ({"email": None, "active": False}, ["email", "active"]),
    ],
)
@pytest.mark.parametrize("closed", [{}, {"portal_enabled": False}, {"active": False}])
@pytest.mark.parametrize("what", ["portal-access/enable", "invitation/resend"])
async def test_what_lacks_is_named_all_at_once(
    identity: Identity,
    contact: MakeContact,
    lacks: dict[str, Any],
    fields: list[str],
    closed: dict[str, bool],
    what: str,
) -> None:
    client_id = await identity.client()
    sabine = await contact(client_id)
    await identity.api(ADMIN, "PATCH", f"contacts/{sabine['id']}", json=lacks)
    if closed:
        await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=closed)
    answer = await act(identity, sabine, what)
    assert (answer.status_code, answer.json()["code"]) == (422, "contact.not_ready")
    missing = fields + (["client"] if closed else []) + (["portal_access"] if "resend" in what else [])
    assert [each["field"] for each in answer.json()["errors"]] == missing
    after = await seen(identity, sabine)
    assert (after["portal_access"], after["invitation"]["status"]) == (False, "none")


@pytest.mark.parametrize("closed", [{"portal_enabled": False}, {"active": False}])
async def test_a_closed_client_lets_nobody_in(
    identity: Identity, contact: MakeContact, closed: dict[str, bool]
) -> None:
    client_id = await identity.client()
    sabine = await contact(client_id)
    await identity.api(ADMIN, "PATCH", f"clients/{client_id}", json=closed)
    answer = await enable(identity, sabine)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, ["client"])


async def test_an_address_of_the_staff_is_nobody_elses(identity: Identity, contact: MakeContact) -> None:
    oliver = await identity.person()
    sabine = await contact(await identity.client(), email=oliver["email"])
    answer = await enable(identity, sabine)
    assert (answer.status_code, answer.json()["code"]) == (409, "person.email_taken")
    after = await seen(identity, sabine)
    assert (after["portal_access"], after["invitation"]["status"]) == (False, "none")
    assert await identity.events("portal_access_granted", sabine["id"]) == []


async def test_disabling_signs_out_and_makes_the_invitation_worthless(identity: Identity, contact: MakeContact) -> None:
    client_id = await identity.client()
    anna = await identity.person(client_id)
    browser = await identity.browser(anna)
    answer = await act(identity, anna, "portal-access/disable")
    assert (answer.status_code, answer.json()["portal_access"]) == (200, False)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None
    assert (await (await identity.browser()).sign_in(anna["email"])).status_code == 401
    assert len(await identity.events("portal_access_revoked", anna["id"])) == 1
    (ended,) = [e for e in await identity.events("session_revoked") if str(e.clientid) == client_id]
    assert msgspec.json.decode(ended.data)["reason"] == "access_revoked"

    sabine = await contact(client_id)
    await enable(identity, sabine)
    await act(identity, sabine, "portal-access/disable")
    live = "select 1 from one_time_tokens where person_id = $1 and used_at is null and expires_at > now()"
    assert await identity.execute(live, sabine["id"]) == []
    await enable(identity, sabine)
    assert len(await identity.execute(live, sabine["id"])) == 1


async def test_who_had_an_account_is_invited_anew(identity: Identity) -> None:
    """The company may have given the seat to somebody else meanwhile: what opened it before opens it no more."""
    anna = await identity.person(await identity.client())
    await act(identity, anna, "portal-access/disable")
    answer = await enable(identity, anna)
    assert (answer.json()["portal_access"], answer.json()["has_account"]) == (True, False)
    browser = await identity.browser()
    assert (await browser.sign_in(anna["email"])).status_code == 401
    said = {"first_name": "Sabine", "last_name": "Vogt", "token": (await identity.mail_to(anna["email"])).token}
    assert (await browser("POST", "auth/register", json=said)).status_code == 200
    refused = await act(identity, anna, "invitation/resend")
    assert (refused.status_code, refused.json()["code"]) == (409, "contact.has_account")


async def test_a_resent_invitation_replaces_the_one_before(identity: Identity, contact: MakeContact) -> None:
    sabine = await contact(await identity.client())
    await enable(identity, sabine)
    await identity.until("select 1 from mails where person_id = $1 and sent_at is not null", sabine["id"])
    first = (await identity.execute("select token_hash from one_time_tokens where person_id = $1", sabine["id"]))[0][0]
    answer = await act(identity, sabine, "invitation/resend")
    assert answer.status_code == 200, answer.text
    both = "select 1 from mails where person_id = $1 and sent_at is not null having count(*) = 2"
    await identity.until(both, sabine["id"])
    ((second,),) = await identity.execute("select token_hash from one_time_tokens where person_id = $1", sabine["id"])
    assert second != first


async def test_another_address_signs_out_and_has_to_be_proven_anew(identity: Identity) -> None:
    anna = await identity.person(await identity.client())
    await identity.execute("update people set email_verified_at = now() where id = $1", anna["id"])
    browser = await identity.browser(anna)
    change = {"email": f"new-{anna['email']}"}
    answer = await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json=change)
    assert answer.status_code == 200, answer.text
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None
    ((verified,),) = await identity.execute("select email_verified_at from people where id = $1", anna["id"])
    assert verified is None
    taken = await identity.person(await identity.client())
    refused = await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json={"email": taken["email"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "person.email_taken")
    refused = await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json={"email": None})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "email")


async def test_a_deactivated_contact_is_signed_out(identity: Identity) -> None:
    anna = await identity.person(await identity.client())
    browser = await identity.browser(anna)
    await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json={"active": False})
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None


async def test_a_primary_contact_is_one_at_once_and_under_a_new_id(identity: Identity) -> None:
    anna = await identity.person(await identity.client())
    browser = await identity.browser(anna)
    await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json={"is_primary_contact": True})
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"old"
    record = await browser.record()
    assert record
    assert (record["is_primary_contact"], record["rotate"]) == (True, True)


@pytest.mark.parametrize("change", [{"email": "somebody@else.example"}, {"is_primary_contact": True}])
async def test_who_comes_in_is_not_for_who_keeps_the_address_book(
    identity: Identity, contact: MakeContact, change: dict[str, Any]
) -> None:
    """To change the address of somebody with access is a way to become them."""
    client_id = await identity.client()
    anna, sabine = await identity.person(client_id), await contact(client_id)
    clerk = staff("manageClients")
    refused = await identity.api(clerk, "PATCH", f"contacts/{anna['id']}", json={"title": "New", **change})
    assert (refused.status_code, refused.json()["code"]) == (403, "access.needs_policy")
    assert (await seen(identity, anna))["title"] == ""
    assert (await identity.api(clerk, "PATCH", f"contacts/{anna['id']}", json={"title": "New"})).status_code == 200
    assert (await identity.api(clerk, "PATCH", f"contacts/{sabine['id']}", json=change)).status_code == 200
