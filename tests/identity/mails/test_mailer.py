"""What becomes of a mail: when the server is away, refuses, or falls silent; by however many mailers."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from services.identity.mails.mailer import OLDEST, WAITING
from tests.identity.rig import PUBLIC_URL, Identity


async def test_the_mail_arrives_as_it_was_made(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client(), first_name="Zoë"), await identity.browser()
    await browser.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    assert mail.message["From"] == "Northwind <n@n.example>"
    assert mail.message["X-Envelope-From"] == "n@n.example"
    assert f"{PUBLIC_URL}/sign-in/link?token={mail.token}" in mail.text
    assert "Hello Zoë," in mail.text
    (row,) = await identity.until("select * from mails where address = $1 and sent_at is not null", person["email"])
    assert (row["tries"], row["due_at"], row["failed_at"]) == (1, None, None)


async def test_asking_again_replaces_the_link_and_mails_again(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client()), await identity.browser()
    mails = []
    for number in (1, 2):
        await browser.ask_for_link(person["email"])
        mails.append(await identity.mail_to(person["email"], number))
    assert len(await identity.execute("select 1 from sign_in_links where email = $1", person["email"])) == 1
    assert (await browser.redeem(token=mails[0].token)).status_code == 401
    assert (await browser.redeem(token=mails[1].token)).status_code == 200


async def test_a_mail_server_that_is_away_holds_up_nobody_and_loses_nothing(identity: Identity) -> None:
    person, other = [await identity.person(await identity.client()) for _ in range(2)]
    browser = await identity.browser()
    async with identity.without("mail"):
        assert (await browser.ask_for_link(person["email"])).status_code == 202
        await identity.until("select 1 from mails where address = $1 and tries > 0", person["email"])
        assert (await (await identity.browser()).sign_in(other["email"])).status_code == 200
    mail = await identity.mail_to(person["email"])
    assert mail.message["Message-ID"].split(".")[1] != "1@portal"
    assert (await browser.redeem(token=mail.token)).status_code == 200
    assert len(await identity.events("sign_in_link_requested")) == len(
        {event.subject for event in await identity.events("sign_in_link_requested")}
    )


async def ask(identity: Identity, email: str) -> httpx2.Response:
    return await (await identity.browser()).ask_for_link(email)


@contextmanager
def silent(identity: Identity) -> Iterator[None]:
    """The mail server takes connections and says nothing."""
    server = identity.servers.pid("mail")
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


async def test_a_mail_server_that_is_silent_holds_up_nobody_shows_and_gets_each_mail_once(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.identity.mails.server.TALK_SECONDS", 0.5)
    monkeypatch.setattr("services.identity.mails.mailer.MEASURE_SECONDS", 0.1)
    people = [await identity.person(await identity.client()) for _ in range(3)]
    emails = [person["email"] for person in people]
    browser = await identity.browser()
    with silent(identity):
        for email in emails:
            assert (await ask(identity, email)).status_code == 202
        await identity.until("select 1 from mails where address = any($1) having min(tries) > 0", emails)
        assert (await browser.sign_in(emails[0])).status_code == 200
        ready = await identity.api(None, "GET", "/readyz")
        assert ready.status_code == 200, ready.text
        await shows(lambda: WAITING._value.get() >= len(emails) and OLDEST._value.get() > 0)
    await identity.execute("update mails set due_at = now() where due_at is not null")
    for email in emails:
        assert await identity.mail_to(email)
    await identity.until(
        "select 1 where not exists (select from mails where address = any($1) and due_at is not null)", emails
    )
    assert [len(identity.mails_to(email)) for email in emails] == [1, 1, 1]
    await shows(lambda: WAITING._value.get() == OLDEST._value.get() == 0)


async def shows(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)
