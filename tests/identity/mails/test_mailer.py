"""What becomes of a mail: when the server is away, refuses, or falls silent; by however many mailers."""

import httpx2

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
