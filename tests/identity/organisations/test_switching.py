"""From one organisation to another without signing in again, and what that does not get around."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from services.identity.organisations import commands
from services.identity.sessions.models import Attempt
from services.identity.tokens import digest
from shared.actor import SYSTEM, Actor
from tests.identity.authenticator import Authenticator
from tests.identity.organisations.conftest import Consultant
from tests.identity.passkeys.rig import add, enter
from tests.identity.rig import ADMIN, PASSWORD, App, Browser, Identity, full_step, somewhere
from tests.identity.single_sign_on.rig import organisation


async def test_one_goes_on_as_the_other_clients_person_under_a_new_id(both: Consultant) -> None:
    before, old = both.browser.actor, both.browser.cookies["portal_session"]
    answer = await both.switch(both.birch)
    assert (answer.status_code, answer.json()["id"], answer.json()["client_name"]) == (
        200,
        both.guest["id"],
        "Birch Ltd",
    )
    now = both.browser.actor
    assert (str(now.id), str(now.client_id), now.name) == (both.guest["id"], both.birch, "Anna Keller-Birch")
    assert (now.proven_at, now.session_ends) == (before.proven_at, before.session_ends)
    assert now.session_id != before.session_id
    assert (await both.identity.resolve(old)).status_code == 404
    assert await both.identity.redis.get(f"session:{digest(old)}") == b"revoked"
    (event,) = await both.identity.events("organisation_switched", both.guest["id"])
    assert (str(event.clientid), str(event.actorid), event.sessionid) == (both.birch, both.guest["id"], now.session_id)
    assert msgspec.json.decode(event.data)["method"] == "password"
    assert [(each["name"], each["current"]) for each in await both.organisations()] == [
        ("Acme GmbH", False),
        ("Birch Ltd", True),
    ]
    assert (await both.switch(both.acme)).status_code == 200
    assert str(both.browser.actor.id) == both.anna["id"]


async def test_ones_organisations_stand_in_the_order_of_their_letters(both: Consultant) -> None:
    for client_id, name in ((both.acme, f"Zeta {uuid4()}"), (both.birch, f"Ärzte {uuid4()}")):
        assert (await both.identity.api(ADMIN, "PATCH", f"clients/{client_id}", json={"name": name})).status_code == 200
    assert [each["name"].split()[0] for each in await both.organisations()] == ["Ärzte", "Zeta"]


async def test_in_one_nothing_of_the_other_exists(both: Consultant) -> None:
    identity = both.identity
    colleague = await identity.person(both.acme)
    await both.switch(both.birch)
    nobody = (await both.browser("GET", f"people/{uuid4()}")).text
    for path in (f"people/{both.anna['id']}", f"people/{colleague['id']}", f"clients/{both.acme}"):
        answer = await both.browser("GET", path)
        assert (answer.status_code, answer.text) == (404, nobody)
    listed = (await both.browser("GET", "people")).json()["items"]
    assert [each["id"] for each in listed] == [both.guest["id"]]


async def test_the_primary_contact_of_one_is_none_in_the_other(identity: Identity) -> None:
    both = await Consultant(identity).arrive()
    await both.staff("PATCH", f"contacts/{both.anna['id']}", json={"is_primary_contact": True})
    await both.joined()
    await both.switch(both.birch)
    assert both.browser.actor.is_primary_contact is False
    assert (await both.browser("GET", "team")).status_code == 403


async def test_of_fifty_at_once_one_has_the_one_new_id(both: Consultant) -> None:
    browsers = [
        Browser(both.identity, msgspec.structs.replace(both.browser.actor, ip=somewhere().ip)) for _ in range(50)
    ]
    body = {"client_id": both.birch}
    answers = await asyncio.gather(*(each("POST", "auth/switch-organisation", json=body) for each in browsers))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 503}
    live = "select person_id::text from sessions where account_id = $1 and revoked_at is null"
    assert [row[0] for row in await both.identity.execute(live, both.anna["id"])] == [both.guest["id"]]


async def test_what_is_not_ones_own_answers_like_a_random_id(invited: Consultant) -> None:
    """Another's, one that only invited, and one that took the access away again."""
    identity = invited.identity
    stranger = await identity.client("Cedar & Co")
    random = (await invited.switch(str(uuid4()))).json()
    taken, token = await invited.invite(stranger)
    assert (await invited.join(token=token)).status_code == 200
    await invited.staff("POST", f"contacts/{taken['id']}/portal-access/disable")
    for client_id in (invited.birch, stranger, await identity.client()):
        answer = await invited.switch(client_id)
        assert (answer.status_code, answer.json()) == (404, random)
    assert [each["name"] for each in await invited.organisations()] == ["Acme GmbH"]
    assert await invited.browser.record()


OBSTACLES: dict[str, tuple[str, int, str, str]] = {
    "closed": ("update clients set portal_enabled = false where id = $1", 409, "organisation.closed", "closed"),
    "method": ("update clients set sign_in_methods = '{magic_link,passkey}' where id = $1", 409, "organisation.sign_in_again", "method"),
    "second factor": ("update clients set second_factor = 'required' where id = $1", 409, "organisation.sign_in_again", "second_factor"),
    "network": ("update clients set allowed_networks = '{10.20.0.0/16}' where id = $1", 403, "organisation.network", "network"),
}  # fmt: skip


@pytest.mark.parametrize("why", OBSTACLES)
async def test_what_the_client_asks_for_at_its_door_it_asks_for_here(both: Consultant, why: str) -> None:
    change, status, code, obstacle = OBSTACLES[why]
    await both.identity.execute(change, both.birch)
    answer = await both.switch(both.birch)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await both.organisations())[1]["obstacle"] == obstacle
    record = await both.browser.record()
    assert record
    assert record["client_id"] == both.acme
    assert await both.identity.events("organisation_switched", both.guest["id"]) == []


@pytest.mark.parametrize("change", ["active = false", "portal_access = false"])
async def test_who_was_shut_out_there_does_not_get_in_this_way(both: Consultant, change: str) -> None:
    await both.identity.execute(f"update people set {change} where id = $1", both.guest["id"])
    assert (await both.switch(both.birch)).status_code == 404
    assert await both.browser.record()


async def test_a_second_factor_counts_only_where_the_session_was_opened_with_it(both: Consultant) -> None:
    await both.identity.execute("update clients set second_factor = 'required' where id = $1", both.birch)
    app, _ = await both.browser.enrol()
    assert (await both.switch(both.birch)).json()["code"] == "organisation.sign_in_again"
    browser = await both.identity.browser()
    assert (await browser.sign_in(both.email)).json()["next"] == "second_factor"
    assert (await browser.show(code=app.code())).status_code == 200
    assert (await both.switch(both.birch, browser)).status_code == 200


async def test_an_invitation_elsewhere_is_no_more_than_a_mailed_link(both: Consultant) -> None:
    await both.identity.execute(
        "update sessions set method = 'invitation' where id = $1", both.browser.actor.session_id
    )
    assert [each["obstacle"] for each in await both.organisations()] == ["", ""]
    await both.identity.execute("update clients set sign_in_methods = '{passkey}' where id = $1", both.birch)
    assert (await both.switch(both.birch)).status_code == 409


async def test_a_clients_own_provider_opens_its_own_door_only(identity: Identity) -> None:
    """Whoever runs Birch's provider can say that anybody is Anna: at Birch."""
    async with organisation(identity) as acme:
        anna = await acme.person()
        acme.seat(anna)
        browser = await identity.browser()
        brought = await acme.idp.visit(await acme.leave(browser))
        assert (await browser("POST", "auth/sso/callback", json=brought)).status_code == 200
        await browser.refresh()
        other = await identity.client("Birch Ltd")
        body = {"first_name": "Anna", "last_name": "Keller", "email": anna["email"]}
        guest = (await identity.api(ADMIN, "POST", f"clients/{other}/contacts", json=body)).json()
        await identity.api(ADMIN, "POST", f"contacts/{guest['id']}/portal-access/enable")
        token = (await identity.mail_to(anna["email"])).token
        assert (await browser("POST", "auth/organisations/join", json={"token": token})).status_code == 200
        answer = await browser("POST", "auth/switch-organisation", json={"client_id": other})
        assert (answer.status_code, answer.json()["code"]) == (409, "organisation.sign_in_again")


async def test_a_provider_that_vouches_for_a_guest_gets_nothing_of_the_account(identity: Identity) -> None:
    """Anna's account is at Birch; Acme's provider signs her in as Acme's person, who is nobody else there."""
    async with organisation(identity) as acme:
        anna = await acme.person(password=None)
        birch = await identity.client("Birch Ltd")
        home = await identity.person(birch)
        await identity.execute(
            "update people set account_id = $2, joined_at = now() where id = $1", anna["id"], home["id"]
        )
        await identity.browser(home)
        acme.seat(anna)
        browser = await identity.browser()
        brought = await acme.idp.visit(await acme.leave(browser))
        assert (await browser("POST", "auth/sso/callback", json=brought)).status_code == 200
        await browser.refresh()
        assert str(browser.actor.id) == anna["id"]
        assert len((await browser("GET", "sessions")).json()["items"]) == 1
        (own,) = (await browser("GET", "auth/organisations")).json()["items"]
        assert (own["name"], own["current"], own["home"]) == ("Acme GmbH", True, False)
        assert (await browser("POST", "auth/switch-organisation", json={"client_id": birch})).status_code == 404


async def test_where_one_is_already_there_is_nowhere_to_go(both: Consultant) -> None:
    answer = await both.switch(both.acme)
    assert (answer.status_code, answer.json()["code"]) == (409, "organisation.here_already")


async def test_staff_and_who_views_have_nothing_to_switch(both: Consultant) -> None:
    identity, body = both.identity, {"client_id": both.birch}
    viewing = Actor(
        id=ADMIN.id, name="C", kind="client", client_id=ADMIN.id, session_id=ADMIN.session_id, read_only=True
    )
    for actor, status in ((ADMIN, 403), (None, 401), (viewing, 403)):
        assert (await identity.api(actor, "POST", "auth/switch-organisation", json=body)).status_code == status
    assert (await identity.api(viewing, "GET", "auth/organisations")).json() == {"items": []}
    assert (await identity.api(ADMIN, "GET", "auth/organisations")).status_code == 403


@pytest.mark.parametrize("body", [{}, {"client_id": "1"}, {"client_id": None}, {"client_id": str(uuid4()), "more": 1}])
async def test_what_names_no_client_is_422(both: Consultant, body: dict[str, Any]) -> None:
    assert (await both.browser("POST", "auth/switch-organisation", json=body)).status_code == 422


async def test_credentials_are_looked_after_at_home(both: Consultant) -> None:
    await both.switch(both.birch)
    for method, path, body in (
        ("POST", "people/me/password", {"password": "three quiet herons", "current": PASSWORD}),
        ("POST", "people/me/email", {"email": "new@acme.example"}),
        ("POST", "passkeys/options", {}),
        ("POST", "two-factor/enrol", {}),
        ("POST", "auth/step-up", {"password": PASSWORD}),
        ("POST", "auth/step-up/mail", {}),
    ):
        answer = await both.browser(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "account.elsewhere"), path
    await both.switch(both.acme)
    assert (await both.browser("POST", "two-factor/enrol")).status_code == 200


async def test_a_passkey_begun_at_home_is_not_kept_elsewhere(both: Consultant) -> None:
    row = await both.row(both.guest)
    await both.browser("PATCH", "people/me", json={"phone": "1"})
    await both.switch(both.birch)
    assert (await both.browser("PATCH", "people/me", json={"phone": "2", "language": "de"})).json()["phone"] == "2"
    assert ((await both.row(both.anna))["phone"], (await both.row(both.guest))["language"]) == ("1", "de")
    assert row["password_hash"] is None


async def test_a_session_that_has_ended_is_in_no_organisation(invited: Consultant) -> None:
    """A claims token outlives its session by a minute at most: it opens nothing here."""
    actor = invited.browser.actor
    (only,) = (await invited.browser("GET", "auth/organisations")).json()["items"]
    assert (only["client_id"], only["current"], only["home"], only["obstacle"]) == (invited.acme, True, True, "")
    await invited.browser("POST", "auth/logout")
    assert (await invited.identity.api(actor, "GET", "auth/organisations")).json() == {"items": []}


async def test_who_switches_while_everything_else_is_ended_is_signed_out_as_well(both: Consultant) -> None:
    """The session there is a new row: whoever looks for sessions to end does not see it before it is written."""
    late = await both.signs_in()
    attempt = Attempt(id=uuid4(), ip="", user_agent="")
    async with both.identity.api.app.state.database.uow(SYSTEM) as db:
        entry = await commands.switch(db, attempt, late.actor, UUID(both.birch))
        ending = asyncio.create_task(both.browser("POST", "sessions/revoke-others"))
        await asyncio.wait([ending], timeout=0.5)
    assert (await ending).json() == {"revoked": 1}
    assert (await both.identity.resolve(entry.token)).status_code == 404


async def test_a_sign_in_begins_where_it_leads(both: Consultant) -> None:
    """With each method, where that organisation is one's own and admits it; else in the one used last."""
    identity = both.identity
    authenticator, stranger = Authenticator(), await identity.client()
    assert (await add(both.browser, authenticator)).status_code == 201

    async def by_password(organisation: str) -> str:
        body = {"email": both.email, "password": PASSWORD, "organisation": organisation}
        answer = await (await identity.browser())("POST", "auth/login", json=body)
        return answer.json()["person"]["client_name"]

    async def by_link(organisation: str) -> str:
        browser, before = await identity.browser(), len(await identity.mails_written(both.email))
        await browser.ask_for_link(both.email)
        token = (await identity.mail_to(both.email, before + 1)).token
        return (await browser.redeem(token=token, organisation=organisation)).json()["person"]["client_name"]

    async def by_passkey(organisation: str) -> str:
        answer = await enter(await identity.browser(), authenticator, organisation=organisation)
        return answer.json()["person"]["client_name"]

    for sign_in in (by_password, by_link, by_passkey):
        assert [await sign_in(each) for each in (both.birch, both.acme, both.birch)] == [
            "Birch Ltd", "Acme GmbH", "Birch Ltd",
        ]  # fmt: skip
    assert [await by_password(each) for each in (stranger, str(uuid4()))] == ["Birch Ltd", "Birch Ltd"]
    await both.staff("PATCH", f"clients/{both.acme}", json={"sign_in_methods": ["passkey"]})
    assert [await by_password(both.acme), await by_passkey(both.acme)] == ["Birch Ltd", "Acme GmbH"]


async def test_it_begins_there_after_the_second_factor_as_well(both: Consultant) -> None:
    app, _ = await both.browser.enrol()
    browser = await both.identity.browser()
    body = {"email": both.email, "password": PASSWORD, "organisation": both.birch}
    assert (await browser("POST", "auth/login", json=body)).json()["next"] == "second_factor"
    assert (await browser.show(code=app.code())).json()["person"]["client_name"] == "Birch Ltd"


async def test_a_second_factor_set_up_on_the_way_leads_there_too(both: Consultant) -> None:
    await both.staff("PATCH", f"clients/{both.birch}", json={"second_factor": "required"})
    browser = await both.identity.browser()
    body = {"email": both.email, "password": PASSWORD, "organisation": both.birch}
    assert (await browser("POST", "auth/login", json=body)).json()["next"] == "enrol"
    await full_step()
    app = App((await browser("POST", "auth/second-factor/enrol")).json()["secret"])
    answer = await browser("POST", "auth/second-factor/enrol/confirm", json={"code": app.code()})
    assert answer.json()["person"]["client_name"] == "Birch Ltd"
