"""Whoever takes their account back leaves nothing that somebody else began in it (decision 0115)."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from services.identity.single_use import SINGLE_USE
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
    await identity.until("select 1 where not exists (select 1 from mails where due_at is not null)")
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
