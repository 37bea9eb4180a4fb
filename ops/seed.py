"""The demo company with its clients, created through the services' own HTTP APIs: events, feed and audit are real.

A history of weeks needs a clock that stands in the past: this process runs identity and projects once more, beside the
portal's own, and moves its own clock from day to day (`shared.clock.moved_to`). Nothing a person can reach can do that.
"""

import asyncio
import tomllib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import uvicorn

from gateway.claims import ClaimsSigner
from gateway.sessions import Session
from ops.serve import application
from ops.stack.ports import listen
from services.identity.people.bootstrap import create_first_admin
from services.identity.policies.models import ADMIN_POLICIES
from shared import clock
from shared.errors import Conflict
from shared.http import API

PASSWORD = "demo-portal-2026"  # noqa: S105  (the demo's, printed for everybody; never created outside the embedded stack)
ADMIN = {"email": "admin@northwind.example", "first_name": "Clara", "last_name": "Hoffmann"}
STORY = Path(__file__).parent / "demo.toml"
FIRST_DAY = -125
LEARNT_SECONDS = 20.0
_day = itemgetter(0)


class Place(msgspec.Struct, frozen=True):
    """Where to create the demo: each service's environment, as the portal's own processes were given it."""

    environments: Mapping[str, Mapping[str, str]]
    claims_key: Path


class Refused(Exception):
    """A service said no to the demo; the message has its answer."""


async def seed(place: Place) -> None:
    """Create everything. Does nothing where an administrator exists: that portal is somebody's already."""
    identity = place.environments["identity"]["PORTAL_DATABASE_URL"]
    try:
        with clock.moved_to(_at(FIRST_DAY)):
            admin = await create_first_admin(identity, password=PASSWORD, **ADMIN)
    except Conflict:
        return
    async with (
        _service("identity", place) as at_identity,
        _service("projects", place) as at_projects,
        aiohttp.ClientSession() as http,
    ):
        demo = _Demo(http, ClaimsSigner(place.claims_key.read_text()), admin, at_identity, at_projects)
        await demo.create(tomllib.loads(STORY.read_text()))


@asynccontextmanager
async def _service(name: str, place: Place) -> AsyncGenerator[str]:
    """One service in this process, under this process's clock; its address."""
    told = {**place.environments[name], "PORTAL_PRIVATE_PORT": "0", "PORTAL_LOG_LEVEL": "WARNING"}
    app, _ = application(name, told)
    socket = listen()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        while not server.started:
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


class _Demo:
    """The administrator at work, day after day."""

    def __init__(
        self, http: aiohttp.ClientSession, signer: ClaimsSigner, admin: UUID, identity: str, projects: str
    ) -> None:
        self._http = http
        self._signer = signer
        self._at = {"identity": identity, "projects": projects}
        self._people = {"Clara Hoffmann": admin}
        self._sessions: defaultdict[str, UUID] = defaultdict(clock.uuid7)
        self._roles: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.projects: dict[str, str] = {}
        """The ids of what the story calls projects."""

    async def create(self, story: Mapping[str, Any]) -> None:
        """Tell the whole story in the order of its days."""
        for person in story["people"]:
            await self._person(person, None)
        work: list[tuple[int, Callable[[], Any]]] = []
        for client in story["clients"]:
            work += await self._client(client)
        for day, steps in groupby(sorted(work, key=_day), key=_day):
            with clock.moved_to(_at(day)):  # once a day, so that its events keep their order to the millisecond
                for _, step in steps:
                    await step()
        for person in story["people"]:
            if "limited_to" in person:
                await self._limit(person)

    async def _limit(self, person: Mapping[str, Any]) -> None:
        body = {"limited": True, "project_ids": [self.projects[name] for name in person["limited_to"]]}
        await self._ask("identity", "PUT", f"people/{self._people[person['name']]}/assignments", body)

    async def _client(self, client: Mapping[str, Any]) -> list[tuple[int, Callable[[], Any]]]:
        """Create a client with its people on the first day; what happens on later days is returned."""
        with clock.moved_to(_at(FIRST_DAY)):
            taken_on = {"name": client["name"], "variant": client.get("variant", "delivery")}
            made = await self._ask("identity", "POST", "clients", taken_on)
            ways_in = {"sign_in_methods": client["sign_in_methods"]}
            await self._ask("identity", "PATCH", f"clients/{made['id']}", ways_in)
            people = {each["email"]: await self._person(each, made["id"]) for each in client["people"]}
            for contact in client["contacts"]:
                await self._contact(contact, made["id"])
            if primary := [people[each["email"]] for each in client["people"] if each.get("primary")]:
                await self._ask("identity", "POST", f"clients/{made['id']}/portal/enable", {"user_id": primary[0]})
        roles = {people[each["email"]]: each["role"] for each in client["people"]}
        return [step for project in client["projects"] for step in _Project(self, made["id"], roles, project).steps()]

    async def _person(self, person: Mapping[str, Any], client_id: str | None) -> str:
        first, _, last = person["name"].partition(" ")
        body = {
            "kind": "client" if client_id else "staff",
            "client_id": client_id,
            "email": person["email"],
            "first_name": first,
            "last_name": last,
            "password": PASSWORD,
            "is_primary_contact": person.get("primary", False),
            "policies": person.get("policies", []),
            "title": person.get("title", ""),
            "phone": person.get("phone", ""),
        }
        made = await self._ask("identity", "POST", "people", body)
        self._people[person["name"]] = UUID(made["id"])
        return made["id"]

    async def _contact(self, contact: Mapping[str, Any], client_id: str) -> None:
        """Somebody of a client who cannot sign in (yet)."""
        first, _, last = contact["name"].partition(" ")
        body = {"first_name": first, "last_name": last, "is_primary_contact": contact.get("primary", False)}
        body |= {name: contact[name] for name in ("email", "title", "phone", "language") if name in contact}
        await self._ask("identity", "POST", f"clients/{client_id}/contacts", body)

    async def _ask(self, service: str, method: str, path: str, body: Any, *, by: str = "Clara Hoffmann") -> Any:
        """One call as a member of staff. A 404 may mean that an event has not arrived yet, so it is asked again."""
        url = f"{self._at[service]}{API}/{path}"
        deadline = asyncio.get_running_loop().time() + LEARNT_SECONDS
        while True:
            headers = {"Authorization": f"Bearer {self._token(by, service)}"}
            async with self._http.request(method, url, json=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status < 300:
                    return msgspec.json.decode(text) if text else None
                if answer.status != 404 or asyncio.get_running_loop().time() > deadline:
                    raise Refused(f"{method} {path}: {answer.status} {text}")
            await asyncio.sleep(0.05)

    def _token(self, name: str, service: str) -> str:
        """Claims as the gateway would sign them for this person."""
        session = Session(
            session_id=self._sessions[name],  # the signer keeps one token a session
            person_id=self._people[name],
            name=name,
            kind="staff",
            client_id=None,
            version=len(self._people),
            policies=list(ADMIN_POLICIES),
            project_roles={},
            is_primary_contact=False,
            expires_at=clock.now() + timedelta(hours=1),
            proven_at=clock.now(),
        )
        return self._signer.token(session, (service,), "127.0.0.1").decode()

    async def project(self, method: str, path: str, body: Any, by: str) -> Any:
        """One call to the projects service."""
        return await self._ask("projects", method, path, body, by=by)

    def member(self, told: Mapping[str, str]) -> dict[str, Any]:
        """Somebody of a project's team: by their id where they are staff."""
        person_id = self._people.get(told["name"])
        return {**told, "person_id": person_id and str(person_id)}

    async def give_role(self, person_id: str, project_id: str, role: str) -> None:
        """Add a project role to those one of the client's people has; the API sets all of them at once."""
        self._roles[person_id][project_id] = role
        await self._ask("identity", "PUT", f"people/{person_id}/project-roles", {"roles": self._roles[person_id]})


class _Project:
    """One project of the story as steps on days."""

    def __init__(self, demo: _Demo, client_id: str, roles: Mapping[str, str], story: Mapping[str, Any]) -> None:
        self._demo = demo
        self._client_id = client_id
        self._roles = roles
        self._story = story
        self._lead = story["team"][0]["name"] if story["team"][0]["name"] == "Jonas Weber" else "Clara Hoffmann"
        self._ids: dict[str, str] = {}

    def steps(self) -> Iterator[tuple[int, Callable[[], Any]]]:
        """What happens, and on which day."""
        story = self._story
        yield story["starts"], self._start
        for milestone in story["milestones"]:
            if "done" in milestone:
                yield milestone["done"], lambda milestone=milestone: self._complete(milestone)
        for event in story.get("history", []):
            yield event["day"], lambda event=event: self._happen(event)
        if story["status"] == "completed":
            yield story["ends"], lambda: self._happen({"status": "completed"})

    async def _start(self) -> None:
        story = self._story
        body = {name: story[name] for name in ("name", "description")}
        body |= {"team": [self._demo.member(each) for each in story["team"]]}
        body |= {"scope": story["scope"].strip(), "client_id": self._client_id, "status": "on_track"}
        body |= {"starts_on": _date(story["starts"]), "ends_on": _date(story["ends"])}
        self._id = (await self._demo.project("POST", "projects", body, self._lead))["id"]
        self._demo.projects[story["name"]] = self._id
        for milestone in story["milestones"]:
            await self._plan(milestone)
        for person_id, role in self._roles.items():
            await self._demo.give_role(person_id, self._id, role)

    async def _plan(self, milestone: Mapping[str, Any]) -> None:
        moved = {each["move"]: each["from"] for each in self._story.get("history", []) if "move" in each}
        body = {
            "name": milestone["name"],
            "phase": milestone["phase"],
            "description": milestone.get("text", ""),
            "starts_on": _date(milestone["start"]) if "start" in milestone else None,
            "target_on": _date(moved.get(milestone["name"], milestone["target"])),
            "depends_on": [self._ids[name] for name in milestone.get("after", [])],
        }
        made = await self._demo.project("POST", f"projects/{self._id}/milestones", body, self._lead)
        self._ids[milestone["name"]] = made["id"]

    async def _complete(self, milestone: Mapping[str, Any]) -> None:
        body = {"completed_on": _date(milestone["done"])}
        await self._demo.project("POST", f"milestones/{self._ids[milestone['name']]}/complete", body, self._lead)

    async def _happen(self, event: Mapping[str, Any]) -> None:
        if "status" in event:
            await self._demo.project("PATCH", f"projects/{self._id}", {"status": event["status"]}, self._lead)
        else:
            target = next(each["target"] for each in self._story["milestones"] if each["name"] == event["move"])
            path = f"milestones/{self._ids[event['move']]}"
            await self._demo.project("PATCH", path, {"target_on": _date(target)}, self._lead)


def _date(day: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=day)).isoformat()


def _at(day: int) -> datetime:
    """A moment of that day's office hours, the same for the same day."""
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=day), time(8 + day % 8, day * 17 % 60), UTC)
