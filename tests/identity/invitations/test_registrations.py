"""Registering with an address of a client's own domain, and with any other."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from tests.identity.rig import PASSWORD, Browser, Identity

NAMES = {"first_name": "Mara", "last_name": "Voss"}


async def ask(browser: Browser, email: str, **more: Any) -> httpx2.Response:
    return await browser("POST", "auth/register", json={"email": email, **NAMES, **more})


async def host(identity: Identity, **columns: Any) -> tuple[str, str]:
    """A client that lets its own people register, and an address of its domain nobody has."""
    domain = f"{uuid4().hex[:12]}.example"
    return await identity.client(allowed_domains=[domain], **columns), f"mara@{domain}"


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    return answer.status_code, sorted(answer.headers.items()), answer.text


async def settled(identity: Identity, email: str) -> None:
    """Wait until the queue has looked at everything for an address."""
    await identity.until(
        "select 1 where not exists (select 1 from mails where address = $1 and due_at is not null)", email
    )


async def test_an_address_of_the_domain_becomes_a_contact_when_the_link_is_used(identity: Identity) -> None:
    client_id, email = await host(identity, language="de")
    browser = await identity.browser()
    assert (await ask(browser, email.upper())).status_code == 202
    mail = await identity.mail_to(email)
    assert "Guten Tag Mara," in mail.text
    assert not await identity.execute("select 1 from people where email = $1", email)
    look = await browser("POST", "auth/invitation", json={"token": mail.token})
    assert (look.json()["email"], look.json()["first_name"]) == (email, "Mara")
    answer = await browser("POST", "auth/register", json={"token": mail.token, **NAMES, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    (row,) = await identity.execute("select * from people where email = $1", email)
    assert (str(row["client_id"]), row["kind"], row["language"], row["portal_access"]) == (
        client_id,
        "client",
        "de",
        True,
    )
    assert not row["is_primary_contact"]
    assert row["email_verified_at"]
    assert not await identity.execute("select 1 from project_roles where person_id = $1", row["id"])
    (accepted,) = await identity.events("invitation_accepted", str(row["id"]))
    assert msgspec.json.decode(accepted.data)["registered"] is True
    again = await (await identity.browser())("POST", "auth/register", json={"token": mail.token, **NAMES})
    assert again.status_code == 401


async def test_every_address_gets_the_same_answer_and_the_same_row(identity: Identity) -> None:
    client_id, email = await host(identity)
    _, of_closed = await host(identity, portal_enabled=False)
    _, of_sso = await host(identity, sign_in_methods=["sso"])
    there = await identity.person(client_id, email=f"there@{email.partition('@')[2]}")
    without_access = await identity.person(client_id, email=f"gone@{email.partition('@')[2]}")
    await identity.execute("update people set portal_access = false where id = $1", UUID(without_access["id"]))
    addresses = [email, of_closed, of_sso, there["email"], without_access["email"], f"{uuid4().hex}@nowhere.example"]
    answers = [await ask(await identity.browser(), each) for each in addresses]
    assert {str(seen(answer)) for answer in answers} == {str(seen(answers[0]))}
    await identity.mail_to(email)
    for each in addresses[1:]:
        await settled(identity, each)
        assert identity.mails_to(each) == []
        assert not await identity.execute("select 1 from mails where address = $1", each)
    assert len([e for e in await identity.events("registration_requested") if str(e.clientid) == client_id]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update clients set allowed_domains = '{}' where id = $1",
        "update clients set active = false where id = $1",
        "update clients set allowed_networks = '{10.0.0.0/8}' where id = $1",
        "update one_time_tokens set expires_at = now() where client_id = $1",
    ],
)
async def test_what_is_not_welcome_any_more_makes_nobody(identity: Identity, change: str) -> None:
    client_id, email = await host(identity)
    await ask(await identity.browser(), email)
    token = (await identity.mail_to(email)).token
    await identity.execute(change, UUID(client_id))
    answer = await (await identity.browser())("POST", "auth/register", json={"token": token, **NAMES})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    assert not await identity.execute("select 1 from people where email = $1", email)


async def test_whoever_is_a_contact_by_now_is_not_made_twice(identity: Identity) -> None:
    client_id, email = await host(identity)
    await ask(await identity.browser(), email)
    token = (await identity.mail_to(email)).token
    await identity.person(client_id, email=email)
    answer = await (await identity.browser())("POST", "auth/register", json={"token": token, **NAMES})
    assert answer.status_code == 401
    assert len(await identity.execute("select 1 from people where email = $1", email)) == 1


async def test_a_password_is_chosen_only_with_the_link(identity: Identity) -> None:
    assert (await ask(await identity.browser(), "a@b.example", password=PASSWORD)).status_code == 422


async def test_asking_is_bounded(identity: Identity) -> None:
    browser = await identity.browser()
    answers = [(await ask(browser, "often@nowhere.example")).status_code for _ in range(7)]
    assert answers == [*[202] * 6, 429]
