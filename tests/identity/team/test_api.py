"""A client's own team, in the hands of its primary contact."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from shared.actor import Actor
from shared.contracts.projects import ProjectShared, ProjectWithdrawn
from shared.events import EventData
from tests.identity.rig import ADMIN, Browser, Identity, staff


class Office:
    """A client with two projects, its primary contact (approver in the one, nothing in the other) and a colleague."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def open(self, **client: Any) -> "Office":
        identity = self.identity
        self.client_id = await identity.client("Acme GmbH")
        self.shop, self.app = [await identity.project(self.client_id) for _ in range(2)]
        self.anna = await identity.person(self.client_id, is_primary_contact=True)
        self.felix = await identity.person(self.client_id, first_name="Felix", last_name="Brandt")
        await self.give(self.anna, {self.shop: "approver"})
        if client:
            answer = await identity.api(ADMIN, "PATCH", f"clients/{self.client_id}", json=client)
            assert answer.status_code == 200, answer.text
        self.browser = await identity.browser(self.anna)
        return self

    async def give(self, person: dict[str, Any], roles: dict[str, str]) -> None:
        path = f"people/{person['id']}/project-roles"
        assert (await self.identity.api(ADMIN, "PUT", path, json={"roles": roles})).status_code == 200

    async def stored(self) -> str:
        """Everybody of the client, and what they are where."""
        rows = await self.identity.execute(
            "select p::text, array(select r::text from project_roles r where r.person_id = p.id order by 1)"
            " from people p where client_id = $1 order by id",
            UUID(self.client_id),
        )
        return str(rows)


@pytest.fixture
async def office(identity: Identity) -> Office:
    return await Office(identity).open()


def new(**fields: Any) -> dict[str, Any]:
    return {"email": f"{uuid4().hex}@acme.example", "first_name": "Mia", "last_name": "Lorenz", **fields}


async def test_the_primary_contact_sees_the_team(office: Office) -> None:
    team = (await office.browser("GET", "team")).json()
    assert team["open"] is True
    assert [member["name"] for member in team["items"]] == ["Felix Brandt", "Anna Keller"]
    assert set(team["items"][0]) == {
        "id", "email", "first_name", "last_name", "name", "title", "active", "is_primary_contact", "project_roles",
        "offered_roles", "last_sign_in_at", "has_account", "invitation", "portal_access", "version",
    }  # fmt: skip
    assert [member["portal_access"] for member in team["items"]] == [True, True]
    assert team["items"][1]["project_roles"] == {office.shop: "approver"}


async def test_the_team_is_read_page_by_page_in_each_order_and_who_left_stays_at_the_end(
    office: Office, identity: Identity
) -> None:
    """Nobody of hundreds is left out, and nobody comes twice, also where somebody is renamed between two pages."""
    first = uuid4().hex[:8]
    for name, day, active in (("Ä", 2, True), ("B", 0, True), ("c", 9, True), ("D", 2, True), ("E", 20, False)):
        person = await identity.person(office.client_id, first_name=name, last_name=first)
        seen = f"2026-03-{day:02} 09:00+00" if day else None
        await identity.execute(
            "update people set active = $2, last_sign_in_at = $3::text::timestamptz where id = $1",
            UUID(person["id"]), active, seen,
        )  # fmt: skip
    for sort, expected in (
        ("name", "ÄBcDE"),
        ("-name", "DcBÄE"),
        ("last_sign_in_at", "ÄDcBE"),
        ("-last_sign_in_at", "cDÄBE"),
    ):
        names, asked = "", {"q": first, "sort": sort, "limit": 2}
        while asked is not None:
            page = (await office.browser("GET", "team", params=asked)).json()
            names += "".join(each["first_name"] for each in page["items"])
            asked = {**asked, "cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert names == expected, sort
    one = (await office.browser("GET", "team", params={"id": office.felix["id"]})).json()
    assert ([each["name"] for each in one["items"]], one["open"], one["next_cursor"]) == (["Felix Brandt"], True, None)
    other = await identity.person(await identity.client())
    assert (await office.browser("GET", "team", params={"id": other["id"]})).json()["items"] == []


async def test_an_invited_colleague_is_offered_the_roles_and_has_a_mail(office: Office, identity: Identity) -> None:
    asked = new(project_roles={office.shop: "approver", office.app: "viewer"})
    answer = await office.browser("POST", "team", json=asked)
    assert answer.status_code == 201, answer.text
    member = answer.json()
    assert (member["email"], member["offered_roles"]) == (asked["email"], asked["project_roles"])
    assert member["invitation"] == "waiting"
    assert (await identity.mail_to(asked["email"])).message["Subject"]
    (event,) = await identity.events("person_created", member["id"])
    assert (event.actorid, str(event.clientid)) == (UUID(office.anna["id"]), office.client_id)
    assert len(await identity.events("project_roles_offered", member["id"])) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"email": "mia"}, {"first_name": "", "last_name": ""}, {"project_roles": {"1": "viewer"}},
     {"is_primary_contact": True}, {"client_id": str(uuid4())}, {"policies": ["viewAudit"]}, {"kind": "staff"},
     {"active": True}],
)  # fmt: skip
async def test_what_is_no_invitation_is_422(office: Office, wrong: dict[str, Any]) -> None:
    before = await office.stored()
    assert (await office.browser("POST", "team", json=new(**wrong))).status_code == 422
    assert await office.stored() == before


async def test_an_address_of_another_client_is_answered_like_any_other(office: Office, identity: Identity) -> None:
    """A5: whether somebody has an account elsewhere is not for a client to find out."""
    elsewhere, staff_member = await identity.person(await identity.client("Birch Ltd")), await identity.person()
    answers = [
        await office.browser("POST", "team", json=new(email=email))
        for email in (elsewhere["email"], f"{uuid4().hex}@acme.example", staff_member["email"])
    ]
    known, unknown, company = [answer.json() | {"id": "", "email": ""} for answer in answers]
    assert ([answer.status_code for answer in answers], known, company) == ([201] * 3, unknown, unknown)
    ids = [answer.json()["id"] for answer in answers]
    for id_, outcome in zip(ids, ("sent_at", "sent_at", "failed_at"), strict=True):
        await identity.until(f"select 1 from mails where person_id = $1 and {outcome} is not null", UUID(id_))
    team = (await office.browser("GET", "team")).json()["items"]
    assert [member["invitation"] for member in team if member["id"] in ids] == ["sent"] * 3
    seen = [(await identity.api(ADMIN, "GET", f"people/{id_}")).json()["portal_access"] for id_ in ids]
    assert seen == [True, True, False]
    for person in (elsewhere, staff_member):
        assert (await (await identity.browser()).sign_in(person["email"])).status_code == 200


async def test_a_colleague_is_invited_once(office: Office) -> None:
    answer = await office.browser("POST", "team", json=new(email=office.felix["email"].upper()))
    assert (answer.status_code, answer.json()["code"]) == (409, "person.email_taken")


async def test_no_role_above_ones_own_is_given_or_taken(office: Office, identity: Identity) -> None:
    """Anna approves in the shop; in the app a primary contact is a viewer."""
    felix = f"team/{office.felix['id']}"
    for roles in ({office.shop: "approver", office.app: "viewer"}, {office.app: "feedback_only"}, {}):
        answer = await office.browser("PUT", f"{felix}/project-roles", json={"roles": roles})
        assert (answer.status_code, answer.json()["project_roles"]) == (200, roles)
    above = [await office.browser("PUT", f"{felix}/project-roles", json={"roles": {office.app: "approver"}})]
    above.append(await office.browser("POST", "team", json=new(project_roles={office.app: "approver"})))
    await office.give(office.felix, {office.app: "approver", office.shop: "viewer"})
    above += [
        await office.browser("PUT", f"{felix}/project-roles", json={"roles": {office.app: "viewer"}}),
        await office.browser("PUT", f"{felix}/project-roles", json={"roles": {}}),
        await office.browser("POST", f"{felix}/deactivate"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in above} == {(403, "team.role_above_own")}
    kept = await office.browser("PUT", f"{felix}/project-roles", json={"roles": {office.app: "approver"}})
    assert kept.json()["project_roles"] == {office.app: "approver"}
    assert (await identity.api(ADMIN, "GET", f"people/{office.felix['id']}")).json()["active"]


async def test_a_new_role_is_in_the_colleagues_session_at_once(office: Office, identity: Identity) -> None:
    browser = await identity.browser(office.felix)
    await office.browser("PUT", f"team/{office.felix['id']}/project-roles", json={"roles": {office.shop: "viewer"}})
    record = await browser.record()
    assert record
    assert (record["project_roles"], record["rotate"]) == ({office.shop: "viewer"}, True)


async def test_a_colleague_who_is_shut_out_is_out(office: Office, identity: Identity) -> None:
    browser = await identity.browser(office.felix)
    answer = await office.browser("POST", f"team/{office.felix['id']}/deactivate")
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert await identity.redis.get(f"session:{browser.session_hash}") == b"revoked"
    assert await browser.record() is None
    assert (await (await identity.browser()).sign_in(office.felix["email"])).status_code == 401
    (event,) = await identity.events("update_profile", office.felix["id"])
    assert (msgspec.json.decode(event.data)["fields"], event.actorid) == (["active"], UUID(office.anna["id"]))
    assert (await office.browser("POST", f"team/{office.felix['id']}/deactivate")).status_code == 200


async def test_oneself_and_primary_contacts_are_not_for_the_team_page(office: Office, identity: Identity) -> None:
    second = await identity.person(office.client_id, is_primary_contact=True)
    for person in (office.anna, second):
        for method, path, body in (
            ("PUT", "project-roles", {"roles": {}}),
            ("POST", "deactivate", {}),
        ):
            answer = await office.browser(method, f"team/{person['id']}/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "team.not_yours")


async def test_anothers_people_and_projects_do_not_exist(office: Office, identity: Identity) -> None:
    birch = await identity.client("Birch Ltd")
    oliver, foreign = await identity.person(birch), await identity.project(birch)
    before = await office.stored()
    answers = [
        await office.browser(method, path, json=body)
        for person in (oliver["id"], (await identity.person())["id"], str(uuid4()))
        for method, path, body in (
            ("PUT", f"team/{person}/project-roles", {"roles": {}}),
            ("POST", f"team/{person}/deactivate", {}),
        )
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    for project in (foreign, str(uuid4())):
        roles = {project: "viewer"}
        answers = [
            await office.browser("POST", "team", json=new(project_roles=roles)),
            await office.browser("PUT", f"team/{office.felix['id']}/project-roles", json={"roles": roles}),
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
    assert await office.stored() == before


async def test_a_closed_team_is_looked_at_only(identity: Identity) -> None:
    office = await Office(identity).open(team_invites=False)
    assert (await office.browser("GET", "team")).json()["open"] is False
    before = await office.stored()
    for method, path, body in (
        ("POST", "team", new()),
        ("PUT", f"team/{office.felix['id']}/project-roles", {"roles": {}}),
        ("POST", f"team/{office.felix['id']}/deactivate", {}),
    ):
        answer = await office.browser(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "team.closed")
    assert await office.stored() == before


async def test_the_team_is_the_primary_contacts_alone(office: Office, identity: Identity) -> None:
    felix: Browser = await identity.browser(office.felix)
    assert (await felix("GET", "team")).json()["code"] == "team.not_primary_contact"
    for actor in (ADMIN, staff()):
        assert (await identity.api(actor, "GET", "team")).status_code == 403
    viewing = Actor(
        id=ADMIN.id,
        name="Clara",
        kind="client",
        client_id=UUID(office.client_id),
        is_primary_contact=True,
        read_only=True,
    )
    assert (await identity.api(viewing, "GET", "team")).status_code == 200
    assert (await identity.api(viewing, "POST", "team", json=new())).status_code == 403


async def test_a_private_project_cannot_be_named(office: Office) -> None:
    """Byte for byte the answer to an id that nobody has; staff may name it, and the client once it is shared."""
    identity = office.identity
    secret = await identity.project(office.client_id, private=True)
    before = await office.stored()

    async def name(project: str) -> tuple[int, str]:
        path = f"team/{office.felix['id']}/project-roles"
        answer = await office.browser("PUT", path, json={"roles": {project: "viewer"}})
        return answer.status_code, answer.text

    async def turns(data: EventData, private: bool) -> None:
        await identity.hears(data, UUID(secret), office.client_id)
        await identity.until("select 1 from known_projects where id = $1 and private = $2", UUID(secret), private)

    shared = ProjectShared(name="x", status="on_track", version=2)
    withdrawn = ProjectWithdrawn(name="x", status="on_track", version=3)
    assert await name(secret) == await name(str(uuid4()))
    assert await office.stored() == before
    await office.give(office.felix, {secret: "viewer"})
    await office.give(office.felix, {})
    await turns(shared, False)
    assert (await name(secret))[0] == 200
    await office.give(office.felix, {})
    await turns(withdrawn, True)
    assert await name(secret) == await name(str(uuid4()))


async def test_roles_in_a_private_project_are_named_to_nobody_of_the_client(office: Office) -> None:
    """Neither in the team nor in one's own rights; and who replaces the roles they see leaves the others alone."""
    identity = office.identity
    secret = await identity.project(office.client_id, private=True)
    await office.give(office.felix, {secret: "viewer", office.shop: "viewer"})
    felix: Browser = await identity.browser(office.felix)
    for answer in (await office.browser("GET", "team"), await felix("GET", "auth/me")):
        assert answer.status_code == 200
        assert (office.shop in answer.text, secret in answer.text) == (True, False)
    assert secret not in (await felix.sign_in(office.felix["email"])).text
    path = f"team/{office.felix['id']}/project-roles"
    answer = await office.browser("PUT", path, json={"roles": {office.app: "viewer"}})
    assert answer.json()["project_roles"] == {office.app: "viewer"}
    person = (await identity.api(ADMIN, "GET", f"people/{office.felix['id']}")).json()
    assert person["project_roles"] == {office.app: "viewer", secret: "viewer"}
    same = await office.browser("PUT", path, json={"roles": {office.app: "viewer", secret: "viewer"}})
    assert same.status_code == 404, "not even that they hold it is to be found out"
    removed = await office.browser("POST", f"team/{office.felix['id']}/deactivate")
    assert (removed.status_code, secret in removed.text) == (200, False)
    await identity.api(ADMIN, "PATCH", f"people/{office.felix['id']}", json={"active": True})
    await office.give(office.felix, {})


async def test_the_database_hides_private_projects_from_the_tenant(office: Office) -> None:
    """The second lock."""
    await office.identity.project(office.client_id, private=True)
    connection = await asyncpg.connect(office.identity.api.database_url)
    try:
        await connection.execute(f"begin; select set_config('app.client_id', '{office.client_id}', true)")
        found = {str(row["id"]) for row in await connection.fetch("select id from known_projects")}
        assert found == {office.shop, office.app}
    finally:
        await connection.close()


async def test_the_companys_mail_goes_to_twenty_outsiders_a_day(office: Office, identity: Identity) -> None:
    """Of any number at once; what the company sends itself, and to the client's own domain, does not count."""
    domain = f"{uuid4().hex}.example"
    await identity.execute("update clients set allowed_domains = $1 where id = $2", [domain], office.client_id)

    async def invited(email: str) -> tuple[int, str]:
        answer = await office.browser("POST", "team", json=new(email=email))
        return answer.status_code, answer.json().get("code", "")

    assert await invited(f"inside@{domain}") == (201, "")
    for _ in range(2):
        contact = {"first_name": "Sabine", "last_name": "Vogt", "email": f"{uuid4().hex}@outside.example"}
        made = await identity.api(ADMIN, "POST", f"clients/{office.client_id}/contacts", json=contact)
        assert (await identity.api(ADMIN, "POST", f"contacts/{made.json()['id']}/portal-access/enable")).is_success
    outsiders = [f"{uuid4().hex}@outside.example" for _ in range(24)]
    outcomes = sorted(await asyncio.gather(*map(invited, outsiders)))
    assert outcomes == [(201, "")] * 20 + [(429, "team.too_many_invitations")] * 4
    refused = await office.browser("POST", "team", json=new(email=f"{uuid4().hex}@{domain}.outside.example"))
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    assert "20 people" in refused.json()["detail"]
    assert await invited(f"{uuid4().hex}@{domain}") == (201, "")
    assert (await (await Office(identity).open()).browser("POST", "team", json=new())).status_code == 201

    oldest = "update mails set created_at = created_at - interval '1 day' where id in (select id from mails where "
    oldest += "client_id = $1 and facts -> 'by' ->> 'kind' = 'client' and address like '%@outside.example' limit 1)"
    await identity.execute(oldest, office.client_id)
    assert [await invited(email) for email in (outsiders[0] + "x", outsiders[1] + "y")] == [
        (201, ""),
        (429, "team.too_many_invitations"),
    ]


async def test_a_role_in_a_project_that_became_visible_meanwhile_is_kept(office: Office, identity: Identity) -> None:
    """A primary contact sends what they changed; roles in projects they did not see are none of it."""
    await office.give(office.felix, {office.shop: "viewer", office.app: "viewer"})
    path = f"team/{office.felix['id']}/project-roles"
    opened = (await office.browser("GET", "team")).json()["items"][0]
    changed = await office.browser("PATCH", path, json={"roles": {office.shop: None}})
    assert changed.json()["project_roles"] == {office.app: "viewer"}
    for method, roles in (("PATCH", {office.shop: "viewer"}), ("PUT", {})):
        match = {"If-Match": f'"{opened["version"]}"'}
        late = await office.browser(method, path, json={"roles": roles}, headers=match)
        assert (late.status_code, late.json()["code"]) == (412, "stale")
    above = await office.browser("PATCH", path, json={"roles": {office.app: "approver"}})
    assert (above.status_code, above.json()["code"]) == (403, "team.role_above_own")
    again = await office.browser("PATCH", path, json={"roles": {office.shop: "viewer"}})
    assert again.json()["project_roles"] == {office.shop: "viewer", office.app: "viewer"}


async def test_an_invitation_sent_twice_is_one_invitation(office: Office, identity: Identity) -> None:
    """It reads past the tenant, writes as the primary contact, and reads what it wrote: all in one transaction."""
    headers, asked = {"Idempotency-Key": uuid4().hex}, new(project_roles={office.shop: "viewer"})
    first, second = [await office.browser("POST", "team", json=asked, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    assert first.json()["offered_roles"] == {office.shop: "viewer"}
    assert len(await identity.events("person_created", first.json()["id"])) == 1
    taken = {"Idempotency-Key": uuid4().hex}
    before = await office.stored()
    assert (await office.browser("POST", "team", json=asked, headers=taken)).status_code == 409
    assert await office.stored() == before
