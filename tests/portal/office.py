"""The stand-in services as staff and their own profile use them: what may be written, on top of what may be read."""

import copy
from typing import Any

from aiohttp import web

from tests.portal.addressbook import AddressBook
from tests.portal.gallery import Gallery
from tests.portal.standin import BASE, ago, entry, problem, today, uid

STALE = "Somebody changed this in the meantime. Look at what is there now before you save."


class Office(Gallery, AddressBook):
    """`say` makes the next write below a path fail with a problem of your choice."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.problems: dict[str, dict[str, Any]] = {}
        for project in self.state["projects"]:
            project["fixed_completion"] = None
            for number, milestone in enumerate(project["milestones"]):
                milestone["version"] = 1 + number % 2

    def say(self, path: str, status: int, code: str, detail: str, **more: Any) -> None:
        """Answer writes to exactly this path with a problem."""
        self.problems[path] = {"status": status, "code": code, "detail": detail, **more}

    def somebody_saves(self, path: str, who: str = "Jonas Weber", **changes: Any) -> None:
        """Another member of staff is faster: the thing changes, its version rises, the feed tells it."""
        kind, of = path.strip("/").split("/")
        stored = self._find(kind, of)
        stored |= changes
        stored["version"] += 1
        told = entry(90, f"{kind.removesuffix('s')}_updated", "Updated", ago(minutes=2), who=who)
        told |= {"target": {"type": kind, "id": of, "url": None}, "project_id": stored.get("project_id", of)}
        self.state["activity"].insert(0, told)

    @property
    def written(self) -> list[tuple[str, str, Any]]:
        """What was asked to be changed."""
        return [(call.method, call.path, call.body) for call in self.calls if call.method != "GET"]

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            *super()._routes(),
            ("POST", "/clients", self.create_client),
            ("PATCH", "/clients/{id}", self.change_client),
            ("POST", "/projects", self.create_project),
            ("PATCH", "/projects/{id}", self.change_project),
            ("POST", "/projects/{id}/milestones", self.create_milestone),
            ("PATCH", "/milestones/{id}", self.change_milestone),
            ("POST", "/milestones/{id}/complete", self.complete),
            ("POST", "/milestones/{id}/reopen", self.reopen),
            ("POST", "/{kind:projects|milestones}/{id}/{verb:share|withdraw}", self.turn),
        ]

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        async def answer(request: web.Request) -> web.StreamResponse:
            said = self.problems.get(request.path.removeprefix(BASE)) if request.method != "GET" else None
            return problem(**said) if said else await handler(request)

        return await super()._misbehave(request, answer)

    def _find(self, kind: str, of: str) -> dict[str, Any]:
        if kind == "milestones":
            return next(step for each in self.state["projects"] for step in each["milestones"] if step["id"] == of)
        return next(each for each in self.state[kind] if each["id"] == of)

    async def create_client(self, request: web.Request) -> web.Response:
        made = {"id": uid(500), "active": True, "portal_enabled": True, "people_count": 0, "created_at": ago(seconds=0)}
        self.state["clients"].append(made | await request.json())
        return web.json_response(self.state["clients"][-1], status=201)

    async def change_client(self, request: web.Request) -> web.Response:
        client = self._find("clients", request.match_info["id"])
        client |= await request.json()
        return web.json_response(client)

    async def create_project(self, request: web.Request) -> web.Response:
        first = copy.deepcopy(self.state["projects"][0])
        made = {**first, "id": uid(501), "milestones": [], "next_milestone": None} | await request.json()
        made["completion"] = made["completion"] or 0
        self.state["projects"].append(made)
        return web.json_response(made, status=201)

    async def change_project(self, request: web.Request) -> web.Response:
        return await self._change(request, "projects")

    async def change_milestone(self, request: web.Request) -> web.Response:
        return await self._change(request, "milestones")

    async def _change(self, request: web.Request, kind: str) -> web.Response:
        stored = self._find(kind, request.match_info["id"])
        if request.headers.get("If-Match", f'"{stored["version"]}"') != f'"{stored["version"]}"':
            return problem(412, "stale", STALE, version=stored["version"])
        changes = await request.json()
        if "completion" in changes:
            stored["fixed_completion"] = changes["completion"]
            changes["completion"] = changes["completion"] or stored["completion"]
        stored |= changes
        stored["version"] += 1
        return web.json_response(stored)

    async def create_milestone(self, request: web.Request) -> web.Response:
        project = self._find("projects", request.match_info["id"])
        made = {"id": uid(502), "project_id": project["id"], "status": "upcoming", "version": 1, "completed_on": None}
        project["milestones"].append(made | await request.json())
        return web.json_response(project["milestones"][-1], status=201)

    async def complete(self, request: web.Request) -> web.Response:
        step = self._find("milestones", request.match_info["id"])
        if step["status"] == "completed":
            return problem(409, "milestone.already_completed", "This milestone is completed already.")
        step |= {"status": "completed", "completed_on": today().isoformat()} | await request.json()
        return web.json_response(step)

    async def reopen(self, request: web.Request) -> web.Response:
        step = self._find("milestones", request.match_info["id"])
        step |= {"status": "in_progress", "completed_on": None}
        return web.json_response(step)

    async def turn(self, request: web.Request) -> web.Response:
        """Let the client see it, or not."""
        thing = self._find(request.match_info["kind"], request.match_info["id"])
        thing["private"] = request.match_info["verb"] == "withdraw"
        return web.json_response(thing)
