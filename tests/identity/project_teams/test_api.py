"""Who reads how the staff in a project's team are called and reached, and that nobody reads it of anybody else."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from shared.actor import Actor
from shared.clock import uuid7
from shared.contracts.projects import ProjectShared, ProjectUpdated, ProjectWithdrawn
from tests.identity.rig import ADMIN, Identity, colleague_of

Read = list[tuple[str, str | None, str | None]]


class Team:
    """A client with two projects; Jonas of the staff is in the team of the first, Clara in none."""

    def __init__(self, identity: Identity) -> None:
        self.identity, self.version = identity, 1

    async def build(self) -> "Team":
        self.client_id = await self.identity.client()
        self.shop, self.app = [await self.identity.project(self.client_id) for _ in range(2)]
        phone = {"phone": "+49 30 1234567"}
        self.jonas = await self.identity.person(first_name="Jonas", last_name="Weber")
        self.clara = await self.identity.person(first_name="Clara", last_name="Hoffmann")
        for each in (self.jonas, self.clara):
            answer = await self.identity.api(ADMIN, "PATCH", f"people/{each['id']}", json=phone)
            assert answer.status_code == 200, answer.text
        self.shown: Read = [("Jonas Weber", self.jonas["email"], phone["phone"])]
        self.colleague = colleague_of(self.client_id, project_roles={UUID(self.shop): "viewer"})
        await self.works([self.jonas])
        return self

    async def works(self, people: list[dict[str, Any]], *, hidden: tuple[str, ...] = (), version: int = 0) -> None:
        """These are in the team of the shop from now on."""
        self.version += 1
        version = version or self.version
        team = [UUID(each["id"]) for each in people]
        facts = {"name": "Shop", "status": "on_track", "version": version, "fields": ["team"]}
        event = ProjectUpdated(**facts, team=team, hidden_fields=list(hidden))
        await self.identity.hears(event, UUID(self.shop), self.client_id)
        if version == self.version:
            await self.heard()

    async def heard(self) -> None:
        """Other tests' projects have the same versions: it is the shop's that counts."""
        heard = "select 1 from known_projects where id = $1 and version = $2"
        await self.identity.until(heard, UUID(self.shop), self.version)

    async def ask(self, actor: Actor | None, *projects: str) -> httpx2.Response:
        return await self.identity.api(actor, "GET", "project-teams", params=[("id", each) for each in projects])

    async def seen(self, actor: Actor, *projects: str) -> Read:
        answer = await self.ask(actor, *(projects or (self.shop,)))
        assert answer.status_code == 200, answer.text
        return [(each["name"], each["email"], each["phone"]) for each in answer.json()["items"]]


@pytest.fixture
async def team(identity: Identity) -> Team:
    return await Team(identity).build()


async def test_a_client_reads_how_to_reach_the_staff_of_its_projects_and_of_nobody_else(team: Team) -> None:
    shop, other = UUID(team.shop), await team.identity.client()
    assert await team.seen(team.colleague, team.shop, team.app, str(uuid7())) == team.shown
    assert (await team.ask(team.colleague, team.shop)).json()["items"][0] == {
        "project_id": team.shop,
        "person_id": team.jonas["id"],
        "name": "Jonas Weber",
        "email": team.jonas["email"],
        "phone": "+49 30 1234567",
    }
    primary = colleague_of(team.client_id, is_primary_contact=True)
    viewing = colleague_of(team.client_id, is_primary_contact=True, read_only=True)
    limited = Actor(id=uuid7(), kind="staff", assignments={shop: UUID(team.client_id)})
    for actor in (primary, viewing, limited, ADMIN):
        assert await team.seen(actor) == team.shown
    nothing = [
        colleague_of(team.client_id),
        colleague_of(team.client_id, project_roles={shop: "feedback_only"}),
        colleague_of(other, is_primary_contact=True),
        colleague_of(other, project_roles={shop: "approver"}),
        Actor(id=uuid7(), kind="staff", assignments={UUID(team.app): UUID(team.client_id)}),
    ]
    for actor in nothing:
        assert await team.seen(actor, team.shop, team.app) == []
    assert (await team.ask(None, team.shop)).status_code == 401
    assert (await team.ask(team.colleague)).status_code in (400, 422)
    closed = colleague_of(team.client_id, is_primary_contact=True, closed=frozenset({"projects"}))
    assert (await team.ask(closed, team.shop)).json()["code"] == "module.closed"
    assert (await team.identity.api(team.colleague, "GET", f"people/{team.jonas['id']}")).status_code == 404


async def test_a_client_of_the_company_in_a_team_by_mistake_is_nobody(team: Team) -> None:
    anna = await team.identity.person(await team.identity.client())
    await team.works([team.jonas, anna])
    assert await team.seen(team.colleague) == team.shown


async def test_who_is_renamed_or_leaves_is_shown_so_at_once(team: Team) -> None:
    path = f"people/{team.jonas['id']}"
    await team.identity.api(ADMIN, "PATCH", path, json={"last_name": "Weber-Lang"})
    assert await team.seen(team.colleague) == [("Jonas Weber-Lang", *team.shown[0][1:])]
    await team.identity.api(ADMIN, "PATCH", path, json={"active": False})
    for actor in (team.colleague, ADMIN):
        assert await team.seen(actor) == [("Jonas Weber-Lang", None, None)], "nobody writes to who has left"
    assert "active" not in (await team.ask(team.colleague, team.shop)).json()["items"][0]
    assert (await team.ask(ADMIN, team.shop)).json()["items"][0]["active"] is False
    await team.works([])
    assert await team.seen(team.colleague) == []


async def test_what_the_project_keeps_from_its_client_is_kept_here_too(team: Team) -> None:
    await team.works([team.jonas], hidden=("contact_details",))
    assert await team.seen(team.colleague) == [("Jonas Weber", None, None)]
    assert await team.seen(ADMIN) == team.shown
    await team.works([team.jonas], hidden=("team",))
    assert await team.seen(team.colleague) == []
    assert await team.seen(ADMIN) == team.shown
    await team.works([team.jonas])
    facts: dict[str, Any] = {"name": "Shop", "status": "on_track"}
    for kind, expected in ((ProjectWithdrawn, []), (ProjectShared, team.shown)):
        team.version += 1
        await team.identity.hears(kind(**facts, version=team.version), UUID(team.shop), team.client_id)
        await team.heard()
        assert await team.seen(team.colleague) == expected
        assert await team.seen(ADMIN) == team.shown


async def test_an_event_that_comes_late_changes_nothing(team: Team) -> None:
    """As it does when a dead letter is replayed."""
    await team.works([team.jonas], hidden=("team",))
    await team.works([team.jonas, team.clara], version=2)
    await team.works([team.jonas], hidden=("team",))
    assert await team.seen(team.colleague) == []
    assert await team.seen(ADMIN) == team.shown
