"""Roles that are chosen with an invitation: they wait, can be changed, and count from when somebody comes in."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.actor import Actor
from shared.contracts.projects import ProjectShared, ProjectUpdated, ProjectWithdrawn
from tests.identity.bulk_invitations.conftest import Office, open_office
from tests.identity.rig import ADMIN, Browser, Identity, staff

OPEN_WAYS = {"first_name": "Mia", "last_name": "Lorenz"}


class House:
    """A client with two projects and a primary contact (approver in the one), and a member of staff who exists."""

    def __init__(self, identity: Identity, office: Office) -> None:
        self.identity, self.office, self.clara = identity, office, office.clara

    async def build(self) -> "House":
        self.client_id = await self.identity.client()
        self.shop, self.app = [await self.identity.project(self.client_id) for _ in range(2)]
        self.anna = await self.identity.person(self.client_id, is_primary_contact=True)
        await self.give(self.anna, {self.shop: "approver"})
        self.browser = await self.identity.browser(self.anna)
        return self

    async def give(self, person: dict[str, Any], roles: dict[str, str | None]) -> None:
        path = f"people/{person['id']}/project-roles"
        answer = await self.identity.api(self.clara, "PATCH", path, json={"roles": roles})
        assert answer.status_code == 200, answer.text

    async def invite(self, roles: dict[str, str], by: Actor | None = None) -> dict[str, Any]:
        """Somebody whom staff let in with these roles."""
        contact = await self.office.contact(self.client_id)
        path = f"contacts/{contact['id']}/portal-access/enable"
        answer = await self.identity.api(by or self.clara, "POST", path, json={"project_roles": roles})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, roles: dict[str, str]) -> dict[str, Any]:
        """Somebody whom the primary contact invites with these roles."""
        body = {"email": f"{uuid4().hex}@acme.example", **OPEN_WAYS, "project_roles": roles}
        answer = await self.browser("POST", "team", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def call(self, project: str, name: str) -> None:
        """Have identity hear that a project has another name."""
        renamed = ProjectUpdated(name=name, status="on_track", version=2, fields=["name"])
        await self.identity.hears(renamed, UUID(project), self.client_id)
        await self.identity.until("select 1 from known_projects where id = $1 and name = $2", UUID(project), name)

    async def come_in(self, person: dict[str, Any]) -> Browser:
        browser = await self.identity.browser()
        token = (await self.identity.mail_to(person["email"])).token
        answer = await browser("POST", "auth/register", json={"token": token, **OPEN_WAYS})
        assert answer.status_code == 200, answer.text
        await browser.refresh()
        return browser

    async def roles_of(self, person: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """What they hold, and what they are to become."""
        seen = (await self.identity.api(self.clara, "GET", f"people/{person['id']}")).json()
        return seen["project_roles"], seen["offered_roles"]


@pytest.fixture
async def house(identity: Identity) -> House:
    return await House(identity, await open_office(identity)).build()


async def test_roles_of_an_invitation_wait_until_it_is_accepted(house: House, identity: Identity) -> None:
    asked = {house.shop: "viewer"}
    by_staff, by_anna = await house.invite(asked), await house.ask(asked)
    assert by_staff["offered_roles"] == asked
    assert (by_anna["project_roles"], by_anna["offered_roles"]) == ({}, asked)
    for person, giver in ((by_staff, str(house.clara.id)), (by_anna, house.anna["id"])):
        assert await house.roles_of(person) == ({}, asked)
        (offered,) = await identity.events("project_roles_offered", person["id"])
        assert (str(offered.actorid), msgspec.json.decode(offered.data)) == (giver, {"roles": asked})
        assert not await identity.events("project_roles_changed", person["id"])
        browser = await house.come_in(person)
        record = await browser.record()
        assert record
        assert (record["project_roles"], record["rotate"]) == (asked, False)
        assert await house.roles_of(person) == (asked, {})
        (changed,) = await identity.events("project_roles_changed", person["id"])
        assert str(changed.actorid) == giver


async def test_roles_from_before_an_invitation_and_with_it_are_one_set(house: House, identity: Identity) -> None:
    """Whoever reads a contact reads both kinds; the invitation changes both, and what it does not name stays."""
    contact, third = await house.office.contact(house.client_id), await identity.project(house.client_id)
    await house.give(contact, {house.shop: "viewer", third: "viewer"})
    listed = await identity.api(
        house.clara, "GET", "invitations/bulk/recipients", params={"client_id": house.client_id}
    )
    (row,) = [each for each in listed.json()["items"] if each["person_id"] == contact["id"]]
    assert [each["role"] for each in row["projects"]] == ["viewer", "viewer"]
    path = f"contacts/{contact['id']}/portal-access/enable"
    body = {"project_roles": {house.shop: None, house.app: "approver"}}
    let_in = (await identity.api(house.clara, "POST", path, json=body)).json()
    assert (let_in["project_roles"], let_in["offered_roles"]) == ({third: "viewer"}, {house.app: "approver"})
    await house.come_in(contact)
    assert await house.roles_of(contact) == ({third: "viewer", house.app: "approver"}, {})


async def test_what_was_offered_can_be_changed_while_it_waits(house: House, identity: Identity) -> None:
    by_staff, by_anna = await house.invite({house.shop: "viewer"}), await house.ask({house.shop: "viewer"})
    await house.give(by_staff, {house.shop: None, house.app: "approver"})
    path = f"team/{by_anna['id']}/project-roles"
    above = await house.browser("PATCH", path, json={"roles": {house.app: "approver"}})
    assert (above.status_code, above.json()["code"]) == (403, "team.role_above_own")
    changed = await house.browser("PUT", path, json={"roles": {house.app: "feedback_only"}})
    assert changed.json()["offered_roles"] == {house.app: "feedback_only"}
    stale = {"If-Match": f'"{by_anna["version"]}"'}
    assert (await house.browser("PATCH", path, json={"roles": {}}, headers=stale)).status_code == 412
    await house.come_in(by_staff)
    await house.come_in(by_anna)
    assert await house.roles_of(by_staff) == ({house.app: "approver"}, {})
    assert await house.roles_of(by_anna) == ({house.app: "feedback_only"}, {})


async def test_a_role_taken_or_lowered_while_no_invitation_is_out_does_not_come_back(
    house: House, identity: Identity
) -> None:
    """A new address ends the invitation and leaves what it offered."""
    for later in (None, "viewer"):
        person = await house.invite({house.shop: "approver"})
        email = f"{uuid4().hex}@acme.example"
        moved = await identity.api(house.clara, "PATCH", f"contacts/{person['id']}", json={"email": email})
        assert moved.status_code == 200, moved.text
        await house.give(person, {house.shop: later})
        assert (await house.roles_of(person))[1] == {}
        again = await identity.api(house.clara, "POST", f"contacts/{person['id']}/invitation/resend")
        assert again.status_code == 200, again.text
        await house.come_in({**person, "email": email})
        assert await house.roles_of(person) == ({house.shop: later} if later else {}, {})


async def test_an_offer_is_worth_what_its_giver_may_give_when_it_takes_effect(house: House, identity: Identity) -> None:
    asked = {house.shop: "approver", house.app: "viewer"}
    first, second, by_staff = await house.ask(asked), await house.ask(asked), await house.invite(asked)
    await house.give(house.anna, {house.shop: "viewer"})
    await house.come_in(first)
    assert await house.roles_of(first) == ({house.app: "viewer"}, {})
    await identity.execute("update people set is_primary_contact = false where id = $1", house.anna["id"])
    await house.come_in(second)
    assert await house.roles_of(second) == ({}, {})
    await identity.execute("update people set policies = '{manageClients}' where id = $1", house.clara.id)
    await house.come_in(by_staff)
    assert await house.roles_of(by_staff) == ({}, {})


async def test_a_project_withdrawn_meanwhile_gives_nothing(house: House, identity: Identity) -> None:
    by_anna, by_staff = await house.ask({house.shop: "viewer"}), await house.invite({house.shop: "viewer"})
    facts: dict[str, Any] = {"name": "Shop", "status": "on_track", "version": 2}
    await identity.hears(ProjectWithdrawn(**facts), UUID(house.shop), house.client_id)
    await identity.until("select 1 from known_projects where id = $1 and private", UUID(house.shop))
    team = (await house.browser("GET", "team")).json()["items"]
    assert [member["offered_roles"] for member in team] == [{}] * len(team)
    for person in (by_anna, by_staff):
        browser = await house.come_in(person)
        assert (await browser("GET", "auth/me")).json()["project_roles"] == {}
    await identity.hears(ProjectShared(**facts), UUID(house.shop), house.client_id)
    await identity.until("select 1 from known_projects where id = $1 and not private", UUID(house.shop))
    assert await house.roles_of(by_anna) == ({}, {})


async def test_an_invitation_taken_back_offers_nothing(house: House, identity: Identity) -> None:
    person = await house.invite({house.shop: "viewer"})
    path = f"contacts/{person['id']}/portal-access"
    await identity.api(house.clara, "POST", f"{path}/disable")
    assert await house.roles_of(person) == ({}, {})


async def test_who_may_not_give_roles_cannot_offer_them(house: House, identity: Identity) -> None:
    may_invite = staff("managePortalAccess", "manageClients")
    contact = await house.office.contact(house.client_id)
    foreign = await identity.project(await identity.client("Birch Ltd"))
    path = f"contacts/{contact['id']}/portal-access/enable"
    refused = await identity.api(may_invite, "POST", path, json={"project_roles": {house.shop: "viewer"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "project_roles.needs_policy")
    elsewhere = await identity.api(house.clara, "POST", path, json={"project_roles": {foreign: "viewer"}})
    assert elsewhere.status_code == 404
    seen = (await identity.api(ADMIN, "GET", f"contacts/{contact['id']}")).json()
    assert (seen["portal_access"], seen["invitation"]["status"], seen["offered_roles"]) == (False, "none", {})


async def test_many_are_invited_with_one_choice_of_roles(house: House, identity: Identity) -> None:
    contacts = [await house.office.contact(house.client_id) for _ in range(2)]
    started = await house.office.start(house.client_id, project_roles={house.shop: "viewer"})
    assert started.status_code == 202, started.text
    await house.office.done(started.json()["id"])
    assert [await house.roles_of(each) for each in contacts] == [({}, {house.shop: "viewer"})] * 2
    await house.come_in(contacts[0])
    assert await house.roles_of(contacts[0]) == ({house.shop: "viewer"}, {})
    of_nobody = await house.office.start(None, project_roles={house.shop: "viewer"})
    assert of_nobody.status_code == 404


async def look(identity: Identity, person: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What the mail and the page behind its link say."""
    mail = await identity.mail_to(person["email"])
    seen = await (await identity.browser())("POST", "auth/invitation", json={"token": mail.token})
    assert seen.status_code == 200, seen.text
    return mail.text, seen.json()


def ahead(*roles: tuple[str, str]) -> dict[str, Any]:
    """What the page behind the link says of these projects, to somebody who is no primary contact."""
    named = [{"name": name, "role": role} for name, role in roles]
    return {"projects": named, "more": 0, "every_project": False}


async def test_an_invitation_names_who_invites_and_what_it_leads_to(house: House, identity: Identity) -> None:
    await house.call(house.shop, "Web shop 2027")
    by_staff, by_anna = await house.invite({house.shop: "viewer"}), await house.ask({house.shop: "approver"})
    for person, inviter, role in ((by_staff, house.clara.name, "viewer"), (by_anna, house.anna["name"], "approver")):
        mail, seen = await look(identity, person)
        assert f"{inviter} invites you to the portal of" in mail
        assert f"- Web shop 2027: {role.title()}\n" in mail
        assert seen["invited_by"] == inviter
        assert seen["ahead"] == ahead(("Web shop 2027", role))


async def test_an_invitation_names_projects_in_the_order_of_their_letters(house: House, identity: Identity) -> None:
    await house.call(house.shop, "Ärztehaus")
    await house.call(house.app, "zoo")
    person = await house.invite({house.app: "viewer", house.shop: "viewer"})
    assert (await look(identity, person))[1]["ahead"] == ahead(("Ärztehaus", "viewer"), ("zoo", "viewer"))


async def test_an_invitation_names_nothing_that_acceptance_would_not_give(house: House, identity: Identity) -> None:
    asked = {house.shop: "approver", house.app: "viewer"}
    by_anna, by_staff = await house.ask(asked), await house.invite(asked)
    await house.give(house.anna, {house.shop: "viewer"})
    assert (await look(identity, by_anna))[1]["ahead"] == ahead(("Relaunch", "viewer"))
    hidden = ProjectWithdrawn(name="Secret", status="on_track", version=2)
    await identity.hears(hidden, UUID(house.shop), house.client_id)
    await identity.until("select 1 from known_projects where id = $1 and private", UUID(house.shop))
    assert (await look(identity, by_staff))[1]["ahead"] == ahead(("Relaunch", "viewer"))
    await identity.execute("update people set policies = '{}', active = false where id = $1", house.clara.id)
    seen = (await look(identity, by_staff))[1]
    assert (seen["ahead"], seen["invited_by"]) == (ahead(), "")
