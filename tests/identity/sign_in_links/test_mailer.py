"""The mail itself, and what happens to it when the mail server is away."""

import asyncio

import httpx2

from services.identity.settings import IdentitySettings
from services.identity.sign_in_links.commands import Letter
from services.identity.sign_in_links.mailer import Mailer
from services.identity.tokens import new_token
from tests.identity.rig import PUBLIC_URL, Identity, Mail

LETTER = Letter("0199", 1, "anna@acme.example", "<b>Anna</b>", new_token(), "012345")


def settings(**fields: object) -> IdentitySettings:
    needed = {"database_url": "x", "nats_url": "x", "redis_url": "x", "smtp_url": "smtp://127.0.0.1:1"}
    needed |= {"secrets_key": "x", "token_key": "x"}
    return IdentitySettings(**needed | fields)  # type: ignore[arg-type]


def test_the_mail_says_the_same_as_text_and_as_html() -> None:
    mail = Mail(Mailer(settings(public_url="https://portal.example/", company_name="Nord & Süd")).compose(LETTER))
    link = f"https://portal.example/sign-in/link?token={LETTER.token}"
    assert link in mail.text
    assert mail.html.count(link) == 2
    assert (mail.token, mail.code) == (LETTER.token, "012345")
    assert "012 345" in mail.html
    assert "10 minutes" in mail.text
    assert "10 minutes" in mail.html
    assert mail.message["Subject"] == "Sign in to Nord & Süd"
    assert mail.message["To"] == "anna@acme.example"
    assert mail.message["Message-ID"] == "<0199.1@portal.example>"
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_text_stays_text_in_both() -> None:
    mail = Mail(Mailer(settings(company_name="<script>")).compose(LETTER))
    assert "Hello <b>Anna</b>," in mail.text
    assert "Hello &lt;b&gt;Anna&lt;/b&gt;," in mail.html
    assert "<script>" not in mail.html
    assert "src=" not in mail.html


async def test_the_mail_arrives_as_it_was_made(identity: Identity) -> None:
    person, browser = await identity.person(await identity.client(), first_name="Zoë"), await identity.browser()
    await browser.ask_for_link(person["email"])
    mail = await identity.mail_to(person["email"])
    assert mail.message["From"] == "Northwind <n@n.example>"
    assert mail.message["X-Envelope-From"] == "n@n.example"
    assert f"{PUBLIC_URL}/sign-in/link?token={mail.token}" in mail.text
    assert "Hello Zoë," in mail.text
    (row,) = await identity.until(
        "select * from sign_in_links where email = $1 and mail_due_at is null", person["email"]
    )
    assert (row["mail_tries"], row["used_at"]) == (1, None)


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
        await identity.until("select 1 from sign_in_links where email = $1 and mail_tries > 0", person["email"])
        assert (await (await identity.browser()).sign_in(other["email"])).status_code == 200
    mail = await identity.mail_to(person["email"])
    assert mail.message["Message-ID"].split(".")[1] != "1@portal"
    assert (await browser.redeem(token=mail.token)).status_code == 200
    assert len(await identity.events("sign_in_link_requested")) == len(
        {event.subject for event in await identity.events("sign_in_link_requested")}
    )


async def test_a_mail_is_sent_once_by_however_many_mailers(identity: Identity) -> None:
    people = [await identity.person(await identity.client()) for _ in range(6)]
    mailers = [Mailer(settings(smtp_url=identity.servers.addresses.smtp_url)) for _ in range(3)]
    database = identity.api.app.state.database
    running = [asyncio.create_task(mailer.run(database)) for mailer in mailers]
    answers = await asyncio.gather(*(ask(identity, person["email"]) for person in people))
    assert {answer.status_code for answer in answers} == {202}
    for person in people:
        await identity.mail_to(person["email"])
    await identity.until(
        "select 1 where not exists (select 1 from sign_in_links where mail_due_at is not null and email = any($1))",
        [person["email"] for person in people],
    )
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert [len(identity.mails_to(person["email"])) for person in people] == [1] * 6


async def ask(identity: Identity, email: str) -> httpx2.Response:
    return await (await identity.browser()).ask_for_link(email)
