"""Whoever takes their account back leaves nothing that somebody else began in it (decisions 0115 and 0116)."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import msgspec
import pytest

from services.identity.people.passwords import Passwords
from services.identity.single_use import SINGLE_USE
from services.identity.tokens import digest
from tests.identity.authenticator import Authenticator
from tests.identity.passkeys.rig import add
from tests.identity.rig import ADMIN, PASSWORD, Browser, Identity, Mail

NEW = "three quiet herons"
BEGUN = """
    insert into one_time_tokens (id, purpose, person_id, client_id, flow_hash, facts, tries, created_at, expires_at)
    select gen_random_uuid(), $2, id, client_id, $3, '{}', 0, now(), now() + interval '1 hour' from people where id = $1
"""
LIVE = "select purpose from one_time_tokens where person_id = $1 and used_at is null and expires_at > now()"


async def by_mail(identity: Identity, _: Browser, email: str) -> None:
    browser, before = await identity.browser(), len(await identity.mails_written(email))
    await browser("POST", "auth/forgot-password", json={"email": email})
    body = {"token": (await identity.mail_to(email, before + 1)).token, "password": NEW}
    assert (await browser("POST", "auth/reset-password", json=body)).status_code == 204


async def by_hand(_: Identity, owner: Browser, __: str) -> None:
    body = {"password": NEW, "current": PASSWORD}
    assert (await owner("POST", "people/me/password", json=body)).status_code == 204


async def by_signing_out_elsewhere(_: Identity, owner: Browser, __: str) -> None:
    assert (await owner("POST", "sessions/revoke-others")).status_code == 200


async def by_staff(identity: Identity, owner: Browser, _: str) -> None:
    assert (await identity.api(ADMIN, "DELETE", f"people/{owner.actor.id}/two-factor")).status_code == 204


@pytest.mark.parametrize("take_back", [by_mail, by_hand, by_signing_out_elsewhere, by_staff])
async def test_what_was_begun_before_an_account_was_taken_back_leads_nowhere(
    identity: Identity, take_back: Callable[[Identity, Browser, str], Awaitable[None]]
) -> None:
    person = await identity.person(await identity.client())
    email, theirs, owner = person["email"], f"{uuid4().hex}@evil.example", await identity.browser(person)
    intruder, waiting = await identity.browser(person), await identity.browser()
    await owner.enrol()
    assert (await intruder("POST", "people/me/email", json={"email": theirs})).status_code == 202
    await waiting.ask_for_link(email)
    await identity.until(
        "select 1 where not exists (select from mails where address = any($1) and due_at is not null)", [email, theirs]
    )
    mails = [Mail(mail) for mail in identity.mails_to(email)]
    to_old, link = [next(m.token for m in mails if page in m.text) for page in ("/confirm-email", "/sign-in/link")]
    to_new = (await identity.mail_to(theirs)).token
    for purpose in SINGLE_USE:
        await identity.execute(BEGUN, UUID(person["id"]), purpose, uuid4().hex)
    await take_back(identity, owner, email)
    assert {row["purpose"] for row in await identity.execute(LIVE, UUID(person["id"]))} == {"invitation"}
    for token in (to_new, to_old):
        assert (await waiting("POST", "auth/confirm-email", json={"token": token})).status_code == 401
    assert (await waiting.redeem(token=link)).status_code == 401
    (row,) = await identity.execute("select email from people where id = $1", UUID(person["id"]))
    assert row["email"] == email


ANOTHER = """
    insert into sessions
    select (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'hash', $2::text))).*
    from sessions s where hash = $1
"""


async def test_no_session_outlives_a_change_of_what_signs_in(identity: Identity) -> None:
    """Each was opened in a way that is no more: without the second factor, with the passkey that is gone."""
    here = await identity.browser(await identity.person(await identity.client()))
    passkey = (await add(here, Authenticator())).json()["id"]
    changes: dict[str, Callable[[], Awaitable[object]]] = {
        "two_factor_enabled": here.enrol,
        "recovery_codes_replaced": lambda: here("POST", "two-factor/recovery-codes"),
        "two_factor_disabled": lambda: here("DELETE", "two-factor"),
        "passkey_removed": lambda: here("DELETE", f"passkeys/{passkey}"),
    }
    for reason, change in changes.items():
        other, before = digest(uuid4().hex), here.cookies["portal_session"]
        await identity.execute(ANOTHER, here.session_hash, other)
        await change()
        assert await here.record(), reason
        assert (await identity.resolve(before)).status_code == 404, reason
        assert await identity.redis.get(f"session:{other}") == b"revoked", reason
        ended = [msgspec.json.decode(event.data) for event in await identity.events("session_revoked")]
        assert {"session_hash": other, "reason": reason} in ended


async def test_another_passkey_leaves_the_sessions_alone(identity: Identity) -> None:
    """They could be opened today as they were: the owner is asked (`sessions/revoke-others`)."""
    person = await identity.person(await identity.client())
    here, there = await identity.browser(person), await identity.browser(person)
    assert (await add(here, Authenticator())).status_code == 201
    assert await there.record()


async def by_giving_the_seat_to_somebody_else(identity: Identity, owner: Browser, _: str) -> None:
    change = {"email": f"{uuid4().hex}@acme.example"}
    assert (await identity.api(ADMIN, "PATCH", f"contacts/{owner.actor.id}", json=change)).status_code == 200


async def by_confirming_another_address(identity: Identity, owner: Browser, email: str) -> None:
    """The password is as right as before, and its mailbox was given up."""
    new, before = f"{uuid4().hex}@acme.example", len(await identity.mails_written(email))
    assert (await owner("POST", "people/me/email", json={"email": new})).status_code == 202
    for address, number in ((new, 1), (email, before + 1)):
        token = (await identity.mail_to(address, number)).token
        assert (await owner("POST", "auth/confirm-email", json={"token": token})).status_code == 200


@pytest.mark.parametrize(
    "replace", [by_mail, by_hand, by_giving_the_seat_to_somebody_else, by_confirming_another_address]
)
async def test_a_password_replaced_while_it_is_checked_opens_nothing(
    identity: Identity, replace: Callable[[Identity, Browser, str], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no session yet that the change could have ended."""
    person = await identity.person(await identity.client())
    owner, late = await identity.browser(person), await identity.browser()
    with monkeypatch.context() as slow:

        async def right_until_now(self: Passwords, password_hash: str | None, password: str) -> bool:
            slow.undo()
            right = await self.matches(password_hash, password)
            await replace(identity, owner, person["email"])
            return right

        slow.setattr(Passwords, "matches", right_until_now)
        answer = await late.sign_in(person["email"])
    assert answer.status_code == 401
    wrong = await (await identity.browser()).sign_in(person["email"], "never their password")
    assert answer.text == wrong.text
    assert await identity.execute("select id from sessions where ip = $1", late.actor.ip) == []
    failed = [msgspec.json.decode(event.data) for event in await identity.events("failed_login", person["id"])]
    assert "wrong" in [each["reason"] for each in failed if each["ip"] == late.actor.ip]
