"""Clients, people, projects and milestones for tests of this service, made the way the service makes them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx2

from services.projects.projects import commands
from shared.actor import SYSTEM, Actor
from shared.clock import today, uuid7
from shared.events import RawEvent
from tests.conftest import ServiceApi
from tests.looks import Looks

STAFF = Actor(id=uuid7(), kind="staff", name="Clara Hoffmann", policies=frozenset({"manageProjects"}))
READER = Actor(id=uuid7(), kind="staff", name="Jonas Weber")


def days(number: int) -> str:
    """The date so many days from today, as JSON has it."""
    return (today() + timedelta(days=number)).isoformat()


def person(client_id: UUID, *, primary: bool = True, **roles: Any) -> Actor:
    """Somebody of a client; `roles={project_id: role}`."""
    return Actor(
        id=uuid7(), kind="client", client_id=client_id, name="Anna Keller", is_primary_contact=primary, **roles
    )


def member(client_id: UUID, roles: dict[str, str]) -> Actor:
    """Somebody of a client who has these project roles and no other right."""
    return person(client_id, primary=False, project_roles={UUID(key): role for key, role in roles.items()})


class Desk:
    """The service, and short ways to what most tests begin with."""

    def __init__(self, api: ServiceApi) -> None:
        self.api = api
        self.looks = Looks(api.database_url, role="projects_relay")

    async def __call__(self, actor: Actor | None, method: str, path: str, **request: Any) -> httpx2.Response:
        return await self.api(actor, method, path, **request)

    async def client(self, name: str = "Acme GmbH", *, active: bool = True) -> UUID:
        """A client this service has heard of."""
        client_id = uuid7()
        async with self.api.app.state.database.uow(SYSTEM) as db:
            await commands.learn_client(db, client_id, name, active=active)
        return client_id

    async def project(self, client_id: UUID | None = None, **fields: Any) -> dict[str, Any]:
        """A project, of a new client unless told whose."""
        body = {"client_id": str(client_id or await self.client()), "name": "Customer portal", **fields}
        return self.good(await self(STAFF, "POST", "projects", json=body), 201)

    async def milestone(self, project: dict[str, Any], name: str = "Launch", **fields: Any) -> dict[str, Any]:
        """A milestone of `project`, due in ten days unless told when."""
        body = {"name": name, "target_on": days(10), **fields}
        return self.good(await self(STAFF, "POST", f"projects/{project['id']}/milestones", json=body), 201)

    async def complete(self, milestone: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return self.good(await self(STAFF, "POST", f"milestones/{milestone['id']}/complete", json=fields))

    async def read(self, project: dict[str, Any], actor: Actor = STAFF) -> dict[str, Any]:
        """The project as `actor` sees it."""
        return self.good(await self(actor, "GET", f"projects/{project['id']}"))

    async def told(self, aggregate: dict[str, Any]) -> list[RawEvent]:
        """The events of one project or milestone, oldest first, views left out."""
        published = await self.api.published()
        return [each for each in published if str(each.subject) == aggregate["id"] and each.type != "view_project"]

    async def rows(self) -> dict[str, int]:
        """How many rows each table has: what a refused request must not change."""
        tables = ("projects", "milestones", "milestone_dependencies", "outbox")
        counts = ", ".join(f"(select count(*) from {table}) as {table}" for table in tables)
        return dict((await self.looks.fetch(f"select {counts}"))[0])

    @staticmethod
    def good(answer: httpx2.Response, status: int = 200) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        return answer.json()


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of a refused request."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    return answer.json()


def on(number: int) -> date:
    return today() + timedelta(days=number)
