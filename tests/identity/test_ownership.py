"""Whoever was shut out, or whose seat was given to somebody else, has nothing left that opens it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from shared.clock import now, uuid7
from tests.identity.authenticator import Authenticator
from tests.identity.passkeys.rig import REFUSED, add, enter, seen
from tests.identity.rig import ADMIN, Browser, Identity, colleague_of

IDS = """
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'identity' and udt_name = 'uuid' and column_name not in ('id', 'client_id')
"""
OPENS = {
    *("sessions.person_id", "sessions.account_id", "sign_in_links.person_id", "one_time_tokens.person_id"),
    *("authenticators.person_id", "recovery_codes.person_id", "passkeys.person_id", "federated_identities.person_id"),
    "pictures.person_id",
}
"""What leads somebody in, or lets them be known again, and how they look: gone with its owner."""
KEPT = {
    "mails.person_id": "an order to write; what leads in and was not sent is taken back (LEADS_IN)",
    "people.account_id": "whose membership somebody is: counts once they joined, and they have to join anew",
    "project_roles.person_id": "a right, which staff see and give; it goes with another client",
    "offered_roles.person_id": "a right that waits for them to come in; it goes with their access",
    "offered_roles.offered_by": "who did it",
    "assignments.person_id": "a right of staff",
    "bulk_invitation_items.person_id": "who was picked to be invited",
    "bulk_invitations.created_by": "who did it",
    "api_clients.created_by": "who did it: the system is the company's",
    "clients.portal_user_id": "to whom a portal is linked, which lets nobody in",
    "sessions.viewing_person_id": "whose portal staff see: a view changes nothing, and ends with the account (close_views)",
}
"""What refers to a person and opens nothing, with the reason."""
OTHERS = {
    *("sessions.viewing_client_id", "mails.token_id", "project_roles.project_id", "assignments.project_id"),
    *("offered_roles.project_id", "bulk_invitation_items.bulk_invitation_id", "bulk_invitation_items.mail_id"),
    *("api_client_secrets.api_client_id", "inbox.event_id", "brands.logo_id", "brands.icon_id"),
}
"""Ids of other things than people."""
OF_A_PERSON = {
    "credentials": {"password_hash", "email_verified_at", "owned_since", "joined_at"},
    "known of them": {"first_name", "last_name", "email", "phone", "title", "language", "is_shared", "account_id"}
    | {"last_sign_in_at", "language_chosen"},
    "given by staff": {"kind", "client_id", "active", "portal_access", "limited", "is_primary_contact", "policies"},
    "the row's own": {"id", "version", "created_at", "updated_at", "sort_key", "found_by"},
}
Way = Callable[[Identity, dict[str, Any]], Awaitable[httpx2.Response]]


async def move(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    target = {"client_id": await identity.client("Birch Ltd")}
    return await identity.api(ADMIN, "POST", f"contacts/{person['id']}/move", json=target)


async def change_address(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    person["email"] = f"{uuid4().hex}@acme.example"
    return await identity.api(ADMIN, "PATCH", f"contacts/{person['id']}", json={"email": person["email"]})


async def take_access(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    return await identity.api(ADMIN, "POST", f"contacts/{person['id']}/portal-access/disable")


async def deactivate_contact(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    return await identity.api(ADMIN, "PATCH", f"contacts/{person['id']}", json={"active": False})


async def deactivate_person(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    return await identity.api(ADMIN, "PATCH", f"people/{person['id']}", json={"active": False})


async def deactivate_colleague(identity: Identity, person: dict[str, Any]) -> httpx2.Response:
    primary = colleague_of(person["client_id"], is_primary_contact=True)
    return await identity.api(primary, "POST", f"team/{person['id']}/deactivate")


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        *(move, change_address, take_access),
        *(deactivate_contact, deactivate_person, deactivate_colleague),
    )
}
GIVEN_TO_ANOTHER = ("move", "change_address")
"""After these the row stands for somebody else; after the others when they last signed in stays known."""


async def give_everything(identity: Identity, person: dict[str, Any]) -> tuple[Browser, Authenticator]:
    """A row of this person in every table that could let them in; their browser, and the device with their passkey."""
    browser, device = await identity.browser(person), Authenticator()
    assert (await add(browser, device)).status_code == 201
    soon = now() + timedelta(days=1)
    rows: dict[str, dict[str, object]] = {
        "one_time_tokens": {"id": uuid7(), "purpose": "email_change", "created_at": now(), "expires_at": soon},
        "sign_in_links": {"id": uuid7(), "email": person["email"], "flow_hash": str(uuid7()), "code_tries": 0}
        | {"ip": "", "user_agent": "", "expires_at": soon},
        "authenticators": {"last_step": 0, "secret": b"", "confirmed_at": now()},
        "recovery_codes": {"id": uuid7(), "code_hash": "", "created_at": now(), "expires_at": soon},
        "pictures": {"id": uuid7(), "image": b"", "created_at": now()},
    }
    if person["client_id"]:
        linked = {"id": uuid7(), "issuer": "https://idp.example", "subject": str(uuid7()), "created_at": now()}
        rows["federated_identities"] = linked
    for table, row in rows.items():
        values = {"person_id": person["id"], "client_id": person["client_id"], **row}
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        await identity.execute(f"insert into {table} ({', '.join(values)}) values ({places})", *values.values())
    await identity.execute("update people set email_verified_at = now() where id = $1", person["id"])
    return browser, device


async def held(identity: Identity, person_id: str) -> set[str]:
    """What a person still has of all that opens an account."""
    found = {
        name
        for name in OPENS
        if await identity.execute("select 1 from {} where {} = $1".format(*name.split(".")), person_id)
    }
    ((row),) = await identity.execute("select * from people where id = $1", person_id)
    return found | {column for column in OF_A_PERSON["credentials"] if row[column] is not None}


async def test_of_everything_that_names_a_person_it_is_decided_whether_it_opens_the_account(identity: Identity) -> None:
    """A new table or column fails here until somebody says which it is."""
    assert {row["name"] for row in await identity.execute(IDS)} == OPENS | KEPT.keys() | OTHERS
    columns = await identity.execute(
        "select column_name from information_schema.columns where table_schema = 'identity' and table_name = 'people'"
    )
    assert {row[0] for row in columns} == set().union(*OF_A_PERSON.values())


@pytest.mark.parametrize("way", WAYS)
async def test_who_had_the_account_has_no_way_in_any_more(identity: Identity, way: str) -> None:
    anna = await identity.person(await identity.client())
    before = anna["email"]
    browser, device = await give_everything(identity, anna)
    assert await held(identity, anna["id"]) == OPENS | OF_A_PERSON["credentials"] - {"joined_at"}
    answer = await WAYS[way](identity, anna)
    assert answer.status_code == 200, answer.text
    assert await held(identity, anna["id"]) == set()
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None

    # Whoever has the seat now is let in; who had it before knows their address, too.
    await identity.api(ADMIN, "PATCH", f"contacts/{anna['id']}", json={"active": True})
    given = await identity.api(ADMIN, "POST", f"contacts/{anna['id']}/portal-access/enable")
    assert (given.status_code, given.json()["has_account"]) == (200, False), given.text
    assert (given.json()["last_sign_in_at"] is None) == (way in GIVEN_TO_ANOTHER)
    for email in (before, anna["email"]):
        assert (await (await identity.browser()).sign_in(email)).status_code == 401
    assert seen(await enter(await identity.browser(), device)) == REFUSED


async def test_staff_who_come_back_prove_their_mailbox_first(identity: Identity) -> None:
    jonas = await identity.person()
    _, device = await give_everything(identity, jonas)
    await identity.mail_to(jonas["email"])  # that a passkey was added: while they are shut out, no mail goes to them
    for active in (False, True):
        answer = await identity.api(ADMIN, "PATCH", f"people/{jonas['id']}", json={"active": active})
        assert answer.status_code == 200, answer.text
    assert await held(identity, jonas["id"]) == set()
    assert (await (await identity.browser()).sign_in(jonas["email"])).status_code == 401
    assert seen(await enter(await identity.browser(), device)) == REFUSED
    browser = await identity.browser()
    await browser.ask_for_link(jonas["email"])
    assert (await browser.redeem(code=(await identity.mail_to(jonas["email"], 2)).code)).status_code == 200
