"""The one door: a client's ways in, its networks, who may come at all, and what is remembered of it."""

import msgspec
import pytest

from services.identity.sessions.rules import Method
from shared.actor import Actor
from tests.identity.rig import PASSWORD, Identity, somewhere

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def reason(identity: Identity, person_id: str) -> str:
    """Why the newest attempt failed."""
    return msgspec.json.decode((await identity.events("failed_login", person_id))[-1].data)["reason"]


async def test_a_way_the_client_does_not_admit_is_a_wrong_password(identity: Identity) -> None:
    person = await identity.person(await identity.client(sign_in_methods=["magic_link"]))
    browser = await identity.browser()
    right, wrong = await browser.sign_in(person["email"]), await browser.sign_in(person["email"], "a wrong password")
    assert (right.status_code, right.text) == (wrong.status_code, wrong.text)
    reasons = [msgspec.json.decode(each.data)["reason"] for each in await identity.events("failed_login", person["id"])]
    assert reasons == ["method", "wrong"]
    await browser.ask_for_link(person["email"])
    assert (await browser.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 200


async def test_no_link_is_mailed_where_links_are_not_admitted(identity: Identity) -> None:
    person = await identity.person(await identity.client(sign_in_methods=["password"]))
    other = await identity.person(await identity.client())
    browser = await identity.browser()
    first, second = await browser.ask_for_link(person["email"]), await browser.ask_for_link(other["email"])
    assert (first.status_code, first.text) == (second.status_code, second.text)
    await identity.mail_to(other["email"])
    assert identity.mails_to(person["email"]) == []
    assert (await browser.sign_in(person["email"])).status_code == 200


async def test_from_outside_the_clients_networks_nobody_comes_in(identity: Identity) -> None:
    """A5: and the answer is that of a wrong password."""
    client_id = await identity.client(allowed_networks=["203.0.113.0/28", "2001:db8:7::/48"])
    person = await identity.person(client_id)
    answers = []
    for ip, status in (("203.0.113.7", 200), ("203.0.113.16", 401), ("2001:db8:7::9", 200), ("2001:db8:8::9", 401)):
        browser = await identity.browser(place=Actor(ip=ip))
        answers.append(await browser.sign_in(person["email"]))
        assert answers[-1].status_code == status, ip
    assert await reason(identity, person["id"]) == "network"
    unknown = await (await identity.browser()).sign_in("nobody@nowhere.example")
    assert answers[1].text == answers[3].text == unknown.text


async def test_a_link_from_inside_is_no_use_outside(identity: Identity) -> None:
    person = await identity.person(await identity.client(allowed_networks=["203.0.113.0/28"]))
    browser = await identity.browser()
    await browser.ask_for_link(person["email"])
    assert (await browser.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 401
    assert await reason(identity, person["id"]) == "network"


async def test_staff_come_by_every_way_and_from_everywhere(identity: Identity) -> None:
    await identity.client(sign_in_methods=["sso"], allowed_networks=["203.0.113.0/28"])
    person = await identity.person()
    browser = await identity.browser(person)
    await browser.ask_for_link(person["email"])
    assert (await browser.redeem(token=(await identity.mail_to(person["email"])).token)).status_code == 200


async def test_a_contact_without_access_stays_outside(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    await identity.execute("update people set portal_access = false where id = $1", person["id"])
    browser = await identity.browser()
    assert (await browser.sign_in(person["email"])).status_code == 401
    assert await reason(identity, person["id"]) == "closed"


async def test_an_address_in_two_books_signs_in_who_has_access(identity: Identity) -> None:
    first, second = await identity.person(await identity.client()), await identity.person(await identity.client())
    shared = first["email"]
    await identity.execute("update people set portal_access = false where id = $1", first["id"])
    await identity.execute("update people set email = $1 where id = $2", shared, second["id"])
    browser = await identity.browser()
    assert (await browser.sign_in(shared)).json()["person"]["id"] == second["id"]


async def test_when_somebody_came_in_last_is_kept_and_nothing_else_changes(identity: Identity) -> None:
    person = await identity.person(await identity.client())
    row = "select last_sign_in_at, updated_at, version from people where id = $1"
    before = (await identity.execute(row, person["id"]))[0]
    assert before["last_sign_in_at"] is None
    await (await identity.browser()).sign_in(person["email"], "a wrong password")
    assert (await identity.execute(row, person["id"]))[0] == before
    await identity.browser(person)
    after = (await identity.execute(row, person["id"]))[0]
    assert after["last_sign_in_at"] > before["updated_at"]
    assert (after["updated_at"], after["version"]) == (before["updated_at"], before["version"])


@pytest.mark.parametrize("method", ["password", "magic_link"])
async def test_the_session_remembers_how_it_began(identity: Identity, method: Method) -> None:
    person = await identity.person(await identity.client())
    browser = await identity.browser()
    if method == "password":
        await browser.sign_in(person["email"])
    else:
        await browser.ask_for_link(person["email"])
        await browser.redeem(token=(await identity.mail_to(person["email"])).token)
    assert [
        row["method"]
        for row in await identity.execute(f"select method from sessions where person_id = '{person['id']}'")
    ] == [method]


class TestNewDevice:
    """A mail about a browser in a network that this person never used before."""

    async def mails(self, identity: Identity, email: str) -> list[str]:
        """The subjects of what went to somebody, once the queue has nothing left for them."""
        await identity.until(
            "select 1 where not exists (select from mails where address = $1 and due_at is not null)", email
        )
        return [mail["subject"] for mail in identity.mails_to(email)]

    async def test_it_is_told_of_the_second_place_and_not_of_the_first(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        home = somewhere()
        await identity.browser(person, home)
        await identity.browser(person, home)
        assert await self.mails(identity, person["email"]) == []
        away = await identity.browser(place=Actor(ip="192.0.2.77"))
        away.user_agent = WINDOWS
        await away.sign_in(person["email"])
        mail = await identity.mail_to(person["email"])
        assert mail.message["Subject"].startswith("New sign-in")
        assert "Firefox 140, Windows 10, from the address 192.0.2.77" in mail.text
        await away.sign_in(person["email"])
        assert len(await self.mails(identity, person["email"])) == 1

    async def test_a_failed_attempt_is_no_new_device(self, identity: Identity) -> None:
        person = await identity.person(await identity.client())
        await identity.browser(person)
        away = await identity.browser(place=Actor(ip="192.0.2.78"))
        await away("POST", "auth/login", json={"email": person["email"], "password": PASSWORD + "!"})
        assert await self.mails(identity, person["email"]) == []
